"""A command that starts warm is a process of its own, like one that starts cold.

What is promised: status, output and errors are those of the program; it has the folder, the
environment and the input it was given, and leaves no trace in who asked.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import warm


@pytest.mark.parametrize(
    "words", [("--version",), ("status",), ("nosuch",), ("init", "--producer", "p", "--json")]
)
def test_it_ends_as_a_cold_start_does(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Answered, not found and misused, each in an empty folder."""
    environment = {**os.environ, "NO_COLOR": "1"}
    folders = [tmp_path / "cold", tmp_path / "warm"]
    for folder in folders:
        folder.mkdir()
    cold = subprocess.run(
        [sys.executable, "-m", "lineseal.commandline", *words],
        cwd=folders[0],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    done = warm.run(*words, cwd=folders[1], env=environment)

    assert done.returncode == cold.returncode
    assert len(done.stdout.splitlines()) == len(cold.stdout.splitlines())
    assert done.stderr.replace("warm", "cold") == cold.stderr
    made = [sorted(path.name for path in folder.rglob("*.toml")) for folder in folders]
    assert made[0] == made[1]


def test_it_sees_its_own_environment_and_input(tmp_path: Path) -> None:
    """Nothing of the one before it is left, neither there nor here."""
    home = tmp_path / "home"
    before = dict(os.environ), Path.cwd()
    assert warm.run("init", "--producer", "p", cwd=tmp_path).returncode == 0
    (tmp_path / ".lineseal").rename(home)

    named = warm.run("status", cwd=tmp_path, env={**os.environ, "LINESEAL_HOME": str(home)})
    unnamed = warm.run("keys", "list", cwd=tmp_path)
    read = warm.run("--home", home, "import", "openlineage", "-", stdin=b"no JSON")

    assert "materialise" in named.stderr
    assert unnamed.returncode != 0
    assert read.returncode != 0
    assert (dict(os.environ), Path.cwd()) == before
