"""Compares for each outbox file what is in it with what the broker took and the store confirmed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lineseal.schemas.ids import now_us
from lineseal.transport.embedded.survey import OutboxState
from lineseal.transport.relay.receipts import Confirmation

COLUMNS = (
    "stream",
    "producer",
    "pending",
    "batches",
    "shipped",
    "confirmed",
    "oldest_unconfirmed_s",
    "size_bytes",
    "state",
)


def outbox_rows(
    states: Sequence[OutboxState],
    confirmations: Mapping[str, Confirmation],
    shipped: Mapping[str, int] | None,
    max_age: float,
) -> tuple[list[dict[str, object]], list[str]]:
    """Return a row for each file, and a sentence for each that somebody should look at.

    Args:
        states: The files.
        confirmations: What the store confirmed of them.
        shipped: What the broker acknowledged of them; None with the embedded log.
        max_age: Seconds that a shipped batch may be unconfirmed.

    """
    rows: list[dict[str, object]] = []
    findings: list[str] = []
    for state in states:
        confirmed = confirmations.get(state.stream, Confirmation(position=0))
        taken = None if shipped is None else shipped.get(state.stream, 0)
        age = None
        if confirmed.oldest_at is not None:
            age = max(0.0, (now_us() - confirmed.oldest_at) / 1_000_000)
        rows.append(_row(state, confirmed, taken, age))
        if confirmed.conflict:
            findings.append(
                f"{state.stream}: the store has another batch in the place of one of these:"
                " somebody else signs with this producer's key, or the file is an old copy"
            )
        elif age is not None and age > max_age and (taken or 0) > confirmed.position:
            findings.append(
                f"{state.stream}: the broker took batches {confirmed.position} to"
                f" {(taken or 0) - 1}, no store confirmed them for {age:.0f} seconds (NOT_INCLUDED)"
            )
    return rows, findings


def _row(
    state: OutboxState, confirmed: Confirmation, taken: int | None, age: float | None
) -> dict[str, object]:
    condition = "in use" if state.in_use else "left behind" if state.pending else "closed"
    return {
        "stream": state.stream,
        "producer": state.producer,
        "pending": state.pending,
        "batches": state.batches,
        "shipped": taken,
        "confirmed": confirmed.position,
        "oldest_unconfirmed_s": None if age is None else round(age, 1),
        "size_bytes": state.size_bytes,
        "state": "unreadable" if state.problem else condition,
    }
