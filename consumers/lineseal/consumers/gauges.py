"""Which values are read whenever an export is due? Lag, outbox, store size, restarts.

Everything is read from files or from a cursor beside the writer; what cannot be read just now is
left out of that export.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterable, Mapping
from pathlib import Path

import duckdb

from lineseal.consumers import telemetry
from lineseal.consumers.offer import STORE
from lineseal.schemas.errors import LinesealError
from lineseal.services import Supervisor
from lineseal.settings import Home, Settings
from lineseal.transport.base import EVENTS_TOPIC
from lineseal.transport.embedded.survey import survey
from lineseal.transport.open import EMBEDDED_SCHEME
from lineseal.transport.unread import asked_unread_by_stream

Observed = Iterable[tuple[float, Mapping[str, str]]]


def observe_everything(supervisor: Supervisor, home: Home, settings: Settings) -> None:
    """Register every gauge; without an exporter nothing is ever read."""
    store = home.resolve(settings.store.path)

    def lag() -> Observed:
        return _lag(supervisor, home, settings)

    def restarts() -> Observed:
        return [(each.restarts, {"lineseal.service": each.name}) for each in supervisor.statuses()]

    telemetry.observe(
        "lineseal.consumer.lag", "{batch}", "Batches of a stream not in the store.", lag
    )
    telemetry.observe(
        "lineseal.store.size", "By", "Store and write-ahead log.", lambda: _size(store)
    )
    telemetry.observe(
        "lineseal.outbox.pending",
        "{event}",
        "Events accepted and not sealed.",
        lambda: _outbox(home, settings)[0],
    )
    telemetry.observe(
        "lineseal.outbox.age",
        "s",
        "Since the oldest file with pending events changed.",
        lambda: _outbox(home, settings)[1],
    )
    telemetry.observe(
        "lineseal.service.restarts", "{restart}", "Restarts of each service.", restarts
    )


def _lag(supervisor: Supervisor, home: Home, settings: Settings) -> Observed:
    store = supervisor.shared.get(STORE)
    if store is None:
        return []
    with _unreadable_is_left_out():
        with store.cursor() as cursor:
            rows = cursor.execute("SELECT stream, next_position FROM position").fetchall()
        unread = asked_unread_by_stream(home, settings, dict(rows)) or {}
        return [(count, {"lineseal.stream": stream}) for stream, count in unread.items()]
    return []


def _size(store: Path) -> Observed:
    files = [path for path in (store, Path(f"{store}.wal")) if path.exists()]
    return [(sum(path.stat().st_size for path in files), {})] if files else []


def _outbox(home: Home, settings: Settings) -> tuple[Observed, Observed]:
    """Return the pending events, and how long the oldest of them wait at least."""
    folder = _log_folder(home, settings)
    with _unreadable_is_left_out():
        states = survey(folder)
        waiting = [folder / state.stream for state in states if state.pending]
        pending = sum(state.pending or 0 for state in states)
        now = time.time()
        ages = [now - max(_changed(path), _changed(Path(f"{path}-wal"))) for path in waiting]
        return [(pending, {})], [(max(0.0, *ages, 0.0), {})]
    return [], []


def _changed(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else 0.0


def _log_folder(home: Home, settings: Settings) -> Path:
    url = settings.log.url
    name = url.removeprefix(EMBEDDED_SCHEME) if url.startswith(EMBEDDED_SCHEME) else "log"
    return home.resolve(name) / EVENTS_TOPIC


@contextlib.contextmanager
def _unreadable_is_left_out() -> Generator[None]:
    with contextlib.suppress(LinesealError, duckdb.Error, OSError):
        yield
