"""Answers what must never be signed because it is a secret.

A signature makes a record permanent, so secrets are taken out before it. Three rules:

* the value of a parameter whose *key* says that it is a secret is replaced whole (``secret_keys``);
* free text (reasons, messages, locations) loses what ``secret_text`` knows, a command line what
  ``command_line`` knows;
* identifiers lose the password of a URI and secret query parameters, nothing else, since they
  are compared (``abfss://container@account`` keeps its container: that is its name).

What is replaced reads ``[redacted]``. Scanners such as detect-secrets are no help here: they report
the lines of a file for a person to judge, by entropy among others (each of our digests and run ids
would be one), and bring dependencies that a job would have to load.
"""

from __future__ import annotations

import typing
from functools import cache
from typing import Any

from lineseal.producers.capture.secret_keys import is_secret
from lineseal.producers.capture.secret_text import REDACTED, redact_identifier, redact_text
from lineseal.schemas.avsc import field_types, unwrap
from lineseal.schemas.model import Pair
from lineseal.schemas.record import Record


def redact_record(cls: type, record: Record) -> Record:
    """Redact a plain record of model class *cls* in place, and return it."""
    if cls is Pair:
        value = record["value"]
        if isinstance(value, str):
            record["value"] = redact_pair(str(record["key"]), value)
        return record
    for name, kind, mark, many in _plan(cls):
        value = record[name]
        if value is None:
            continue
        if many:
            record[name] = [_redact(kind, mark, item) for item in value]
        else:
            record[name] = _redact(kind, mark, value)
    return record


def redact_pair(key: str, value: str) -> str:
    """Redact the value of the parameter *key*."""
    return REDACTED if is_secret(key, value) else redact_text(value)


def _redact(kind: type, mark: str | None, value: Any) -> Any:
    if kind is not str:
        return redact_record(kind, value)
    if not isinstance(value, str):
        return value
    return redact_text(value) if mark is None else redact_identifier(value)


@cache
def _plan(cls: type) -> tuple[tuple[str, type, str | None, bool], ...]:
    """Return (field, class, mark, is a list) of the fields that hold text."""
    plan: list[tuple[str, type, str | None, bool]] = []
    for name, annotation in field_types(cls).items():
        kind, _, mark = unwrap(annotation)
        many = typing.get_origin(kind) is tuple
        if many:
            kind, _, mark = unwrap(typing.get_args(kind)[0])
        if kind is str or hasattr(kind, "__dataclass_fields__"):
            plan.append((name, kind, mark, many))
    return tuple(plan)
