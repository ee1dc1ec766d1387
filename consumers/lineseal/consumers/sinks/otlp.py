"""Ships to an OpenTelemetry collector: OTLP logs over HTTP, as protobuf.

200 may still say that records were rejected (``partial_success``); they must not be sent again
as they are, so the batch is cut until the rejected ones stand alone. Source: OTLP 1.x,
"OTLP/HTTP response"; log data model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber

from lineseal.consumers.forward.severity import severity_of
from lineseal.consumers.sinks.base import (
    OK,
    Outcome,
    Receipt,
    Shipment,
    all_alike,
    park,
    refused,
)
from lineseal.consumers.sinks.http import HttpAnswer, HttpClient

PATH = "/v1/logs"
_PROTOBUF = "application/x-protobuf"
_NS = 1_000_000


class OtlpSink:
    """Sends one log record per record; the body is the rendering as text."""

    def __init__(
        self,
        client: HttpClient,
        *,
        rendering: str,
        max_records: int,
        max_bytes: int,
        max_text: int,
    ) -> None:
        """Send through *client*."""
        self.rendering = rendering
        self.max_records = max_records
        self.max_bytes = max_bytes
        self.max_text = max_text
        self._client = client

    def send(self, batch: Sequence[Shipment]) -> Sequence[Receipt]:
        """Post the batch and look for what was rejected."""
        body = _request(batch).SerializeToString()
        answer = self._client.call("POST", PATH, body, _PROTOBUF, zipped=True)
        if isinstance(answer, Receipt):
            return all_alike(batch, answer)
        general = self._client.judge(answer)
        if general is not None:
            return all_alike(batch, general)
        said = f"{self._client.where} answers {answer.status}: {answer.text}"
        if answer.status >= 300:
            return all_alike(batch, refused(Outcome.SPLIT, said, answer.status))
        if not _is_otlp(answer):
            return all_alike(batch, park(f"no OTLP receiver: {said}", status=answer.status))
        response = ExportLogsServiceResponse()
        try:
            response.ParseFromString(answer.body)
        except DecodeError:
            return all_alike(batch, park(f"no OTLP receiver: {said}", status=answer.status))
        rejected = response.partial_success.rejected_log_records
        if rejected:
            said = f"{rejected} rejected: {response.partial_success.error_message}"
            return all_alike(batch, refused(Outcome.SPLIT, said, answer.status))
        return all_alike(batch, OK)

    def check(self) -> Receipt:
        """Send a request without records."""
        answer = self._client.call("POST", PATH, b"", _PROTOBUF)
        if isinstance(answer, Receipt):
            return answer
        general = self._client.judge(answer)
        if general is None and not _is_otlp(answer):
            return park(f"no OTLP receiver answers at {self._client.where}", status=answer.status)
        return general or OK

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _is_otlp(answer: HttpAnswer) -> bool:
    return answer.headers.get("content-type", "").startswith(_PROTOBUF)


def _request(batch: Sequence[Shipment]) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    resource.resource.attributes.append(_pair("service.name", "lineseal"))
    scope = resource.scope_logs.add()
    scope.scope.name = "lineseal.forward"
    scope.log_records.extend(map(_record, batch))
    return request


def _record(shipment: Shipment) -> LogRecord:
    document: Mapping[str, Any] = shipment.document
    severity = severity_of(document["severity_id"])
    return LogRecord(
        time_unix_nano=document["time"] * _NS,
        observed_time_unix_nano=document["metadata"].get("logged_time", document["time"]) * _NS,
        severity_number=SeverityNumber.ValueType(severity.otlp),
        severity_text=severity.caption,
        event_name=f"lineseal.{shipment.kind}",
        body=AnyValue(string_value=shipment.text),
        attributes=[
            _pair("log.record.uid", shipment.uid),
            _pair("event.uid", shipment.uid),
            _pair("ocsf.class_uid", document["class_uid"]),
            _pair("lineseal.feed_id", document["unmapped"]["feed_id"]),
            _pair("lineseal.feed_seq", shipment.seq),
        ],
    )


def _pair(key: str, value: str | int) -> KeyValue:
    if isinstance(value, int):
        return KeyValue(key=key, value=AnyValue(int_value=value))
    return KeyValue(key=key, value=AnyValue(string_value=value))
