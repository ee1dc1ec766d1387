"""Answers what code ran, and in what."""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path

from lineseal.producers.capture.digest import digest_path
from lineseal.producers.capture.git import git_state
from lineseal.schemas.errors import Unreadable
from lineseal.schemas.model import Code, Environment

LOCKFILES = ("uv.lock", "poetry.lock", "requirements.txt", "Pipfile.lock")
"""Names looked for, the most exact first; the first one found is hashed."""

IMAGE_VARIABLE = "LINESEAL_IMAGE_DIGEST"
"""A container cannot see its own image's digest: whoever starts it passes it in."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def code_folder() -> Path:
    """Return the folder of the script that runs, or the working folder when there is none."""
    script = Path(sys.argv[0]) if sys.argv and sys.argv[0] else None
    if script is not None and script.suffix == ".py" and script.is_file():
        return script.resolve().parent
    return Path.cwd()


def capture_code(folder: Path, entry_point: str | None) -> Code | None:
    """Describe the code in *folder*; None when nothing is known about it."""
    state = git_state(folder)
    if state is None:
        return None if entry_point is None else Code(entry_point=entry_point)
    return Code(
        repository=state.remote,
        commit=state.commit,
        dirty=state.dirty,
        entry_point=entry_point,
    )


def entry_point() -> str | None:
    """Return the script that runs as it was called, or None for an installed command."""
    script = sys.argv[0] if sys.argv else ""
    return script if script.endswith(".py") else None


def capture_environment(folder: Path) -> Environment:
    """Describe the interpreter, the platform and the lockfile that belongs to *folder*."""
    system = os.uname()
    return Environment(
        image_digest=_image_digest(),
        lockfile_digest=_lockfile_digest(folder),
        python=platform.python_version(),
        platform=f"{system.sysname}-{system.release}-{system.machine}",
    )


def _image_digest() -> str | None:
    given = os.environ.get(IMAGE_VARIABLE, "")
    return given if _DIGEST.fullmatch(given) else None


def _lockfile_digest(folder: Path) -> str | None:
    state = git_state(folder)
    places = [folder] if state is None else [state.root, folder]
    for name in LOCKFILES:
        for place in places:
            if (place / name).is_file():
                try:
                    return digest_path(place / name).digest
                except Unreadable:
                    return None
    return None
