"""Counts the batches of the log that a consumer at given positions has not read.

Of the embedded log by looking into its files. To count those of a topic one has to ask the
brokers, which may be away: a question about the store never waits for them, but whoever asks for
the state of things, or exports it, may.
"""

from __future__ import annotations

from collections.abc import Mapping

from lineseal.schemas.errors import LogError
from lineseal.settings import Home, Settings
from lineseal.transport.base import EVENTS_TOPIC
from lineseal.transport.embedded.names import OutboxFile, stream_names
from lineseal.transport.embedded.reading import next_position
from lineseal.transport.open import EMBEDDED_SCHEME, is_kafka, kafka_lag

ASK_SECONDS = 2.0
"""How long brokers may take to answer each question of ``asked_unread_by_stream``."""


def unread_batches(home: Home, settings: Settings, positions: Mapping[str, int]) -> int | None:
    """Return how many batches lie behind *positions*; None when only a server could tell.

    Files that cannot be read just now count as read: ``lineseal materialise`` names them.

    Raises:
        LogError: The folder of the log cannot be listed.

    """
    counts = unread_by_stream(home, settings, positions)
    return None if counts is None else sum(counts.values())


def asked_unread_batches(
    home: Home, settings: Settings, positions: Mapping[str, int]
) -> int | None:
    """Return the same, asking the brokers of a log in Kafka for some seconds.

    Raises:
        LogError: They do not answer in time; or as above.

    """
    counts = asked_unread_by_stream(home, settings, positions)
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


def asked_unread_by_stream(
    home: Home, settings: Settings, positions: Mapping[str, int]
) -> dict[str, int] | None:
    """Return the same for each stream; with a log in Kafka a stream is a partition."""
    if is_kafka(settings.log.url):
        return kafka_lag(settings.log.url, home, positions, ASK_SECONDS)
    return unread_by_stream(home, settings, positions)
