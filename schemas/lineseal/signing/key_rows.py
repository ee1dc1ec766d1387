"""Finds the key that a person means, and says about it what ``keys list`` shows."""

from __future__ import annotations

import difflib
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lineseal.schemas.errors import Ambiguous, NotFound
from lineseal.signing.keyring import KeyEntry, Keyring
from lineseal.signing.times import format_duration, format_time

_MIN_PREFIX = 8


def find_key(keyring: Keyring, text: str) -> str:
    """Return the key id that *text* means: a key id, its start, or a name with one active key.

    Raises:
        NotFound, Ambiguous: It means none, or more than one.

    """
    if keyring.knows(text):
        return text
    by_prefix = [e.keyid for e in keyring.entries if e.keyid.startswith(text.lower())]
    if len(text) < _MIN_PREFIX:
        by_prefix = []
    if len(by_prefix) == 1:
        return by_prefix[0]
    if by_prefix:
        raise Ambiguous(f"{len(by_prefix)} key ids start with {text!r}; say more", (*by_prefix,))
    named = [e for e in keyring.entries if e.producer in (text, f"person:{text}")]
    live = [e.keyid for e in named if e.revoked_at is None]
    if len(live) == 1:
        return live[0]
    if live:
        raise Ambiguous(f"{text!r} has {len(live)} keys; say which", tuple(live))
    if named:
        known = tuple(f"{e.keyid}  ({e.producer})" for e in named)
        raise NotFound(f"all keys of {text!r} are revoked already", known)
    names = {e.producer for e in keyring.entries}
    close = difflib.get_close_matches(text, sorted(names | {_bare(name) for name in names}))
    short = len(text) < _MIN_PREFIX and set(text) <= set(string.hexdigits)
    hint = f" (the start of a key id has to be {_MIN_PREFIX} characters or more)" if short else ""
    raise NotFound(
        f"no key is named {text!r}{hint}",
        tuple(dict.fromkeys(name if name in names else f"person:{name}" for name in close)),
    )


def _bare(producer: str) -> str:
    return producer.removeprefix("person:")


def key_row(entry: KeyEntry, now: int, held: Mapping[str, Path]) -> dict[str, Any]:
    """Return what ``keys list`` says of a key at the moment *now*, microseconds UTC."""

    def moment(value: int | None) -> str | None:
        return None if value is None else format_time(value)

    return {
        "producer": entry.producer,
        "keyid": entry.keyid,
        "status": entry.status(now),
        "algorithm": entry.algorithm,
        "roles": sorted(entry.roles),
        "event_kinds": sorted(entry.event_kinds),
        "actor": entry.actor,
        "not_before": moment(entry.not_before),
        "not_after": moment(entry.not_after),
        "revoked_at": moment(entry.revoked_at),
        "compromised_since": moment(entry.compromised_since),
        "revoked_reason": entry.revoked_reason,
        "expected_every": None
        if entry.expected_every is None
        else format_duration(entry.expected_every),
        "writes": sorted(entry.writes),
        "settled": sorted(entry.settled),
        "private_key": str(held[entry.keyid]) if entry.keyid in held else None,
    }
