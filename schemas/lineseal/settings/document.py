"""Writes ``docs/configuration.md`` from the settings, so that page and program cannot drift.

Run ``make docs`` to write the page again; a test compares.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
import typing
from typing import Any

from lineseal.settings.load import SINKS
from lineseal.settings.model import Settings, SinkSettings

_HEAD = """\
# Configuration

<!-- Written by `make docs` from lineseal.settings.model; edit there. -->

Everything of one installation lives in one folder, its *home*: `--home FOLDER`, else
`LINESEAL_HOME`, else the nearest `.lineseal/` here or in a folder above, as git finds a
repository. `lineseal init --producer NAME` makes one.

Settings stand in `lineseal.toml` in the home. The environment wins over the file:
`LINESEAL_SECTION__KEY`, in capitals, with two underscores between section and key; lists are
separated by commas. An unknown section, key or value is an error that names it, never ignored.
"""
_TYPES = {str: "text", int: "whole number", bool: "true or false"}


def render() -> str:
    """Render the whole page as Markdown."""
    sections = typing.get_type_hints(Settings)
    named = {**sections, SINKS: SinkSettings}
    return "\n".join([_HEAD, *(_section(name, cls) for name, cls in named.items())])


def _section(name: str, cls: type) -> str:
    if name == SINKS:
        name = f"{SINKS}.NAME"
    text, _, more = inspect.cleandoc(cls.__doc__ or "").partition("\n\n")
    summary = text.partition(": ")[2].strip().rstrip(".")
    lines = [
        f"## `[{name}]`: {summary}",
        "",
        *([more.replace("``", "`"), ""] if more else []),
        "| setting | type | default | what it does | environment |",
        "|---|---|---|---|---|",
    ]
    kinds = typing.get_type_hints(cls)
    lines += [_row(name, field, kinds[field.name]) for field in dataclasses.fields(cls)]
    return "\n".join([*lines, ""])


def _row(section: str, field: dataclasses.Field[Any], kind: Any) -> str:
    text = _TYPES.get(kind, "list of texts")
    least = field.metadata["least"]
    if least is not None:
        text += f", at least {least}"
    default = f"`{_toml(field.default)}`"
    variable = f"`LINESEAL_{section.replace('.', '__')}__{field.name}`".upper()
    return f"| `{field.name}` | {text} | {default} | {field.metadata['help']} | {variable} |"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{item}"' for item in typing.cast("tuple[str, ...]", value)) + "]"
    return str(value)


if __name__ == "__main__":
    sys.stdout.write(render())
