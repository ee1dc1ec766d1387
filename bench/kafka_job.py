"""The job of ``kafka_faults.py``: a home whose broker is mistreated and one whose broker is up.

Each turn emits the same body into both and commits as many bytes to a bare SQLite table with the
outbox's settings, in an order that rotates. So the three see the same disk and the same load, and
what differs is the emitter, and the broker.

    python bench/kafka_job.py STARTED ENDED PAUSE HOME CALM_HOME

Prints the ids that the first home accepted; on stderr ``dropped N`` and for each turn
``took TIME EMIT CALM BARE`` in seconds.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

from lineseal.producers import Emitter
from lineseal.schemas.model import RunEvent, RunState

BODY = RunEvent(state=RunState.RUNNING)
EVENT_BYTES = 200
"""About what the body takes when it is encoded."""


def bare_commit(path: Path) -> Callable[[], None]:
    """Return what commits one row, as the outbox commits an accepted event."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 500")
    connection.execute("CREATE TABLE pending(seq INTEGER PRIMARY KEY, crc INTEGER, event BLOB)")

    def commit() -> None:
        event = os.urandom(EVENT_BYTES)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO pending(crc, event) VALUES (?, ?)", (0, event))
        connection.execute("COMMIT")

    return commit


def main() -> None:
    """Emit until the file ENDED is there."""
    started, ended = Path(sys.argv[1]), Path(sys.argv[2])
    pause, homes = float(sys.argv[3]), sys.argv[4:6]
    accepted: list[str] = []
    turns: list[tuple[float, list[float]]] = []
    with (
        Emitter.from_env(relay=False, home=homes[0]) as emitter,
        Emitter.from_env(relay=False, home=homes[1]) as calm,
    ):

        def emit() -> None:
            event = emitter.emit(BODY, job="bench/faults", run_id="r")
            if event is not None:
                accepted.append(event)

        actions = [
            emit,
            lambda: calm.emit(BODY, job="bench/faults", run_id="r"),
            bare_commit(started.with_name(f"bare-{os.getpid()}.sqlite")),
        ]
        while not ended.exists():
            took = [0.0] * len(actions)
            for place in range(len(actions)):
                number = (place + len(turns)) % len(actions)
                begun = time.perf_counter()
                actions[number]()
                took[number] = time.perf_counter() - begun
            turns.append((time.time(), took))
            started.touch()
            time.sleep(pause)
        dropped = emitter.stats.dropped
    print(*accepted, sep="\n")
    print("dropped", dropped, file=sys.stderr)
    for at, took in turns:
        print("took", at, *took, file=sys.stderr)


if __name__ == "__main__":
    main()
