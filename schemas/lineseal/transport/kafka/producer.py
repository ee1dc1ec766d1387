"""One producer object, used until its first failure and never again.

kafka-python 3.0.12 can get stuck for good once a delivery has failed, with idempotence on; and
whatever the client, "failed" only means "unknown". So a failure ends the object: its sender
stops at once, inside the failure's own callback, before it could send anything that lies behind
the failed record. The writer then starts a new object and sends again from the oldest record
that was not acknowledged. Source: DESIGN 5; reliability reference, findings 1 to 4.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any

from kafka import KafkaProducer
from kafka import errors as kafka_errors

from lineseal.schemas.limits import MAX_RECORD_BYTES
from lineseal.transport.kafka.clients import client_config
from lineseal.transport.kafka.faults import to_log_error
from lineseal.transport.kafka.url import KafkaUrl

MAX_OVERHEAD_BYTES = 64 * 1024
"""What a key and Kafka's own framing add to a record, generously."""
_BATCH_BYTES = 256 * 1024
_BLOCK_MS = 500
"""``send`` waits this long for metadata, then the writer looks at its own deadline."""
_CLOSE_SECONDS = 2.0


class Producer:
    """Sends records of one topic, in order, until something fails."""

    def __init__(self, url: KafkaUrl, topic: str, changed: threading.Event) -> None:
        """Make the client; it connects in the background. *changed* is set on every outcome.

        Raises:
            ConfigurationError: A file or secret that the URL names cannot be used.
            LogRefused: The options do not fit together.

        """
        config = client_config(url, "writer")
        self.client_id = str(config["client_id"])
        self.failure: BaseException | None = None
        self._connected = False
        self._topic = topic
        self._changed = changed
        config |= {
            "acks": "all",
            "enable_idempotence": False,
            "max_in_flight_requests_per_connection": 1,
            "delivery_timeout_ms": url.options["delivery_timeout_ms"],
            "max_block_ms": _BLOCK_MS,
            "max_request_size": MAX_RECORD_BYTES + MAX_OVERHEAD_BYTES,
            "batch_size": _BATCH_BYTES,
            "allow_auto_create_topics": url.options["allow_auto_create_topics"],
            "reconnect_backoff_max_ms": 1000,
            "metrics_enabled": False,
        }
        try:
            self._client: Any = KafkaProducer(**config)
        except (kafka_errors.KafkaError, OSError, ValueError) as error:
            raise to_log_error(error, url, self.client_id) from error

    def send(self, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> Any:
        """Hand over one record and return its future.

        Raises:
            KafkaTimeoutError: The topic's metadata is not there yet; try again.
            KafkaError: It was not taken.

        """
        self._connected = False
        future = self._client.send(self._topic, key=key, value=value, headers=headers)
        self._connected = True
        future.add_callback(self._delivered)
        future.add_errback(self._failed)
        return future

    @property
    def ready(self) -> bool:
        """Return True when ``send`` will not wait for anything."""
        return self._connected and self.failure is None

    def abandon(self) -> None:
        """Stop at once; what was not acknowledged may or may not have arrived."""
        self._stop()
        # Everything incomplete is failed by now or soon, so close() has nothing to wait for.
        with contextlib.suppress(kafka_errors.KafkaError):
            self._client.close(_CLOSE_SECONDS)

    def _delivered(self, _: object) -> None:
        self._changed.set()

    def _failed(self, error: BaseException) -> None:
        if self.failure is None:
            self.failure = error
        self._stop()
        self._changed.set()

    def _stop(self) -> None:
        # close() would first flush, and raise when it cannot: only this ends a stuck sender.
        self._client._sender.force_close()  # noqa: SLF001
