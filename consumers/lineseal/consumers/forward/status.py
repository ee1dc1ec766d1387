"""How do the sinks stand? Rows for people and programs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from lineseal.consumers.forward.feed import Feed, SinkState

COLUMNS = ("sink", "state", "waiting", "oldest_seconds", "sent", "retried", "dead", "duplicates")
_US = 1_000_000


def sink_rows(feed: Feed, configured: Collection[str], now: int) -> list[dict[str, Any]]:
    """Return one row per sink; one that the settings no longer name is ``removed``."""
    states = {state.name: state for state in feed.states()}
    new = [_new_row(name, feed.head) for name in sorted(set(configured) - set(states))]
    return [_row(state, state.name in configured, now) for state in states.values()] + new


def _row(state: SinkState, is_configured: bool, now: int) -> dict[str, Any]:
    if not is_configured:
        word = "removed"
    elif state.parked is not None:
        word = "parked"
    elif state.waiting:
        word = "behind" if state.trouble is None else "retrying"
    else:
        word = "up to date"
    oldest = None if state.oldest_at is None else max(0, now - state.oldest_at) // _US
    return {
        "sink": state.name,
        "state": word,
        "waiting": state.waiting,
        "oldest_seconds": oldest,
        "sent": state.sent,
        "retried": state.retried,
        "dead": state.dead,
        "duplicates": state.duplicates,
        "confirmed": state.confirmed,
        "confirmed_at": _time(state.confirmed_at),
        "parked_at": _time(state.parked_at),
        "reason": state.parked or state.trouble,
    }


def _new_row(name: str, head: int) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(("sent", "retried", "dead", "duplicates", "confirmed"), 0)
    nothing = dict.fromkeys(("oldest_seconds", "confirmed_at", "parked_at", "reason"))
    return {"sink": name, "state": "new", "waiting": head, **row, **nothing}


def _time(microseconds: int | None) -> str | None:
    if microseconds is None:
        return None
    moment = dt.datetime.fromtimestamp(microseconds // _US, dt.UTC)
    return moment.isoformat().replace("+00:00", "Z")
