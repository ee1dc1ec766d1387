"""Removes from the outboxes what a receipt has confirmed, and with Kafka the broker acknowledged.

Nothing else may: not the word of the broker alone, which may lose it, and not the word of somebody
who writes the topic, since receipts are signed. A file that a process has open is left alone; all
others are pruned under their lock.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from lineseal.schemas.errors import LogError
from lineseal.settings import Home, Settings
from lineseal.transport.embedded.names import OutboxFile
from lineseal.transport.embedded.opening import open_existing
from lineseal.transport.embedded.survey import producer_of
from lineseal.transport.open import is_kafka
from lineseal.transport.relay.cursor import acknowledged_positions
from lineseal.transport.relay.receipts import ReceiptBook


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


def prune_confirmed(home: Home, settings: Settings, outboxes: Path) -> list[Pruned]:
    """Read the receipts that are new and prune what they confirm.

    Where the log cannot be read now, what was confirmed before is pruned.

    Raises:
        KeyringError: There are receipts, and no keyring here to verify them with.
        LogError: A file cannot be written.

    """
    book = ReceiptBook(home, settings, outboxes)
    with contextlib.suppress(LogError):
        book.update()
    return prune(outboxes, confirmed_now(book, settings, outboxes))


def confirmed_now(book: ReceiptBook, settings: Settings, outboxes: Path) -> dict[str, int]:
    """Compare outboxes and receipts, remember it, and return up to where each may be pruned.

    Raises:
        LogError: It cannot be remembered, or the relay's cursor cannot be read.

    """
    confirmed = {name: each.position for name, each in book.confirmations().items()}
    book.save()
    shipped = acknowledged_positions(outboxes.parent) if is_kafka(settings.log.url) else None
    return prunable(confirmed, shipped)


def _prune(file: OutboxFile, position: int) -> int | None:
    producer = producer_of(file)
    opening = open_existing(file, producer)
    if opening is None:
        return None
    with ExitStack() as stack:
        stack.callback(opening.lock.release)
        stack.callback(opening.database.close)
        pruned = opening.database.prune(position)
        opening.database.compact()
        return pruned
