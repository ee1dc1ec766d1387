"""Writes ``docs/commands.md`` from the installed commands, so that page and program cannot drift.

Run ``make docs`` to write the page again; a test compares.
"""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Iterator
from importlib.metadata import entry_points

import click

from lineseal.commandline.program import COMMAND_GROUP

_HEAD = """\
# Commands

<!-- Written by `make docs` from the commands' own help; edit there. -->

`lineseal --help` lists the commands, `lineseal COMMAND --help` explains one. Data goes to stdout,
everything else to stderr; `--json` is short for `--output json`; `NO_COLOR` is honoured. What the
exit status says stands in [errors.md](errors.md).
"""


def commands(name: str | None = None) -> Iterator[tuple[str, click.Command]]:
    """Yield every command, or only *name*, with its sub-commands, by the words one types."""
    found = entry_points(group=COMMAND_GROUP)
    for entry in sorted(found, key=lambda entry: entry.name):
        if name not in {None, entry.name}:
            continue
        command: click.Command = entry.load()
        yield from _walk(entry.name, command)


def options(command: click.Command) -> Iterator[click.Option]:
    """Yield the options that a command shows in its help."""
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            yield parameter


def render() -> str:
    """Render the whole page as Markdown."""
    return "\n".join([_HEAD, *(_section(name, command) for name, command in commands())])


def _walk(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        with click.Context(command) as context:
            for child in command.list_commands(context):
                found = command.get_command(context, child)
                if found is not None and not found.hidden:
                    yield from _walk(f"{name} {child}", found)


def _section(name: str, command: click.Command) -> str:
    parts = [f"## `lineseal {name}`", "", inspect.cleandoc(command.help or ""), ""]
    parts += ["```text", _usage(name, command), "```", ""]
    if command.epilog:
        example = command.epilog.replace("\b", "").partition("Example:")[2].strip("\n")
        parts += ["```bash", textwrap.dedent(example), "```", ""]
    rows = [_row(option) for option in options(command)]
    if rows:
        parts += ["| option | what it does |", "|---|---|", *rows, ""]
    return "\n".join(parts)


def _usage(name: str, command: click.Command) -> str:
    with click.Context(command) as context:
        return " ".join(["lineseal", name, *command.collect_usage_pieces(context)])


def _row(option: click.Option) -> str:
    values = "" if option.is_flag or option.count else f" {_metavar(option)}"
    names = ", ".join(f"`{name}{values}`" for name in (*option.opts, *option.secondary_opts))
    text = " ".join((option.help or "").split())
    if isinstance(option.type, click.Choice):
        text += f" One of: {', '.join(map(str, option.type.choices))}."
    if option.required and "required" not in text:
        text += " Required."
    return f"| {_cell(names)} | {_cell(text.strip())} |"


def _metavar(option: click.Option) -> str:
    if option.metavar or isinstance(option.type, click.Choice):
        return option.metavar or "CHOICE"
    return option.type.name.upper()


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(render())
