"""An HTTP receiver that does what a test tells it to, request by request.

It keeps what it accepted, by uid, so that a test can say what is lost and what came twice. It
speaks as much of Splunk's collector, the bulk API and OTLP as a sink looks at. Error answers are
those of the vendors' documents.
"""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)


@dataclass(frozen=True)
class Reply:
    """One answer; ``reset`` cuts the connection, ``accept`` keeps the records before that."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    accept: bool = False
    reset: bool = False
    delay: float = 0.0


Script = Callable[[int, "Request"], Reply | None]
"""Gets the number of the request (from 0) and returns what to do; None: behave."""


@dataclass(frozen=True)
class Request:
    """What came: the uids in order, and the headers in small letters."""

    path: str
    uids: list[str]
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Listens on loopback while the block runs."""

    def __init__(self, script: Script | None = None, context: ssl.SSLContext | None = None) -> None:
        """Behave, unless *script* says otherwise."""
        self.script = script
        self.accepted: Counter[str] = Counter()
        self.requests: list[Request] = []
        self.times: list[float] = []
        self.acks: dict[int, bool] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        scheme = "http" if context is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        """Start listening."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: Request) -> Reply:
        """Decide and keep what was accepted."""
        with self._lock:
            number = len(self.requests)
            self.requests.append(request)
            self.times.append(time.monotonic())
            reply = self.script(number, request) if self.script is not None else None
            if reply is None:
                return self._behave(request)
            if reply.accept:
                self.accepted.update(request.uids)
            return reply

    def _behave(self, request: Request) -> Reply:
        if request.path.endswith("/_bulk"):
            items = [
                {"create": {"_id": uid, "status": 409 if self.accepted[uid] else 201}}
                for uid in request.uids
            ]
            self.accepted.update(uid for uid in request.uids if not self.accepted[uid])
            return Reply(body={"errors": False, "items": items})
        if request.path.startswith("/services/collector/ack"):
            wanted = json.loads(request.body)["acks"]
            return Reply(body={"acks": {str(each): self.acks.get(each, True) for each in wanted}})
        self.accepted.update(request.uids)
        if request.path == "/v1/logs":
            return Reply(body=ExportLogsServiceResponse().SerializeToString())
        if request.path.startswith("/services/collector/event"):
            if not request.uids:
                return Reply(400, {"text": "No data", "code": 5})
            return Reply(body={"text": "Success", "code": 0, "ackId": len(self.requests)})
        return Reply(body={"text": "fine", "code": 17, "version": {"number": "0"}})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._serve()

            def do_POST(self) -> None:
                self._serve()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
                del format, args

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.path, uids_in(self.path, body), headers, body)
                self._reply(receiver.answer(request))

            def _reply(self, reply: Reply) -> None:
                time.sleep(reply.delay)
                if reply.reset:
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.close_connection = True
                    self.connection.close()
                    return
                data = (
                    reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                )
                kind = (
                    "application/x-protobuf"
                    if isinstance(reply.body, bytes)
                    else "application/json"
                )
                self.send_response(reply.status)
                for name, value in {"content-type": kind, **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        return Handler


def uids_in(path: str, body: bytes) -> list[str]:
    """Return the uids of the records in a request, in their order."""
    if not body or "/ack" in path:
        return []
    if path.endswith("/_bulk"):
        assert body.endswith(b"\n")
        return [json.loads(line)["create"]["_id"] for line in body.splitlines()[::2]]
    if path == "/v1/logs":
        request = ExportLogsServiceRequest()
        request.ParseFromString(body)
        records = request.resource_logs[0].scope_logs[0].log_records
        return [
            pair.value.string_value
            for record in records
            for pair in record.attributes
            if pair.key == "event.uid"
        ]
    decoder, text, place = json.JSONDecoder(), body.decode(), 0
    found: list[str] = []
    while place < len(text):
        event, place = decoder.raw_decode(text, place)
        found.append(event["fields"]["event_uid"])
    return found
