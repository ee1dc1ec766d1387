"""Ships to Elasticsearch or OpenSearch: ``_bulk`` with ``create`` under the record's uid.

A document that is there already (409) is a success: so delivery is at least once and storage
once per backing index. 200 says nothing: every item has a status of its own. Source: Bulk API of
both; data streams take ``create`` only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lineseal.consumers.sinks.base import (
    DUPLICATE,
    OK,
    Outcome,
    Receipt,
    Shipment,
    all_alike,
    park,
    refused,
    retry,
)
from lineseal.consumers.sinks.http import HttpClient

_NDJSON = "application/x-ndjson"
_WRONG_SETTING = frozenset({401, 403, 404})


class ElasticSink:
    """Creates one document per record."""

    def __init__(
        self,
        client: HttpClient,
        *,
        rendering: str,
        index: str,
        max_records: int,
        max_bytes: int,
        max_text: int,
    ) -> None:
        """Create documents in *index*, an index, alias or data stream, through *client*."""
        self.rendering = rendering
        self.max_records = max_records
        self.max_bytes = max_bytes
        self.max_text = max_text
        self._client = client
        self._index = index

    def send(self, batch: Sequence[Shipment]) -> Sequence[Receipt]:
        """Post the batch and read every item's status."""
        lines: list[str] = []
        for shipment in batch:
            lines += [json.dumps({"create": {"_id": shipment.uid}}), self._source(shipment)]
        # The last line must end, or it is not read.
        body = ("\n".join(lines) + "\n").encode()
        answer = self._client.call("POST", f"/{self._index}/_bulk", body, _NDJSON, zipped=True)
        if isinstance(answer, Receipt):
            return all_alike(batch, answer)
        general = self._client.judge(answer)
        if general is not None:
            return all_alike(batch, general)
        said = f"{self._client.where}: {answer.text}"
        if answer.status >= 300:
            return all_alike(batch, refused(Outcome.SPLIT, said, answer.status))
        items: Any = answer.json().get("items")
        if not isinstance(items, list) or len(items) != len(batch):
            return all_alike(batch, park(f"no bulk API answers at {said}", status=answer.status))
        return [self._receipt(item) for item in items]

    def check(self) -> Receipt:
        """Ask the cluster who it is: that needs the credentials."""
        answer = self._client.call("GET", "/", None, "application/json")
        if isinstance(answer, Receipt):
            return answer
        general = self._client.judge(answer)
        if general is None and not isinstance(answer.json().get("version"), dict):
            return park(f"neither Elasticsearch nor OpenSearch answers at {self._client.where}")
        return general or OK

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _source(self, shipment: Shipment) -> str:
        if self.rendering == "ecs":
            return shipment.text
        # A data stream needs the time under this name.
        return json.dumps(
            {"@timestamp": shipment.document["time"], **json.loads(shipment.text)},
            ensure_ascii=False,
            separators=(",", ":"),
        )

    def _receipt(self, item: Any) -> Receipt:
        result: Mapping[str, Any] = item.get("create", {}) if isinstance(item, dict) else {}
        status = result.get("status")
        if not isinstance(status, int):
            return retry(f"{self._client.where}: an item without a status")
        if status == 409:
            return DUPLICATE
        if 200 <= status < 300:
            return OK
        said = json.dumps(result.get("error", ""), default=str)
        if status == 429 or status >= 500:
            return retry(said, status=status)
        if status in _WRONG_SETTING:
            return park(said, status=status)
        return refused(Outcome.DEAD, said, status)
