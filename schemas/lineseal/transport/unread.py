"""Counts the batches of the log that a consumer at given positions has not read.

Only of the embedded log: to count those of a topic one has to ask the brokers, and a question
about the store must not wait for them.
"""

from __future__ import annotations

from collections.abc import Mapping

from lineseal.schemas.errors import LogError
from lineseal.settings import Home, Settings
from lineseal.transport.base import EVENTS_TOPIC
from lineseal.transport.embedded.names import OutboxFile, stream_names
from lineseal.transport.embedded.reading import next_position
from lineseal.transport.open import EMBEDDED_SCHEME


def unread_batches(home: Home, settings: Settings, positions: Mapping[str, int]) -> int | None:
    """Return how many batches lie behind *positions*; None when that is not known here.

    Files that cannot be read just now count as read: ``lineseal materialise`` names them.

    Raises:
        LogError: The folder of the log cannot be listed.

    """
    counts = unread_by_stream(home, settings, positions)
    return None if counts is None else sum(counts.values())


def unread_by_stream(
    home: Home, settings: Settings, positions: Mapping[str, int]
) -> dict[str, int] | None:
    """Return how many batches lie behind *positions* in each stream; else as above."""
    if not settings.log.url.startswith(EMBEDDED_SCHEME):
        return None
    folder = home.resolve(settings.log.url.removeprefix(EMBEDDED_SCHEME)) / EVENTS_TOPIC
    counts: dict[str, int] = {}
    for name in stream_names(folder):
        try:
            end = next_position(OutboxFile(folder / name))
        except LogError:
            continue
        counts[name] = max(0, end - positions.get(name, 0))
    return counts
