"""Derives the options of ``lineseal emit BODY`` from the body's model.

A field ``rows_checked`` is ``--rows-checked``; a nested record's field is dotted
(``--check.tool``); a list is an option that may be repeated. What the values mean is for
``lineseal.producers.friendly`` to say: everything but plain numbers and choices arrives there as
text.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Container, Iterator, Mapping
from enum import StrEnum
from typing import Any

import click

from lineseal.producers.friendly import MAIN_FIELD, NAMED_VALUES, SUBJECT_TYPES, is_moment
from lineseal.schemas import model
from lineseal.schemas.avsc import field_types, unwrap
from lineseal.schemas.model import DIGEST, Artifact, ArtifactUse, Subject

_PREFIX = "field"
_SEPARATOR = "__"

_PLACEHOLDERS: dict[type, str] = {
    Artifact: "REF",
    ArtifactUse: "REF",
    Subject: "REF|TYPE:NAME",
    model.Evidence: "NAME[@sha256:HEX]",
    model.Flip: "FROM=TO=COUNT",
    model.Slice: "JSON",
    **{cls: f"{fields[0].upper()}={fields[1].upper()}" for cls, fields in NAMED_VALUES.items()},
}
"""How a record that is one value of one option is written."""

_HINTS: dict[type, str] = {
    Artifact: "kind:[namespace/]name[@version|@sha256:HEX]",
    ArtifactUse: "kind:[namespace/]name[@version|@sha256:HEX]",
    Subject: f"a REF, or one of {', '.join(sorted(SUBJECT_TYPES - {'artifact'}))} and its name",
    model.Slice: '{"name": "class 3", "n": 40, "metrics": {"recall": 0.9}}',
}


def options_for(body: type, filled: Container[str] = ()) -> list[click.Parameter]:
    """Return the options for the fields of *body*, required ones first.

    Args:
        body: The body's class.
        filled: Fields that get a value when the option is not given.

    """
    found = list(_options(body, (), required=True, filled=filled))
    return sorted(found, key=lambda option: not (option.help or "").startswith("[required]"))


def values_from(given: Mapping[str, Any]) -> dict[str, Any]:
    """Turn what click parsed into friendly values; what was not given is left out."""
    values: dict[str, Any] = {}
    for parameter, value in given.items():
        if not parameter.startswith(_PREFIX + _SEPARATOR) or value is None or value == ():
            continue
        *outer, name = parameter.split(_SEPARATOR)[1:]
        place = values
        for step in outer:
            inner = place.get(step, {})
            # --source URI together with --source.publisher NAME
            place[step] = inner if isinstance(inner, dict) else {_MAIN_BY_NAME[step]: inner}
            place = place[step]
        if isinstance(place.get(name), dict):
            place[name][_MAIN_BY_NAME[name]] = value
        else:
            place[name] = value
    return values


def _options(
    cls: type, path: tuple[str, ...], *, required: bool, filled: Container[str] = ()
) -> Iterator[click.Option]:
    types = field_types(cls)
    for field in dataclasses.fields(cls):
        kind, _, mark = unwrap(types[field.name])
        many = typing.get_origin(kind) is tuple
        if many:
            kind, _, mark = unwrap(typing.get_args(kind)[0])
        needed = required and field.default is dataclasses.MISSING and field.name not in filled
        here = (*path, field.name)
        nested = hasattr(kind, "__dataclass_fields__") and kind not in _PLACEHOLDERS
        if not nested or kind in MAIN_FIELD:
            option = _option(here, kind, mark, many=many, required=needed)
            # --source URI is the same as --source.uri URI: one of them is enough to read.
            option.hidden = MAIN_FIELD.get(cls) == field.name
            yield option
        if nested:
            yield from _options(kind, here, required=needed)


def _option(
    path: tuple[str, ...], kind: Any, mark: str | None, *, many: bool, required: bool
) -> click.Option:
    name = ".".join(part.replace("_", "-") for part in path)
    target = _SEPARATOR.join((_PREFIX, *path))
    notes = ["[required]"] if required else []
    if kind is bool:
        return click.Option([f"--{name}/--no-{name}", target], default=None, help=" ".join(notes))
    if kind in _HINTS:
        notes.append(_HINTS[kind])
    if kind is int and is_moment(path[-1]):
        notes.append("microseconds UTC, or ISO 8601 with a zone")
    if many:
        notes.append("May be repeated.")
    return click.Option(
        [f"--{name}", target],
        type=_type(kind),
        metavar=_metavar(path[-1], kind, mark),
        multiple=many,
        help=" ".join(notes),
    )


def _type(kind: Any) -> Any:
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return click.Choice([str(member) for member in kind])
    return click.FLOAT if kind is float else click.STRING


def _metavar(name: str, kind: Any, mark: str | None) -> str | None:
    if kind in _PLACEHOLDERS:
        return _PLACEHOLDERS[kind]
    if kind is int:
        return "TIME" if is_moment(name) else "INTEGER"
    if kind is str:
        return "sha256:HEX" if mark == DIGEST else "TEXT"
    if kind in MAIN_FIELD:
        return MAIN_FIELD[kind].upper()
    return None


_MAIN_BY_NAME: dict[str, str] = {
    name: MAIN_FIELD[kind]
    for body in model.BODY_FIELDS.values()
    for name, annotation in field_types(body).items()
    for kind in [unwrap(annotation)[0]]
    if kind in MAIN_FIELD
}
"""Field name of a body to the main field of the record it holds."""
