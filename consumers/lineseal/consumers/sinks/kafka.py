"""Ships to a topic in Kafka, keyed by the record's uid.

A record counts once the broker acknowledged it for all in-sync replicas. The client is reached
through ``lineseal.transport`` only; it keeps what is not acknowledged and sends it again itself,
so a batch that is tried again is waited for, not handed over twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lineseal.consumers.sinks.base import OK, Receipt, Shipment, all_alike, park, retry
from lineseal.schemas.errors import ConfigurationError, LinesealError
from lineseal.transport.open import IdentifiedWriter


class KafkaSink:
    """Writes one topic."""

    def __init__(
        self,
        open_writer: Callable[[], IdentifiedWriter],
        *,
        rendering: str,
        timeout: float,
        max_records: int,
        max_bytes: int,
        max_text: int,
    ) -> None:
        """Write with what *open_writer* gives; it is opened for the first batch."""
        self.rendering = rendering
        self.max_records = max_records
        self.max_bytes = max_bytes
        self.max_text = max_text
        self._open_writer = open_writer
        self._timeout = timeout
        self._writer: IdentifiedWriter | None = None
        self._handed: set[int] = set()

    def send(self, batch: Sequence[Shipment]) -> Sequence[Receipt]:
        """Hand the batch over and wait for the broker's acknowledgement."""
        try:
            writer = self._open()
            for shipment in batch:
                if shipment.seq not in self._handed:
                    writer.append(shipment.uid, shipment.text.encode())
                    self._handed.add(shipment.seq)
            waiting = writer.flush(self._timeout)
        except LinesealError as error:
            return all_alike(batch, self._trouble(error))
        if waiting:
            return all_alike(batch, retry(f"{waiting} records without acknowledgement"))
        self._handed.clear()
        return all_alike(batch, OK)

    def check(self) -> Receipt:
        """Ask the cluster for the topic."""
        try:
            self._open().identity(self._timeout)
        except LinesealError as error:
            return self._trouble(error)
        return OK

    def close(self) -> None:
        """Close the client; what it had not delivered is sent again by the next."""
        writer, self._writer = self._writer, None
        self._handed.clear()
        if writer is not None:
            writer.close()

    def _open(self) -> IdentifiedWriter:
        if self._writer is None:
            self._writer = self._open_writer()
        return self._writer

    def _trouble(self, error: LinesealError) -> Receipt:
        if error.retryable:
            return retry(str(error))
        self.close()
        kind = "configuration" if isinstance(error, ConfigurationError) else error.code
        return park(f"{kind}: {error}")
