"""Kafka is a log like any other.

What is promised: see ``log_contract``; here it is kept by a broker. Source: DESIGN 2, 6.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.contract.log_contract import LogContract, LogHarness
from tests.kafka.choice import Server
from tests.kafka.topic import prepare_topic

from lineseal.schemas.limits import MAX_RECORD_BYTES
from lineseal.transport.base import LogReader, LogRecord, LogWriter
from lineseal.transport.kafka import KafkaLogReader, KafkaLogWriter, parse_kafka_url


class KafkaHarness:
    """One topic of its own, three partitions."""

    max_value_bytes = MAX_RECORD_BYTES

    def __init__(self, server: Server, prefix: str, folder: Path) -> None:
        self._url = parse_kafka_url(server.url(prefix), folder)
        self._open: list[LogWriter | LogReader] = []
        prepare_topic(server, self._url, partitions=3)

    def writer(self, producer: str) -> LogWriter:
        """Open a writer of the topic; the key, not the writer, carries the producer."""
        del producer
        writer = KafkaLogWriter(self._url)
        self._open.append(writer)
        return writer

    def reader(self) -> LogReader:
        """Open a reader of the topic."""
        reader = KafkaLogReader(self._url)
        self._open.append(reader)
        return reader

    def payloads(self, record: LogRecord) -> Sequence[bytes]:
        """Return the value itself."""
        return [record.value]

    def close(self) -> None:
        """Close what the test left open."""
        for one in self._open:
            one.close()


class TestKafkaLog(LogContract):
    """The contract over ``KafkaLogWriter`` and ``KafkaLogReader``."""

    @pytest.fixture
    def harness(
        self, kafka_server: Server, kafka_prefix: str, tmp_path: Path
    ) -> Iterator[LogHarness]:
        """Give an empty topic."""
        harness = KafkaHarness(kafka_server, kafka_prefix, tmp_path)
        yield harness
        harness.close()
