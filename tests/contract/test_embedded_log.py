"""The embedded log is a log, whether an outbox or a plain writer fills it.

What is promised: see ``log_contract``. Source: DESIGN 2, 6.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.contract.log_contract import LogContract, LogHarness

from lineseal.schemas.limits import MAX_EVENT_BYTES, MAX_RECORD_BYTES
from lineseal.signing.frame import decode_frame
from lineseal.signing.sealer import Sealer
from lineseal.signing.signers import generate_key
from lineseal.transport.base import LogReader, LogRecord, LogWriter
from lineseal.transport.embedded import EmbeddedLogReader, EmbeddedLogWriter, Outbox


class WriterHarness:
    """A folder written by ``EmbeddedLogWriter``."""

    max_value_bytes = MAX_RECORD_BYTES

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "log" / "events"
        self._open: list[LogWriter | LogReader] = []

    def writer(self, producer: str) -> LogWriter:
        """Open a writer named for its producer."""
        return self._keep(EmbeddedLogWriter(self.folder, producer))

    def reader(self) -> LogReader:
        """Open a reader of the folder."""
        reader = EmbeddedLogReader(self.folder)
        self._open.append(reader)
        return reader

    def payloads(self, record: LogRecord) -> Sequence[bytes]:
        """Return the value itself."""
        return [record.value]

    def close(self) -> None:
        """Close what the test left open."""
        for one in self._open:
            one.close()

    def _keep(self, writer: LogWriter) -> LogWriter:
        self._open.append(writer)
        return writer


class OutboxWriter:
    """An outbox as a log writer: each value is an event, sealed as a batch of its own."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def append(self, key: str, value: bytes) -> None:  # noqa: ARG002 - the outbox has one
        """Accept and seal one event."""
        self._outbox.accept([value])
        self._outbox.seal_pending()

    def flush(self, timeout: float) -> int:  # noqa: ARG002 - sealed is durable
        """Return how many events are not sealed."""
        return self._outbox.pending_count

    def close(self) -> None:
        """Close the outbox."""
        self._outbox.close()


class OutboxHarness(WriterHarness):
    """A folder written by outboxes."""

    max_value_bytes = MAX_EVENT_BYTES

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._signer = generate_key(folder / "key.pem")

    def writer(self, producer: str) -> LogWriter:
        """Open an outbox of *producer*."""
        sealer = Sealer(self._signer, deployment="test", producer=producer)
        outbox = Outbox.open(self.folder, producer, sealer, max_bytes=1 << 30)
        return self._keep(OutboxWriter(outbox))

    def payloads(self, record: LogRecord) -> Sequence[bytes]:
        """Return the events of a batch."""
        return decode_frame(record.value).events


class TestEmbeddedLog(LogContract):
    """The contract over ``EmbeddedLogWriter`` and ``EmbeddedLogReader``."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> Iterator[LogHarness]:
        """Give a log in a folder that does not exist yet."""
        harness = WriterHarness(tmp_path)
        yield harness
        harness.close()


class TestOutboxAsLog(LogContract):
    """The contract over ``Outbox`` and ``EmbeddedLogReader``."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> Iterator[LogHarness]:
        """Give a log in a folder that does not exist yet."""
        harness = OutboxHarness(tmp_path)
        yield harness
        harness.close()
