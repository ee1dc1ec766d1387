"""One connection for reading one topic: assigns, seeks, fetches, and asks where the ends are.

It holds no position of its own that matters. After any error it must be closed and a new one be
sought to the positions the reader kept: a consumer of kafka-python 3.0.12 that raised because of
a record never returns from its next ``poll``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kafka import KafkaConsumer
from kafka import errors as kafka_errors
from kafka.structs import TopicPartition

from lineseal.transport.base import LogRecord
from lineseal.transport.kafka.clients import client_config
from lineseal.transport.kafka.cluster import TopicView, open_cluster
from lineseal.transport.kafka.faults import to_log_error
from lineseal.transport.kafka.unpacking import bound_unpacking
from lineseal.transport.kafka.url import KafkaUrl

_FETCH_BYTES = 16 * 1024 * 1024
_PARTITION_FETCH_BYTES = 4 * 1024 * 1024
_FETCH_WAIT_MS = 250
_CLOSE_MS = 1000
_LOG_APPEND_TIME = 1
"""Timestamp type of a record that carries the broker's clock (Kafka protocol, record batch)."""


class Session:
    """Reads one topic until the first error."""

    def __init__(self, url: KafkaUrl, topic: str, largest_bytes: int = 0) -> None:
        """Connect; take records of *largest_bytes* where that is more than a usual fetch.

        Raises:
            ConfigurationError: A file or secret that the URL names cannot be used.
            LogError: The cluster does not answer, or refuses us.

        """
        bound_unpacking()
        self._topic = topic
        timeout_ms = url.options["request_timeout_ms"]
        self._cluster = open_cluster(url)
        config = client_config(url, "reader")
        self.client_id = str(config["client_id"])
        config |= {
            "auto_offset_reset": "none",
            "enable_auto_commit": False,
            "check_crcs": True,
            "fetch_max_bytes": _FETCH_BYTES,
            "max_partition_fetch_bytes": _PARTITION_FETCH_BYTES,
            "receive_message_max_bytes": _FETCH_BYTES + max(_PARTITION_FETCH_BYTES, largest_bytes),
            "fetch_max_wait_ms": min(_FETCH_WAIT_MS, timeout_ms - 1),
            "allow_auto_create_topics": url.options["allow_auto_create_topics"],
            "reconnect_backoff_max_ms": 1000,
            "metrics_enabled": False,
        }
        try:
            self._consumer: Any = KafkaConsumer(**config)
        except (kafka_errors.KafkaError, OSError, ValueError) as error:
            self._cluster.close()
            raise to_log_error(error, url, self.client_id) from error

    def view(self) -> TopicView:
        """Describe the topic as it is now.

        Raises:
            LogError: It is missing, or the cluster cannot be asked.

        """
        return self._cluster.view(self._topic)

    def ranges(self, partitions: Iterable[int]) -> dict[int, tuple[int, int]]:
        """Return for each partition its first offset and the one after its last.

        Raises:
            LogError: The cluster cannot be asked.

        """
        # Not over the consumer's connection: there it would wait behind a fetch.
        return self._cluster.ranges(self._topic, partitions)

    def assigned(self) -> set[int]:
        """Return the partitions that are being read."""
        return {each.partition for each in self._consumer.assignment()}

    def assign(self, positions: Mapping[int, int]) -> None:
        """Read these partitions, and only these, from these offsets on."""
        self._consumer.assign([self._partition(number) for number in positions])
        for number, offset in positions.items():
            self._consumer.seek(self._partition(number), offset)

    def take(self, limit: int, seconds: float) -> dict[int, list[LogRecord]]:
        """Return at most *limit* records by partition, waiting at most *seconds*.

        Raises:
            Exception: Whatever the client raises; ``is_about_records`` says whom to blame.

        """
        found = self._consumer.poll(timeout_ms=int(seconds * 1000), max_records=limit)
        return {
            partition.partition: [_to_record(each) for each in batch]
            for partition, batch in found.items()
        }

    def reached(self, number: int) -> int:
        """Return the offset the client has come to in a partition, records or not."""
        return self._consumer.position(self._partition(number), timeout_ms=_CLOSE_MS) or 0

    def close(self) -> None:
        """Close the connections."""
        self._consumer.close(autocommit=False, timeout_ms=_CLOSE_MS)
        self._cluster.close()

    def _partition(self, number: int) -> Any:
        return TopicPartition(self._topic, number)


def is_about_positions(error: Exception) -> bool:
    """Return True when the broker does not have what lies at a position."""
    names = {"OffsetOutOfRangeError", "LogTruncationError"}
    return type(error).__name__ in names


def is_about_records(error: Exception) -> bool:
    """Return True when the bytes of records are to blame, not cluster or network.

    A hostile batch can make the client raise anything at all; what the client raises about the
    network is always a ``KafkaError``.
    """
    damaged = (kafka_errors.CorruptRecordError, kafka_errors.UnsupportedCodecError)
    return isinstance(error, damaged) or not isinstance(error, kafka_errors.KafkaError)


def _to_record(record: Any) -> LogRecord:
    by_broker = record.timestamp_type == _LOG_APPEND_TIME
    return LogRecord(
        stream=f"{record.topic}/{record.partition}",
        position=record.offset,
        # Neither key nor value is trusted: what is no text, or is missing, fails verification.
        key=(record.key or b"").decode("utf-8", "backslashreplace"),
        value=record.value or b"",
        logged_at=record.timestamp * 1000 if by_broker else None,
    )
