"""What is served: ``POST /api/v1/lineage`` and ``/api/v1/lineage/batch``, ``GET /health``.

Both paths take one event or an array of events, plain or gzipped, under a bearer token (or
``X-API-Key``). One event is answered with 201; an array with 200 and what became of each event, 422
when none was taken. The OpenLineage client retries 500, 502, 503 and 504 alone: whatever may
succeed later is a 503.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lineseal.producers.adapters.gateway.body import Body, Budget
from lineseal.producers.adapters.gateway.refusal import Refusal
from lineseal.producers.adapters.gateway.telemetry import REQUESTS, measure
from lineseal.producers.adapters.gateway.tokens import Token, TokenBook
from lineseal.producers.adapters.gateway.worker import Worker
from lineseal.producers.adapters.openlineage.datasets import Kinds
from lineseal.producers.adapters.openlineage.encoding import Sender
from lineseal.producers.adapters.openlineage.intake import Outcome, Taken
from lineseal.schemas.errors import ConfigurationError
from lineseal.schemas.model import Actor, ActorKind, Origin
from lineseal.services import ServiceLog
from lineseal.settings import GatewaySettings

_JSON = "application/json"
_ENCODINGS = {"": "identity", "identity": "identity", "gzip": "gzip", "x-gzip": "gzip"}
_MAX_TOKEN = 512


class Endpoint:
    """Answers requests with events."""

    def __init__(
        self,
        settings: GatewaySettings,
        tokens: TokenBook,
        worker: Worker,
        log: ServiceLog,
        kinds: Kinds,
    ) -> None:
        """Hand what holders of *tokens* send to *worker*."""
        self._settings, self._tokens, self._worker = settings, tokens, worker
        self._log, self._kinds = log, kinds
        self._budget = Budget(settings.max_buffered_bytes)

    async def lineage(self, request: Request) -> Response:
        """Take one event, or an array of events."""
        began = time.monotonic()
        response = await self._lineage(request)
        attributes = {"http.response.status_code": response.status_code}
        measure(REQUESTS, time.monotonic() - began, attributes)
        return response

    async def _lineage(self, request: Request) -> Response:
        body = Body(
            request.receive,
            self._budget,
            max_bytes=self._settings.max_event_bytes,
            seconds=self._settings.body_seconds,
        )
        try:
            token = self._authenticate(request)
            text = await self._read(request, body)
            outcomes = await self._worker.deliver(text, self._sender(token), token.rights)
        except Refusal as refusal:
            body.release()
            await body.drain(known=refusal.status != 401)
            return Response(refusal.to_json(), refusal.status, refusal.headers, _JSON)
        finally:
            body.release()
        is_array = request.url.path.endswith("/batch") or text.lstrip()[:1] == b"["
        return _batch_answer(outcomes) if is_array else _answer(outcomes[0])

    def _authenticate(self, request: Request) -> Token:
        scheme, _, presented = request.headers.get("authorization", "").partition(" ")
        if not scheme:
            scheme, presented = "bearer", request.headers.get("x-api-key", "")
        try:
            token = None
            if scheme.lower() == "bearer" and len(presented) <= _MAX_TOKEN:
                token = self._tokens.find(presented.strip())
        except ConfigurationError as error:
            self._log.error("cannot read the tokens", code=error.code, reason=str(error))
            raise Refusal(503, error.code, "tokens cannot be read", retry_after=30) from None
        if token is None:
            raise Refusal(401, "TOKEN", "the token is missing, wrong or revoked")
        return token

    async def _read(self, request: Request, body: Body) -> bytes:
        encoding = _ENCODINGS.get(request.headers.get("content-encoding", "").strip().lower())
        if encoding is None:
            raise Refusal(415, "ENCODING", "Content-Encoding must be identity or gzip")
        length = request.headers.get("content-length")
        return await body.read(None if length is None else int(length), encoding)

    def _sender(self, token: Token) -> Sender:
        return Sender(
            producer=self._settings.producer,
            actor=Actor(kind=ActorKind.SERVICE, id=token.name),
            origin=Origin.GATEWAY,
            kinds=self._kinds,
            writes=token.writes,
        )


def build_app(endpoint: Endpoint) -> Starlette:
    """Build the ASGI application."""
    return Starlette(
        routes=[
            Route("/api/v1/lineage", endpoint.lineage, methods=["POST"]),
            Route("/api/v1/lineage/batch", endpoint.lineage, methods=["POST"]),
            Route("/health", _health, methods=["GET"]),
        ]
    )


async def _health(request: Request) -> Response:
    del request
    return Response(b'{"status": "ok"}', media_type=_JSON)


def _answer(outcome: Outcome) -> Response:
    if outcome.reason is not None:
        status = 403 if outcome.taken is Taken.FORBIDDEN else 422
        refusal = Refusal(status, outcome.code, outcome.reason)
        return Response(refusal.to_json(), refusal.status, media_type=_JSON)
    said = {
        "status": outcome.taken.value,
        "document": outcome.digest,
        "events": outcome.events,
        "notes": list(outcome.notes),
    }
    return _json(said, 201)


def _batch_answer(outcomes: Sequence[Outcome]) -> Response:
    taken = Counter(outcome.is_accepted for outcome in outcomes)
    failed = [
        {"index": index, "reason": outcome.reason, "retriable": False}
        for index, outcome in enumerate(outcomes)
        if outcome.reason is not None
    ]
    status = "success" if not failed else "partial_success" if taken[True] else "error"
    said: dict[str, Any] = {
        "status": status,
        "summary": {"received": len(outcomes), "successful": taken[True], "failed": len(failed)},
        "failed_events": failed,
    }
    return _json(said, 422 if status == "error" else 200)


def _json(said: Any, status: int) -> Response:
    return Response(json.dumps(said).encode(), status, media_type=_JSON)
