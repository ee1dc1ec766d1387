"""Processes made to be killed: each notes in shared bytes what it is doing at the moment.

Usage: ``python -m tests.stress.victims emit|relay|materialise HOME PHASE_FILE [EVENTS]``. They run
the production code; a few methods are wrapped so that the phase is known when the kill comes.
Without EVENTS the emitting one goes on for ever, from two threads.
"""

from __future__ import annotations

import mmap
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

PHASES = (
    *("starting", "between", "queueing", "sealing at once", "commit", "sealing"),
    *("storing a batch", "sending"),
    *("noting what was sent", "reading", "applying", "committing"),
)
"""What a victim may be doing, the outer before the inner."""
BIG_TURN = 4
MANY = 250
"""Events of 2,000 bytes: more than half a batch, so that ``emit_many`` seals them itself."""


def follow_phases(file: Path, marks: dict[tuple[type, str], str]) -> None:
    """Count in *file*, a byte for each phase, how many threads are inside a marked method."""
    with file.open("r+b") as opened:
        inside = mmap.mmap(opened.fileno(), len(PHASES))
    turn = threading.RLock()

    def step(number: int, by: int) -> None:
        with turn:
            inside[number] += by

    def wrap(original: Callable[..., Any], number: int) -> Callable[..., Any]:
        def marked(*arguments: Any, **named: Any) -> Any:
            step(number, 1)
            try:
                return original(*arguments, **named)
            finally:
                step(number, -1)

        return marked

    inside[PHASES.index("starting")] = 0

    for (owner, name), phase in marks.items():
        setattr(owner, name, wrap(getattr(owner, name), PHASES.index(phase)))


def emit(home: Path, phases: Path, count: int | None) -> None:
    """Emit through the public emitter and say each accepted id."""
    from lineseal.producers import Emitter
    from lineseal.signing.sealer import Sealer
    from lineseal.transport.embedded import Outbox
    from lineseal.transport.embedded.database import OutboxDatabase

    follow_phases(
        phases,
        {
            (Emitter, "emit_many"): "queueing",
            (Outbox, "_seal_at_once"): "sealing at once",
            (OutboxDatabase, "add_pending"): "commit",
            (Sealer, "seal"): "sealing",
            (OutboxDatabase, "store_batches"): "storing a batch",
        },
    )
    emitter = Emitter.from_env(home=home)

    def work() -> None:
        from lineseal.schemas.model import Quarantine, QuarantineAction
        from lineseal.schemas.reference import parse_reference, to_artifact

        body = Quarantine(
            artifact=to_artifact(parse_reference("dataset:lake/tx@3")),
            action=QuarantineAction.PLACED,
            reason="r" * 2000,
        )

        def many() -> list[str]:
            """Emit so many that the call seals them: nothing is pending, both threads are here."""
            leads = together.wait() == 0
            emitter.flush()
            ids = emitter.emit_many([body] * MANY) if leads else []
            together.wait()
            return ids

        turn = 0
        while count is None or len(emitted) < count:
            turn += 1
            ids = emitter.emit_many([body] * 3) if turn % BIG_TURN else many()
            emitted.extend(ids)
            # A pipe takes this much in one piece; more could be torn by the other thread's.
            for start in range(0, len(ids), 50):
                lines = (f"{event_id}\n" for event_id in ids[start : start + 50])
                os.write(1, "".join(lines).encode())
            if not ids and count is not None:
                emitted.append("dropped")

    emitted: list[str] = []
    threads = [threading.Thread(target=work) for _ in range(2 if count is None else 1)]
    together = threading.Barrier(len(threads))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    emitter.close()


def relay(home: Path, phases: Path) -> None:
    """Ship the outboxes to another embedded log."""
    from lineseal.transport.embedded import EmbeddedLogReader, EmbeddedLogWriter
    from lineseal.transport.relay.cursor import RelayCursor
    from lineseal.transport.relay.ship import Relay, seconds_from_now, ship_all

    class Named(EmbeddedLogWriter):
        rebuilds = 0

        def append(self, key: str, value: bytes, traceparent: str | None = None) -> None:
            del traceparent
            super().append(key, value)

        def identity(self, timeout: float) -> str:
            del timeout
            return "this one"

    follow_phases(
        phases,
        {(Relay, "ship"): "sending", (RelayCursor, "advance"): "noting what was sent"},
    )
    folder = home / "log" / "events"
    cursor = RelayCursor.open(folder)
    reader = EmbeddedLogReader(folder)
    reader.seek(cursor.positions)
    ship_all(Relay(reader, Named(home / "shipped", "relay"), cursor), seconds_from_now(60))


def materialise(home: Path, phases: Path) -> None:
    """Materialise what is in the log, eight batches in a transaction."""
    from lineseal.consumers.materialise import Materialiser
    from lineseal.consumers.store import Store
    from lineseal.settings import Home, load_settings
    from lineseal.transport.embedded import EmbeddedLogReader
    from tests.unit.producers.world import keyring_of

    follow_phases(
        phases,
        {
            (Materialiser, "_poll"): "reading",
            (Materialiser, "_commit"): "applying",
            (Materialiser, "_seal_commit"): "committing",
        },
    )
    named = Home(home)
    deployment = load_settings(named, {}).deployment.name
    with Store(home / "store" / "lineseal.duckdb", deployment=deployment) as store:
        reader = EmbeddedLogReader(home / "log" / "events")
        materialiser = Materialiser(store, reader, lambda: keyring_of(named), deployment)
        os.write(1, b"ready\n")
        while not materialiser.step(8).idle:
            pass


def main() -> None:
    """Be one of them."""
    kind, home, phases = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if kind == "emit":
        emit(home, phases, int(sys.argv[4]) if len(sys.argv) > 4 else None)
    else:
        {"relay": relay, "materialise": materialise}[kind](home, phases)


if __name__ == "__main__":
    main()
