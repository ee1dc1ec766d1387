"""The program finds its commands, explains its errors and always exits with a documented status.

What is promised: one sentence and a stable code for every error of ours; a crash says that it
is one; a missing extra says what to install; a closed pipe is no answer.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import click
import pytest

from lineseal.commandline import program
from lineseal.commandline.exit_codes import Exit
from lineseal.schemas.errors import NotFound, StoreBusy

NAME = "sample"


def run(
    monkeypatch: pytest.MonkeyPatch, command: click.Command | None, *arguments: str
) -> int | str | None:
    """Run ``lineseal sample`` with *command* installed under that name; return the status."""

    def installed(*, group: str) -> list[EntryPoint]:
        return [EntryPoint(NAME, "m:c", group)]

    def load(_: EntryPoint) -> click.Command | None:
        return command

    monkeypatch.setattr(program, "entry_points", installed)
    if command is not None:
        monkeypatch.setattr(EntryPoint, "load", load)
    monkeypatch.setattr(sys, "argv", ["lineseal", *(arguments or (NAME,))])
    with pytest.raises(SystemExit) as stop:
        program.main()
    return stop.value.code


def raising(error: BaseException) -> click.Command:
    """Make a command that fails with *error*."""

    @click.command()
    def fail() -> None:
        raise error

    return fail


def returning(status: int | None) -> click.Command:
    """Make a command that returns *status*."""

    @click.command()
    def finish() -> int | None:
        return status

    return finish


@pytest.mark.parametrize(("status", "code"), [(None, 0), (0, 0), (6, 6), (Exit.FINDING, 1)])
def test_what_a_command_returns_is_the_status(
    monkeypatch: pytest.MonkeyPatch, status: int | None, code: int
) -> None:
    """Nothing means answered."""
    assert run(monkeypatch, returning(status)) == code


def test_an_error_of_ours_is_one_line_with_its_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback: what is wrong, what to do, the code to search for."""
    status = run(monkeypatch, raising(StoreBusy("process 7 holds the store; wait for it")))

    assert status == Exit.UNREACHABLE
    assert capsys.readouterr().err == "error: process 7 holds the store; wait for it [STORE_BUSY]\n"


def test_an_error_cannot_steer_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names in messages and in candidates come from events."""
    run(monkeypatch, raising(NotFound("no \x1b[31mmodel", ("model:\x1b]0;x\x07",))))

    shown = capsys.readouterr().err
    assert "\x1b" not in shown
    assert "did you mean:\n  model:" in shown


def test_a_crash_says_that_it_is_ours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 70, the traceback, and whom to tell."""
    assert run(monkeypatch, raising(ZeroDivisionError("oops"))) == Exit.CRASH

    shown = capsys.readouterr().err
    assert "ZeroDivisionError" in shown
    assert "bug in Lineseal" in shown


def test_an_interrupt_is_not_a_crash(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Control-C gives the status every shell expects."""
    assert run(monkeypatch, raising(KeyboardInterrupt())) == 130
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("nonsense",), ("--nonsense",), (NAME, "--nonsense")])
def test_a_mistyped_command_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """Status 2, as everywhere."""
    assert run(monkeypatch, returning(0), *arguments) == Exit.USAGE


@pytest.mark.parametrize(
    ("module", "extra"),
    [("duckdb", "queries"), ("pyarrow.compute", "consumers"), ("sklearn", "demo")],
)
def test_a_missing_extra_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    module: str,
    extra: str,
) -> None:
    """Status 2 and the exact pip command, whatever options were given."""

    def load(_: EntryPoint) -> None:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)

    monkeypatch.setattr(EntryPoint, "load", load)

    assert run(monkeypatch, None, NAME, "x", "--json") == Exit.USAGE
    assert f"pip install 'lineseal[{extra}]'" in capsys.readouterr().err


def test_a_missing_module_of_ours_is_a_crash(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A broken installation is not blamed on an extra."""

    def load(_: EntryPoint) -> None:
        raise ModuleNotFoundError("No module named 'lineseal.x'", name="lineseal.x")

    monkeypatch.setattr(EntryPoint, "load", load)

    assert run(monkeypatch, None) == Exit.CRASH
    assert "lineseal.x" in capsys.readouterr().err


def test_a_command_that_cannot_be_loaded_leaves_the_help_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others are listed; this one says what is wrong."""

    def load(_: EntryPoint) -> None:
        raise ModuleNotFoundError("No module named 'lineseal.x'", name="lineseal.x")

    monkeypatch.setattr(EntryPoint, "load", load)

    assert run(monkeypatch, None, "--help") == Exit.OK
    assert "cannot be loaded" in capsys.readouterr().out


def test_a_misspelt_command_gets_a_suggestion(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a misspelt option does."""
    assert run(monkeypatch, returning(0), "smaple") == Exit.USAGE
    assert "'sample'" in capsys.readouterr().err


def test_the_home_option_reaches_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """--home stands for LINESEAL_HOME."""

    @click.command()
    def show() -> None:
        click.echo(os.environ["LINESEAL_HOME"])

    monkeypatch.setenv("LINESEAL_HOME", "replaced")
    run(monkeypatch, show, "--home", str(tmp_path), NAME)

    assert capsys.readouterr().out.strip() == str(tmp_path)


FLOOD = """
import click
from lineseal.commandline import program

@click.command()
def flood():
    while True:
        click.echo("x" * 1000)

program.EntryPointGroup.get_command = lambda *_: flood
program.main()
"""


def test_a_closed_pipe_is_no_answer() -> None:
    """``lineseal ... | head`` ends like any program, and not with "answered" or "a finding"."""
    process = subprocess.Popen(
        [sys.executable, "-c", FLOOD, "flood"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    complaint = process.stderr.read()
    process.stderr.close()

    assert process.wait() == 141
    assert not complaint


def test_the_program_runs_as_a_module() -> None:
    """``python -m lineseal.commandline`` is the same program."""
    result = subprocess.run(
        [sys.executable, "-m", "lineseal.commandline", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout.startswith("lineseal, version ")
