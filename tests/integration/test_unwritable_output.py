"""Whoever reads the output goes away, its disk is full, or there is none.

What is promised: the exit status never says "a finding" or "a crash" because of that, and no file
that is opened later takes the place of a closed stream.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lineseal.commandline.exit_codes import Exit

PROGRAM = (sys.executable, "-c", "from lineseal.commandline.program import main; main()")
FULL = Path("/dev/full")
PATIENCE_SECONDS = 60
OUTPUTS = pytest.mark.parametrize("output", ["table", "json"])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with one key, so that there is something to print."""
    folder = tmp_path_factory.mktemp("home")
    subprocess.run(
        [*PROGRAM, "init", "--producer", "jobs"],
        cwd=folder,
        env=os.environ | {"LINESEAL_HOME": str(folder / ".lineseal")},
        check=True,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
    )
    return folder / ".lineseal"


def status(home: Path, output: str, stdout: int) -> tuple[int, str]:
    """List the keys into *stdout*; return the exit status and what was said on stderr."""
    done = subprocess.run(
        [*PROGRAM, "keys", "list", "--output", output],
        env=os.environ | {"LINESEAL_HOME": str(home)},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    return done.returncode, done.stderr


@OUTPUTS
def test_a_reader_that_goes_away_ends_it_as_it_ends_any_program(home: Path, output: str) -> None:
    """As in ``| head``: silent, and not the status of a finding."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert status(home, output, writer) == (128 + signal.SIGPIPE, "")
    finally:
        os.close(writer)


def test_the_demo_ends_like_that_too(tmp_path: Path) -> None:
    """It has a console of its own."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [*PROGRAM, "demo"],
            cwd=tmp_path,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
    finally:
        os.close(writer)

    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


@OUTPUTS
def test_a_full_disk_is_said_in_one_line(home: Path, output: str) -> None:
    """It is no bug of ours, and what the command did stands."""
    if not FULL.exists():
        pytest.skip("this system has no /dev/full")
    with FULL.open("wb") as full:
        code, said = status(home, output, full.fileno())

    assert code == Exit.UNREACHABLE
    assert said.startswith("error: the output could not be written: ")
    assert len(said.splitlines()) == 1


@OUTPUTS
def test_without_a_standard_output_it_still_answers_by_its_status(home: Path, output: str) -> None:
    """As after ``>&-``: a file that is opened later must not get what is printed."""
    shell = f'exec "$0" "$@" keys list --output {output} >&-'
    done = subprocess.run(
        ["/bin/sh", "-c", shell, *PROGRAM],
        env=os.environ | {"LINESEAL_HOME": str(home)},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )

    assert (done.returncode, done.stderr) == (Exit.OK, "")
