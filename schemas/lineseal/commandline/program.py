"""The ``lineseal`` program: finds commands through entry points and turns errors into statuses."""

from __future__ import annotations

import difflib
import errno
import os
import signal
import sys
import traceback
from importlib.metadata import EntryPoint, entry_points, version
from pathlib import Path
from typing import NoReturn

import click

from lineseal.commandline.escape import visible
from lineseal.commandline.exit_codes import Exit, exit_for
from lineseal.schemas.errors import LinesealError, MissingExtra, NotFound

COMMAND_GROUP = "lineseal.commands"
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
_EXTRA_BY_MODULE = {
    "duckdb": "queries",
    "opentelemetry": "consumers",
    "pyarrow": "consumers",
    "structlog": "consumers",
    "kafka": "kafka",
    "sklearn": "demo",
    "starlette": "gateway",
    "uvicorn": "gateway",
    "yaml": "dvc",
}


class EntryPointGroup(click.Group):
    """Loads a command only when it is called or listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all installed commands, sorted."""
        return sorted(entry.name for entry in entry_points(group=COMMAND_GROUP))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command, or None when there is no such command."""
        for entry in entry_points(group=COMMAND_GROUP):
            if entry.name == cmd_name:
                return _load(entry)
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that *args* start with; a misspelt one gets a suggestion."""
        names = self.list_commands(ctx)
        if args and args[0] not in names:
            close = difflib.get_close_matches(args[0], names, 1)
            if close:
                raise click.UsageError(
                    f"No such command {args[0]!r}. Did you mean {close[0]!r}?", ctx
                )
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; when stdout is closed early, end as SIGPIPE ends any program.

        click would make status 1 of it, which means a finding, and 0 would mean answered.
        """
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _say_no_more()
            raise click.exceptions.Exit(128 + signal.SIGPIPE) from None


def _load(entry: EntryPoint) -> click.Command:
    try:
        command: click.Command = entry.load()
        return command
    except ModuleNotFoundError as error:
        extra = _EXTRA_BY_MODULE.get((error.name or "").partition(".")[0])
        if extra == "queries" and entry.value.startswith("lineseal.consumers."):
            extra = "consumers"  # whichever of its packages was missed first
        if extra is None:
            return _refusing(entry.name, error, f"(cannot be loaded: {error})")
        hint = f"'lineseal {entry.name}' needs more packages: pip install 'lineseal[{extra}]'"
        short = f"(not installed; pip install 'lineseal[{extra}]')"
        return _refusing(entry.name, MissingExtra(hint), short)


def _refusing(name: str, error: Exception, short_help: str) -> click.Command:
    """Stand in for a command that cannot be loaded, so that the others still work."""

    def refuse(arguments: tuple[str, ...]) -> NoReturn:
        del arguments
        raise error

    return click.Command(
        name,
        callback=refuse,
        params=[click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)],
        context_settings={"ignore_unknown_options": True},
        short_help=short_help,
    )


@click.group(cls=EntryPointGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("lineseal"), prog_name="lineseal")
@click.option(
    "--home",
    metavar="FOLDER",
    help="The Lineseal home; default: LINESEAL_HOME, or .lineseal here or above.",
)
def lineseal(home: str | None) -> None:
    """Record which data built which model, sealed, and answer for it.

    Exit status: 0 answered; 1 a finding; 2 usage; 3 not found; 4 not allowed; 5 unreachable;
    6 the answer is incomplete and says why; 70 a crash of ours.
    """
    if home:
        os.environ["LINESEAL_HOME"] = home


def main() -> NoReturn:
    """Run the program and exit with a documented status."""
    _hold_standard_streams()
    try:
        status = lineseal.main(standalone_mode=False, prog_name="lineseal")
        code = status if isinstance(status, int) else Exit.OK
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        code = 130
    except click.ClickException as error:
        error.show()
        code = Exit.USAGE
    except LinesealError as error:
        _explain(error)
        code = exit_for(error)
    except Exception as error:  # noqa: BLE001 - the program's last stop
        code = _answer_for(error)
    sys.exit(int(code))


def _answer_for(error: Exception) -> Exit:
    if isinstance(error, OSError) and error.filename is None and error.errno in _DISK_FULL:
        _say_no_more()
        text = f"error: the output could not be written: {error.strerror}; what was done stands"
        click.echo(text, err=True)
        return Exit.UNREACHABLE
    traceback.print_exception(error)
    click.echo("this is a bug in Lineseal; please report the lines above", err=True)
    return Exit.CRASH


def _hold_standard_streams() -> None:
    """Open what is closed: its number would go to the next file, and output into that file."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    # Python makes None of a closed stream, whatever its stubs say.
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - until the end


def _say_no_more() -> None:
    """Let what was not written yet go nowhere: else Python tries again at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _explain(error: LinesealError) -> None:
    click.echo(f"error: {visible(str(error))} [{error.code}]", err=True)
    if isinstance(error, NotFound) and error.candidates:
        click.echo("did you mean:", err=True)
        for candidate in error.candidates:
            click.echo(f"  {visible(candidate)}", err=True)
