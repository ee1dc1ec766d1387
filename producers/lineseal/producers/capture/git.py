"""Answers which commit is running, from which repository, and whether its tree was changed.

Asks the ``git`` command with a short timeout; outside a repository, or without git, there is
simply no answer. Asked once per process and folder: what runs is what was imported.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class GitState:
    """Hold the state of a work tree.

    ``dirty`` says whether tracked files differ from the commit, None when git took too long.
    """

    root: Path
    commit: str
    dirty: bool | None
    remote: str | None


@cache
def git_state(folder: Path) -> GitState | None:
    """Return the state of the work tree that *folder* is in, or None when it is in none."""
    answer = _git(folder, "rev-parse", "--show-toplevel", "HEAD")
    if answer is None:
        return None
    root, _, commit = answer.rpartition("\n")
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return GitState(
        root=Path(root),
        commit=commit,
        dirty=None if changes is None else bool(changes),
        remote=_git(folder, "config", "--get", "remote.origin.url") or None,
    )


def committed_at(path: Path) -> int | None:
    """Return when a file was last committed, microseconds UTC; None when it differs since."""
    if _git(path.parent, "status", "--porcelain", "--", path.name) != "":
        return None
    seconds = _git(path.parent, "log", "-1", "--format=%ct", "--", path.name)
    return int(seconds) * 1_000_000 if seconds else None


def _git(folder: Path, *arguments: str) -> str | None:
    # A repository's own configuration must not start programs or write its index here.
    command = ["git", "-C", str(folder), "-c", "core.fsmonitor=false", *arguments]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_SECONDS,
            env=environment,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    if done.returncode != 0:
        return None
    return os.fsdecode(done.stdout).strip()
