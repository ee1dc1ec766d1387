"""A home that takes in what other systems recorded, and the real program in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def lineseal(home: Path, *arguments: str, stdin: bytes = b"", status: int = 0) -> bytes:
    """Run the program, and expect how it ends."""
    done = subprocess.run(
        [sys.executable, "-m", "lineseal.commandline", "--home", str(home), *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )
    assert done.returncode == status, done.stderr.decode()
    return done.stdout


def make_receiving_home(folder: Path) -> Path:
    """Make a home in *folder* with a producer and the key of a gateway."""
    lineseal(folder, "init", "--producer", "jobs")
    lineseal(folder, "keys", "new", "gateway", "--role", "gateway", "--enrol")
    return folder
