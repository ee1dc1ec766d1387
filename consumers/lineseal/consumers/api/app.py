"""What does the API answer over HTTP? Routes, limits, and errors as the command line knows them.

``POST /v1/query/NAME`` with ``{"store": PATH or null, "params": {...}}`` gives
``{"answer": {...}, "positions": {...}}`` or ``{"error": {"code", "message", "candidates"}}``, large
tables of an answer as Arrow for those who accept it (``lineseal.queries.wire``);
``GET /ready`` says 200 or 503 and why; ``GET /health`` says that the process is alive.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from lineseal.commandline.output import to_json
from lineseal.consumers import telemetry
from lineseal.consumers.api.answering import Answering, TooMany, WrongStore
from lineseal.queries.guarded_sql import SQL
from lineseal.queries.question import answer_to_json, error_to_json, question_names
from lineseal.queries.remote import COPY
from lineseal.queries.wire import ARROW, holds_tables, pack
from lineseal.schemas.errors import LinesealError, NotFound, QueryError, StoreBusy, StoreError
from lineseal.services import ServiceLog

MAX_BODY_BYTES = 2 * 1024 * 1024
BODY_SECONDS = 10.0
_LOOK_SECONDS = 0.25

Readiness = Callable[[], tuple[bool, list[dict[str, Any]]]]
_STATUS: tuple[tuple[type[LinesealError], HTTPStatus], ...] = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (StoreBusy, HTTPStatus.SERVICE_UNAVAILABLE),
    (StoreError, HTTPStatus.INTERNAL_SERVER_ERROR),
)


class _BadRequest(Exception):
    """The request is none of ours."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


def build_app(answering: Answering, readiness: Readiness, log: ServiceLog) -> Starlette:
    """Build the application; *readiness* gives whether all is ready, and one row per service."""
    names = {SQL, COPY, *question_names()}

    async def health(request: Request) -> Response:
        del request
        return _json({"status": "alive"})

    async def ready(request: Request) -> Response:
        del request
        is_ready, rows = readiness()
        status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
        return _json({"ready": is_ready, "services": rows}, status)

    async def ask(request: Request) -> Response:
        name = str(request.path_params["name"])
        known = name if name in names else "unknown"
        started = time.monotonic()
        with telemetry.span("query", {"lineseal.query": known}):
            response = await _answered(request, name, answering, log)
        telemetry.request_duration(time.monotonic() - started, known, response.status_code)
        return response

    return Starlette(
        routes=[
            Route("/health", health),
            Route("/ready", ready),
            Route("/v1/query/{name}", ask, methods=["POST"]),
        ]
    )


async def _answered(request: Request, name: str, answering: Answering, log: ServiceLog) -> Response:
    try:
        body = await asyncio.wait_for(_body(request), BODY_SECONDS)
        told = await _wait(request, answering, name, body)
    except LinesealError as error:
        return _failed(error)
    except _BadRequest as error:
        return _json({"detail": str(error)}, error.status)
    except (TimeoutError, ClientDisconnect):
        return _json({"detail": "the request took too long"}, HTTPStatus.REQUEST_TIMEOUT)
    except WrongStore:
        return _json({"detail": "another store is open here"}, HTTPStatus.CONFLICT)
    except (TooMany, CancelledError):
        return _json({"detail": "too many questions"}, HTTPStatus.SERVICE_UNAVAILABLE)
    except Exception as error:
        log.error("a question crashed", query=name, exc_info=error)  # noqa: TRY400 - our protocol
        return _json({"detail": "a crash of ours"}, HTTPStatus.INTERNAL_SERVER_ERROR)
    content = {"answer": answer_to_json(told.answer), "positions": told.positions}
    if ARROW in request.headers.get("accept", "") and holds_tables(content):
        packed = await asyncio.to_thread(pack, content)
        return Response(packed, media_type=ARROW, headers={"Cache-Control": "no-store"})
    return _json(content)


async def _body(request: Request) -> dict[str, Any]:
    """Read a bounded body that is a JSON object."""
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BODY_BYTES:
            raise _BadRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        raise _BadRequest(HTTPStatus.BAD_REQUEST) from None
    if not isinstance(body, dict) or not isinstance(body.get("store"), str | None):
        raise _BadRequest(HTTPStatus.BAD_REQUEST)
    return body


async def _wait(request: Request, answering: Answering, name: str, body: dict[str, Any]) -> Any:
    """Wait for the answer for as long as somebody else does."""
    given_up = threading.Event()
    future = answering.submit(name, body.get("params", {}), body.get("store"), given_up)
    waiting = asyncio.wrap_future(future)
    try:
        while not waiting.done():
            await asyncio.wait({waiting}, timeout=_LOOK_SECONDS)
            if not waiting.done() and await request.is_disconnected():
                raise ClientDisconnect
        return waiting.result()
    finally:
        given_up.set()


def _failed(error: LinesealError) -> Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    for cls, found in _STATUS:
        if isinstance(error, cls):
            status = found
            break
    if type(error) is QueryError:
        status = HTTPStatus.BAD_REQUEST
    return _json({"error": error_to_json(error)}, status)


def _json(content: Any, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(
        to_json(content, indent=None),
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
