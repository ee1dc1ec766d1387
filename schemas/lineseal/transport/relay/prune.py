"""Removes from the outboxes what a receipt has confirmed, and with Kafka the broker acknowledged.

Nothing else may: not the word of the broker alone, which may lose it, and not the word of somebody
who writes the topic, since receipts are signed. A file that a process has open is that process's
to prune (``Outbox.prune``); all others are pruned here, under their lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from lineseal.transport.embedded.names import OutboxFile
from lineseal.transport.embedded.opening import open_existing
from lineseal.transport.embedded.survey import producer_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """Say what became of one file; *batches* is None when a process has it open."""

    stream: str
    batches: int | None


def prunable(
    confirmed: Mapping[str, int], acknowledged: Mapping[str, int] | None
) -> dict[str, int]:
    """Return for each file the position before which its batches may go.

    Args:
        confirmed: What receipts cover.
        acknowledged: What the relay's cursor says; None with the embedded log, where the
            materialiser reads the very files.

    """
    if acknowledged is None:
        return dict(confirmed)
    return {name: min(n, acknowledged.get(name, 0)) for name, n in confirmed.items()}


def prune(outboxes: Path, positions: Mapping[str, int]) -> list[Pruned]:
    """Remove the batches before *positions* from the files that nobody has open.

    Raises:
        LogError: A file cannot be written; those before it are pruned.

    """
    return [
        Pruned(stream=name, batches=_prune(OutboxFile(outboxes / name), position))
        for name, position in sorted(positions.items())
        if position > 0
    ]


def _prune(file: OutboxFile, position: int) -> int | None:
    producer = producer_of(file)
    opening = open_existing(file, producer)
    if opening is None:
        return None
    with ExitStack() as stack:
        stack.callback(opening.lock.release)
        stack.callback(opening.database.close)
        return opening.database.prune(position)
