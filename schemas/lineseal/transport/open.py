"""Opens the log that a URL names: ``embedded:FOLDER`` or ``kafka://...``.

The Kafka client is imported for a Kafka URL and for nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from lineseal.schemas.errors import ConfigurationError, MissingExtra
from lineseal.settings import Home
from lineseal.transport.base import EVENTS_TOPIC, LogReader, LogWriter
from lineseal.transport.embedded import EmbeddedLogReader, EmbeddedLogWriter

if TYPE_CHECKING:
    from lineseal.transport.kafka import KafkaUrl

KAFKA_SCHEME = "kafka:"
EMBEDDED_SCHEME = "embedded:"


class IdentifiedWriter(LogWriter, Protocol):
    """A writer that can tell which very log it writes to, and how often it had to start anew."""

    rebuilds: int

    def append(self, key: str, value: bytes, traceparent: str | None = None) -> None:
        """Hand over one record, with the trace it belongs to as a header outside the value.

        Raises:
            LogError: As for ``LogWriter``.

        """
        ...

    def identity(self, timeout: float) -> str:
        """Return what changes when the log is made anew.

        Raises:
            LogError: It cannot be asked within *timeout* seconds.

        """
        ...


class IdentifiedReader(LogReader, Protocol):
    """A reader that can tell which very log it reads."""

    @property
    def identity(self) -> str | None:
        """Return what changes when the log is made anew; None before the first ``poll``."""
        ...


def is_kafka(url: str) -> bool:
    """Return True when *url* names a log in Kafka."""
    return url.startswith(KAFKA_SCHEME)


def open_reader(
    url: str, home: Home, *, topic: str = EVENTS_TOPIC, identity: str | None = None
) -> LogReader:
    """Open one topic of the log that *url* names, for reading.

    Args:
        url: What ``[log] url`` says.
        home: Where relative paths start.
        topic: Its name without a prefix: events, alerts, rejects, checkpoints, receipts.
        identity: With Kafka, the ``identity`` of the reader that made the positions to be sought:
            a topic of the same name that is not that one is refused.

    Raises:
        ConfigurationError: The URL names no log.
        MissingExtra: It needs the Kafka client, which is not installed.

    """
    if is_kafka(url):
        kafka = _kafka()
        reader: LogReader = kafka.KafkaLogReader(
            kafka.parse_kafka_url(url, home.path), topic, identity=identity
        )
        return reader
    return EmbeddedLogReader(_folder(url, home) / topic)


def open_foreign_topic(
    url: str, home: Home, *, identity: str | None = None, largest_bytes: int = 0
) -> IdentifiedReader:
    """Open a topic that others write, named by ``kafka://HOST:PORT/TOPIC?option=value``.

    Args:
        url: Where it is.
        home: Where relative paths start.
        identity: As for ``open_reader``.
        largest_bytes: Bytes its largest record may have.

    Raises:
        ConfigurationError: The URL names no topic in Kafka.
        MissingExtra: The Kafka client is not installed.

    """
    parsed = kafka_url(url, home)
    reader: IdentifiedReader = _kafka().KafkaLogReader(
        parsed, "", identity=identity, largest_bytes=largest_bytes
    )
    return reader


def open_writer(url: str, home: Home, *, topic: str, name: str) -> LogWriter:
    """Open one topic of the log that *url* names, for records that need no outbox.

    Sealed events are not written so: they go through ``Outbox``. In the embedded log a record is
    durable when ``append`` returns; with Kafka when ``flush`` returns 0, so whoever must not
    lose one keeps it until then.

    Args:
        url: What ``[log] url`` says.
        home: Where relative paths start.
        topic: Its name without a prefix, such as alerts or rejects.
        name: Who writes; names the file of the embedded log.

    Raises:
        ConfigurationError: The URL names no log.
        MissingExtra: It needs the Kafka client, which is not installed.
        LogError: The file cannot be made or opened.

    """
    if is_kafka(url):
        return open_kafka_writer(url, home, topic)
    return EmbeddedLogWriter(_folder(url, home) / topic, name)


def open_kafka_writer(url: str, home: Home, topic: str = EVENTS_TOPIC) -> IdentifiedWriter:
    """Open one topic of the Kafka log that *url* names, for writing.

    Raises:
        ConfigurationError: The URL names no log in Kafka.
        MissingExtra: The Kafka client is not installed.

    """
    writer: IdentifiedWriter = _kafka().KafkaLogWriter(kafka_url(url, home), topic)
    return writer


def kafka_lag(url: str, home: Home, positions: Mapping[str, int], seconds: float) -> dict[str, int]:
    """Ask the brokers how many records of each partition of the events lie behind *positions*.

    Raises:
        ConfigurationError: The URL names no log in Kafka.
        MissingExtra: The Kafka client is not installed.
        LogError: The brokers do not answer within *seconds*, or refuse us.

    """
    parsed = kafka_url(url, home)
    counts: dict[str, int] = _kafka().unread_by_partition(parsed, positions, seconds)
    return counts


def _folder(url: str, home: Home) -> Path:
    folder = url.removeprefix(EMBEDDED_SCHEME)
    if folder == url or not folder:
        # A URL may hold more than people should see: it is not repeated.
        raise ConfigurationError("[log] url must be embedded:FOLDER or kafka://HOST:PORT/PREFIX")
    return home.resolve(folder)


def kafka_url(url: str, home: Home) -> KafkaUrl:
    """Take a Kafka URL apart.

    Raises:
        ConfigurationError: It is none.
        MissingExtra: The Kafka client is not installed.

    """
    if not is_kafka(url):
        raise ConfigurationError(
            "this needs a log in Kafka: set [log] url, or give --url, as kafka://HOST:PORT/PREFIX"
        )
    parsed: KafkaUrl = _kafka().parse_kafka_url(url, home.path)
    return parsed


def _kafka() -> ModuleType:
    try:
        from lineseal.transport import kafka  # noqa: PLC0415 - for a Kafka URL only
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "kafka":
            raise
        raise MissingExtra(
            "a log in Kafka needs its client: pip install 'lineseal[kafka]'"
        ) from error
    return kafka
