"""Opens readers, writers and clusters for a test, and closes what it left open."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

from kafka import KafkaProducer

from lineseal.transport.base import EVENTS_TOPIC, LogReader, LogRecord
from lineseal.transport.kafka import KafkaLogReader, KafkaLogWriter, KafkaUrl, parse_kafka_url
from lineseal.transport.kafka.cluster import Cluster, open_cluster

PATIENCE_SECONDS = 60.0
FORGOTTEN_SOCKETS = (
    r"ignore:Exception ignored in. <(socket\.socket|ssl\.SSLSocket) fd=\d+, family=2"
    ":pytest.PytestUnraisableExceptionWarning"
)
"""kafka-python 3.0.12 does not close a socket that could not connect or log in; the collector
does. Only for tests in which that happens."""
IMPATIENT: Mapping[str, Any] = {"request_timeout_ms": 1500, "delivery_timeout_ms": 3000}
"""Options with which a silent broker is given up soon."""


class Kit:
    """One topic prefix, and everything a test opened in it."""

    def __init__(self, url: str, folder: Path) -> None:
        """Work on *url*; relative paths in it start at *folder*."""
        self.text = url
        self.folder = folder
        self._stack = ExitStack()

    def url(self, **options: object) -> KafkaUrl:
        """Return the URL with more *options*."""
        given = "&".join(f"{name}={value}" for name, value in options.items())
        joint = "&" if "?" in self.text else "?"
        return parse_kafka_url(self.text + (joint + given if given else ""), self.folder)

    @property
    def topic(self) -> str:
        """Return the full name of the topic of events."""
        return self.url().topic(EVENTS_TOPIC)

    def writer(self, **options: object) -> KafkaLogWriter:
        """Open a writer."""
        return self._stack.enter_context(closing(KafkaLogWriter(self.url(**options))))

    def reader(self, *, identity: str | None = None, **options: object) -> KafkaLogReader:
        """Open a reader."""
        reader = KafkaLogReader(self.url(**options), identity=identity)
        return self._stack.enter_context(closing(reader))

    def cluster(self) -> Cluster:
        """Open a connection for administration."""
        return self._stack.enter_context(closing(open_cluster(self.url(), PATIENCE_SECONDS)))

    def foreign_producer(self, **settings: Any) -> Any:
        """Open a producer that is not ours, as anybody with access to the cluster could."""
        return KafkaProducer(bootstrap_servers=list(self.url().servers), **settings)

    def send(self, key: str, values: Sequence[bytes]) -> None:
        """Write *values* and wait until the broker has them."""
        writer = self.writer()
        for value in values:
            writer.append(key, value)
        assert writer.flush(PATIENCE_SECONDS) == 0
        writer.close()

    def __enter__(self) -> Self:
        """Start with nothing open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close everything."""
        self._stack.close()


def read_all(reader: LogReader) -> list[LogRecord]:
    """Read to the end of the log."""
    records: list[LogRecord] = []
    while found := reader.poll(500, 0.0):
        records += found
    return records


def read_until_error(reader: LogReader, seen: list[LogRecord]) -> NoReturn:
    """Read one by one into *seen* until the reader raises."""
    while True:
        seen += reader.poll(1, 0.0)


def first_of_each(records: Sequence[LogRecord]) -> dict[str, list[bytes]]:
    """Return each key's values in the order of their first coming."""
    values: dict[str, dict[bytes, None]] = {}
    for record in records:
        values.setdefault(record.key, {})[record.value] = None
    return {key: list(each) for key, each in values.items()}


def flush_until_empty(writer: KafkaLogWriter, seconds: float) -> int:
    """Flush for up to *seconds*; return what is still unacknowledged."""
    deadline = time.monotonic() + seconds
    left = writer.flush(0.0)
    while left and time.monotonic() < deadline:
        left = writer.flush(1.0)
    return left
