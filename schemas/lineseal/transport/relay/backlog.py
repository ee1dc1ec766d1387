"""Answers how much of the outboxes has not been shipped, from the files, asking nobody."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lineseal.schemas.codec import decode_header
from lineseal.schemas.errors import ContractError, LogError
from lineseal.schemas.ids import now_us
from lineseal.signing.frame import decode_frame
from lineseal.transport.embedded.names import OutboxFile, stream_names
from lineseal.transport.embedded.reading import Want, next_position, read_batches
from lineseal.transport.relay.cursor import acknowledged_positions

_FIRST = Want(1, 1)


@dataclass(frozen=True, slots=True)
class Backlog:
    """Say how many sealed batches wait, and for how many seconds the oldest has."""

    batches: int = 0
    seconds: float = 0.0


def backlog_of(outboxes: Path) -> Backlog:
    """Look at every file in *outboxes*; one that cannot be read now is left out.

    Raises:
        LogError: The relay's cursor, or the folder, cannot be read.

    """
    shipped = acknowledged_positions(outboxes.parent)
    batches, oldest = 0, None
    for name in stream_names(outboxes):
        file = OutboxFile(outboxes / name)
        try:
            waiting = next_position(file) - shipped.get(name, 0)
            if waiting <= 0:
                continue
            batches += waiting
            sealed_at = _sealed_at(file, shipped.get(name, 0))
        except (LogError, ContractError):
            continue
        if sealed_at is not None:
            oldest = sealed_at if oldest is None else min(oldest, sealed_at)
    return Backlog(batches, 0.0 if oldest is None else max(0.0, (now_us() - oldest) / 1e6))


def _sealed_at(file: OutboxFile, position: int) -> int | None:
    records, _ = read_batches(file, position, _FIRST)
    if not records:
        return None
    return decode_header(decode_frame(records[0].value).header).created_at
