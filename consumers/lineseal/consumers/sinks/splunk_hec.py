"""Ships to Splunk's HTTP Event Collector.

200 means accepted, not indexed: with ``acknowledge`` a batch counts once the indexer says it has
it. ``invalid-event-number`` names the event that was refused; those before it were taken.
Source: Splunk, "Format events for HTTP Event Collector" and "About HTTP Event Collector Indexer
Acknowledgment"; the table of status codes.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from typing import Any

from lineseal.consumers.sinks.base import (
    OK,
    Outcome,
    Receipt,
    Shipment,
    all_alike,
    park,
    refused,
    retry,
)
from lineseal.consumers.sinks.http import HttpAnswer, HttpClient

EVENT_PATH = "/services/collector/event"
ACK_PATH = "/services/collector/ack"
HEALTH_PATH = "/services/collector/health"
SOURCETYPE = "lineseal:{rendering}"
_JSON = "application/json"
_TRY_LATER = frozenset({8, 9})
_WRONG_SETTING = frozenset({1, 2, 3, 4, 7, 10, 11, 14, 16})
_ACK_POLL_SECONDS = 0.5


class SplunkHecSink:
    """Sends batches of concatenated JSON objects, gzipped."""

    def __init__(
        self,
        client: HttpClient,
        *,
        rendering: str,
        index: str,
        acknowledge: bool,
        channel: str,
        ack_seconds: float,
        max_records: int,
        max_bytes: int,
        max_text: int,
    ) -> None:
        """Use *client*, whose headers carry the token and, with *acknowledge*, the channel."""
        self.rendering = rendering
        self.max_records = max_records
        self.max_bytes = max_bytes
        self.max_text = max_text
        self._client = client
        self._index = index
        self._acknowledge = acknowledge
        self._channel = channel
        self._ack_seconds = ack_seconds

    def send(self, batch: Sequence[Shipment]) -> Sequence[Receipt]:
        """Post the batch, and wait for the indexer where that is asked for."""
        body = "".join(map(self._event, batch)).encode()
        answer = self._client.call("POST", EVENT_PATH, body, _JSON, zipped=True)
        if isinstance(answer, Receipt):
            return all_alike(batch, answer)
        said = answer.json()
        code, bad = said.get("code"), said.get("invalid-event-number")
        if isinstance(code, int) and code != 0:
            return self._refused(batch, answer, code, bad)
        general = self._client.judge(answer)
        if general is not None:
            return all_alike(batch, general)
        if code != 0:
            where = f"{self._client.where}: {answer.text}"
            if answer.status == 413:
                return all_alike(batch, refused(Outcome.SPLIT, where, answer.status))
            return all_alike(batch, park(f"no event collector answers at {where}"))
        if self._acknowledge:
            return all_alike(batch, self._await_index(said.get("ackId")))
        return all_alike(batch, OK)

    def check(self) -> Receipt:
        """Ask for the collector's health, then whether it takes the token."""
        answer = self._client.call("GET", HEALTH_PATH, None, _JSON)
        if isinstance(answer, Receipt):
            return answer
        # An empty body is never an event: code 5 says that the token was good.
        answer = self._client.call("POST", EVENT_PATH, b"", _JSON)
        if isinstance(answer, Receipt):
            return answer
        code = answer.json().get("code")
        if code in (0, 5):
            return OK
        if code in _WRONG_SETTING:
            return park(f"{self._client.where}: {answer.text}", status=answer.status)
        return self._client.judge(answer) or retry(f"{self._client.where}: {answer.text}")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _event(self, shipment: Shipment) -> str:
        document = shipment.document
        event: Any = shipment.text
        if self.rendering != "cef":
            event = json.loads(shipment.text)
        envelope: dict[str, Any] = {
            "time": document["time"] / 1000,
            "source": "lineseal",
            "sourcetype": SOURCETYPE.format(rendering=self.rendering),
            "event": event,
            "fields": {
                "event_uid": shipment.uid,
                "feed_id": str(document["unmapped"]["feed_id"]),
                "feed_seq": str(shipment.seq),
            },
        }
        if self._index:
            envelope["index"] = self._index
        return json.dumps(envelope, ensure_ascii=False, separators=(",", ":"))

    def _refused(
        self, batch: Sequence[Shipment], answer: HttpAnswer, code: int, bad: Any
    ) -> list[Receipt]:
        said = f"{self._client.where}: code {code}: {answer.text}"
        if code in _TRY_LATER:
            again = retry(said, status=answer.status, after=answer.retry_after)
            return all_alike(batch, again)
        if code in _WRONG_SETTING:
            return all_alike(batch, park(said, status=answer.status))
        if isinstance(bad, int) and not isinstance(bad, bool) and 0 <= bad < len(batch):
            rest = retry("behind a refused record", after=0.0)
            dead = refused(Outcome.DEAD, said, answer.status)
            return [*[OK] * bad, dead, *[rest] * (len(batch) - bad - 1)]
        return all_alike(batch, refused(Outcome.SPLIT, said, answer.status))

    def _await_index(self, ack_id: Any) -> Receipt:
        if not isinstance(ack_id, int):
            return park("acknowledge is set, but the token has no indexer acknowledgement")
        body = json.dumps({"acks": [ack_id]}).encode()
        path = f"{ACK_PATH}?channel={self._channel}"
        deadline = time.monotonic() + self._ack_seconds
        while True:
            answer = self._client.call("POST", path, body, _JSON)
            if isinstance(answer, HttpAnswer):
                acks = answer.json().get("acks")
                if isinstance(acks, dict) and acks.get(str(ack_id)) is True:
                    return OK
            if time.monotonic() >= deadline:
                return retry(f"{self._client.where}: not indexed in {self._ack_seconds:g} s")
            time.sleep(min(_ACK_POLL_SECONDS, max(0.0, deadline - time.monotonic())))


def new_channel() -> str:
    """Return the id of a channel for acknowledgements."""
    return str(uuid.uuid4())
