"""Makes one system call of a victim fail, or kill it, with strace, and checks what is left.

The points come from a run that is only traced: the calls of each thread that touch files of the
home, by their number in that thread, which is how ``inject=...:when=N`` counts (strace(1)).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final

from tests.stress.kills import ROOT, Tally, World
from tests.stress.victims import MANY

CALLS: Final = ("write", "pwrite64", "fsync", "fdatasync", "rename", "openat", "ftruncate")
ERRORS: Final = ("KILL", "EIO", "ENOSPC")
EVENTS: Final = 4 * 3 + MANY
_CALL = re.compile(r"^(\d+) +(\w+)\((.*)$")
_ID_LENGTH = 36


class Injection:
    """One kind of victim and the calls it makes.

    Attributes:
        points: For each call, its numbers that touch a file of the home.

    """

    def __init__(self, kind: str, folder: Path) -> None:
        """Trace a victim of *kind* once, in *folder*."""
        self._kind = kind
        self._folder = folder
        (folder / "world").mkdir()
        self._world = World(folder / "world", Tally())
        if kind == "materialise":
            self._world.seen = self._traced("emit", None)[1]
        self._keep()
        self._traced(kind, None)
        self.points = _points((folder / "trace").read_text("utf-8", "replace"), ".lineseal/")

    def run(self, call: str, number: int, error: str) -> list[str]:
        """Let call number *number* fail, and return what was broken after it."""
        self._restore()
        self._world.tally = Tally()
        what = "signal=KILL" if error == "KILL" else f"error={error}"
        status, seen = self._traced(self._kind, f"{call}:{what}:when={number}")
        if self._kind == "emit":
            self._world.seen = seen
        broken: list[str] = []
        if self._kind == "emit" and error != "KILL" and status != 0:
            broken.append(f"the job ended with {status}")
        if self._kind == "materialise":
            self._world.check_store()
        if self._world.tally.unopenable:
            return [*broken, "the store cannot be opened"]
        self._world.finish(relay=False)
        tally = self._world.tally
        if tally.broken:
            broken.append(f"{tally.lost} lost, {tally.doubled} doubled, {tally.torn} torn")
        return broken

    def _keep(self) -> None:
        shutil.copytree(self._world.home.path, self._folder / "kept", symlinks=True)

    def _restore(self) -> None:
        shutil.rmtree(self._world.home.path)
        shutil.copytree(self._folder / "kept", self._world.home.path, symlinks=True)

    def _traced(self, kind: str, inject: str | None) -> tuple[int, list[str]]:
        """Run a victim under strace; return its status and the ids it said."""
        log = str(self._folder / "trace")
        strace = [
            "strace",
            "-f",
            "--seccomp-bpf",
            "-y",
            "-qq",
            "-o",
            log,
            "-e",
            f"trace={','.join(CALLS)}",
        ]
        if inject is not None:
            strace += ["-e", f"inject={inject}"]
        more = [*self._world.paths(), *([str(EVENTS)] if kind == "emit" else [])]
        done = subprocess.run(
            [*strace, sys.executable, "-m", "tests.stress.victims", kind, *more],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        said = done.stdout.splitlines()
        return done.returncode, [line for line in said if len(line) == _ID_LENGTH]


def why_no_strace() -> str | None:
    """Say why system calls cannot be traced here, or None."""
    try:
        done = subprocess.run(
            ["strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "true"],
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        return "strace is not installed"
    return None if done.returncode == 0 else "strace may not trace here (ptrace is not allowed)"


def _points(trace: str, below: str) -> dict[str, list[int]]:
    counts: Counter[tuple[str, str]] = Counter()
    numbers: dict[str, set[int]] = {}
    for line in trace.splitlines():
        match = _CALL.match(line)
        if match is None or match[2] not in CALLS:
            continue
        counts[match[1], match[2]] += 1
        if below in match[3]:
            numbers.setdefault(match[2], set()).add(counts[match[1], match[2]])
    return {call: sorted(found) for call, found in numbers.items()}
