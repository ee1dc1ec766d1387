"""Events that keep the contract to the letter and lie at every end of it, about a few names.

Hypothesis finds values; here it matters that many facts meet: the same artifacts, people and runs
again and again, so that every join of every rule and question has something to work with. A seed
always gives the same events.
"""

from __future__ import annotations

import random
import typing
from enum import StrEnum
from typing import Any

from tests.simulator import START, Producer, human

from lineseal.schemas.avsc import field_types, unwrap
from lineseal.schemas.codec import encode_event
from lineseal.schemas.guard import KEYS
from lineseal.schemas.limits import MAX_TIME
from lineseal.schemas.model import (
    BODY_FIELDS,
    DIGEST,
    IDENTIFIER,
    VERSION,
    Actor,
    ActorKind,
    Artifact,
    Kind,
    Origin,
    Subject,
)

ARTIFACTS = [
    Artifact(kind=kind, namespace="n", name=name, version=version)
    for kind in (Kind.DATASET, Kind.MODEL, Kind.LABEL_SET)
    for name in "ab"
    for version in ("1", "2", None)
]
_TIMES = (0, 1, START, START + 3_600_000_000, MAX_TIME - 1, MAX_TIME)
_NUMBERS = (0, 1, -1, 2, 100, 10**18, 1 << 31, 1 << 62, (1 << 63) - 1, -(1 << 63))
_MEASURES = (0.0, -0.0, 1.0, -1.0, 0.5, 99.5, 1e18, 5e-324, 1.7e308, -1.7e308)
_TEXTS = ("", "a", "é", "\0", "0", "-1", "1e999", "NaN", '{"a":', "[]", "'; DROP", "\u202e", "fail")
_NAMES = ("a", "b", "1", "alice", "trainer", "x/y", "accuracy", "café", "o'x", "%", "_", "{", "$1")
_SUBJECTS = ("source", "stage", "producer", "supplier", "feedback_channel", "job")


class Extremes:
    """Makes events from one seed."""

    def __init__(self, seed: int) -> None:
        """Start with *seed*."""
        self._random = random.Random(seed)  # noqa: S311 - the same again is what is wanted

    def event(self, producer: Producer) -> bytes:
        """Make the bytes of one event of *producer*'s, of any body, at any time."""
        pick = self._random.choice
        body = self._value(pick(list(BODY_FIELDS.values())))
        actor = pick([human("alice"), Actor(kind=ActorKind.SERVICE, id=producer.name)])
        origin = pick([Origin.EMITTER, Origin.IMPORT])
        event = producer.event(body, run_id=pick("abcd"), stage=pick(["train", "a", None]))
        changes: dict[str, Any] = {"event_time": pick(_TIMES), "actor": actor, "origin": origin}
        for name, value in changes.items():
            object.__setattr__(event, name, value)
        return encode_event(event)

    def _value(self, annotation: Any) -> Any:
        kind, nullable, mark = unwrap(annotation)
        if nullable and self._random.random() < 0.3:
            return None
        if typing.get_origin(kind) is tuple:
            return self._items(typing.get_args(kind)[0])
        if kind is str:
            return self._text(mark)
        choices: dict[Any, Any] = {
            int: _TIMES if mark else _NUMBERS,
            float: _MEASURES,
            bool: (True, False),
            Artifact: ARTIFACTS,
        }
        if kind in choices:
            return self._random.choice(choices[kind])
        if issubclass(kind, StrEnum):
            return self._random.choice(list(kind))
        if kind is Subject:
            return self._subject()
        return kind(**{name: self._value(a) for name, a in field_types(kind).items()})

    def _items(self, annotation: Any) -> tuple[Any, ...]:
        items = [self._value(annotation) for _ in range(self._random.choice([0, 1, 2, 3]))]
        key = KEYS.get(unwrap(annotation)[0])
        if key is None:
            return tuple(items)
        return tuple({getattr(item, key): item for item in items}.values())

    def _text(self, mark: str | None) -> str:
        if mark == DIGEST:
            return "sha256:" + self._random.choice("ab") * 64
        if mark == VERSION:
            return self._random.choice("12")
        return self._random.choice(_NAMES if mark == IDENTIFIER else _TEXTS)

    def _subject(self) -> Subject:
        if self._random.random() < 0.6:
            return Subject(type="artifact", artifact=self._random.choice(ARTIFACTS))
        return Subject(type=self._random.choice(_SUBJECTS), name=self._random.choice(_NAMES))
