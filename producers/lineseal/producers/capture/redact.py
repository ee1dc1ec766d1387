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
            secret = is_secret(str(record["key"]), value)
            record["value"] = REDACTED if secret else redact_text(value)
        return record
    for name, kind, marked, many in _plan(cls):
        value = record[name]
        if value is None:
            continue
        if many:
            record[name] = [_redact(kind, marked, item) for item in value]
        else:
            record[name] = _redact(kind, marked, value)
    return record


def _redact(kind: type, marked: bool, value: Any) -> Any:
    if kind is not str:
        return redact_record(kind, value)
    if not isinstance(value, str):
        return value
    return redact_identifier(value) if marked else redact_text(value)


@cache
def _plan(cls: type) -> tuple[tuple[str, type, bool, bool], ...]:
    """Return (field, class, is an identifier, is a list) of the fields that hold text."""
    plan: list[tuple[str, type, bool, bool]] = []
    for name, annotation in field_types(cls).items():
        kind, _, mark = unwrap(annotation)
        many = typing.get_origin(kind) is tuple
        if many:
            kind, _, mark = unwrap(typing.get_args(kind)[0])
        if kind is str or hasattr(kind, "__dataclass_fields__"):
            plan.append((name, kind, mark is not None, many))
    return tuple(plan)
