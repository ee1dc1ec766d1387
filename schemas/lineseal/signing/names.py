"""Answers which artifacts a key may write, register and decide about.

A pattern is ``kind:namespace/name`` with ``*`` and ``?``; upper and lower case differ. Reading is
never restricted. Source: attack table 2.1 (a stolen key lies inside its scope only).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from typing import Any, Final

from lineseal.schemas.errors import KeyringError
from lineseal.schemas.model import Kind

_FIELDS: Final = {
    "registration": "subject",
    "validation": "artifact",
    "evaluation": "model",
    "quarantine": "artifact",
    "approval": "subject",
    "promotion": "artifact",
    "override": "target",
    "label_review": "label_set",
    "feedback": "artifact",
    "containment": "subject",
    "verdict": "subject",
}
"""The field of each body that names what is registered or decided about."""
_PATTERN = re.compile(r"([a-z_*?]+):\S.*/.*\S|\*")


def check_pattern(pattern: str) -> str:
    """Return *pattern* when it can match something.

    Raises:
        KeyringError: It is not ``kind:namespace/name``, or no kind is called so.

    """
    match = _PATTERN.fullmatch(pattern)
    kind = match[1] if match else None
    if match is None or (kind and not any(fnmatchcase(known, kind) for known in Kind)):
        raise KeyringError(
            f"{pattern!r} names no artifacts: write kind:namespace/name, for instance "
            "'model:registry/fraud*' or 'dataset:lake/*'"
        )
    return pattern


def first_outside(patterns: Collection[str], body: str, record: dict[str, Any]) -> str | None:
    """Return the first artifact of an event that no pattern allows, as ``kind:namespace/name``."""
    for artifact in _decided(body, record["body"][body]):
        name = f"{artifact['kind']}:{artifact['namespace']}/{artifact['name']}"
        if not any(fnmatchcase(name, pattern) for pattern in patterns):
            return name
    return None


def _decided(body: str, said: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if body == "run":
        yield from (use["artifact"] for use in said["outputs"])
    elif body in _FIELDS:
        value = said[_FIELDS[body]]
        artifact = value.get("artifact", value)
        if artifact is not None:
            yield artifact
