"""A home that takes in what other systems recorded, and the real program in it."""

from __future__ import annotations

import os
from pathlib import Path

from tests import warm


def lineseal(home: Path, *arguments: str, stdin: bytes = b"", status: int = 0) -> bytes:
    """Run the program, and expect how it ends."""
    environment = {**os.environ, "NO_COLOR": "1"}
    done = warm.run("--home", home, *arguments, stdin=stdin, env=environment)
    assert done.returncode == status, done.stderr
    return done.stdout.encode()


def make_receiving_home(folder: Path) -> Path:
    """Make a home in *folder* with a producer and the key of a gateway."""
    lineseal(folder, "init", "--producer", "jobs")
    lineseal(folder, "keys", "new", "gateway", "--role", "gateway", "--enrol")
    return folder
