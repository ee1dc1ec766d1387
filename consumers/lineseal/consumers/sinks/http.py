"""Posts bodies to an HTTP receiver and turns everything that can happen into an answer.

Redirects are never followed (a log-in page that answers 200 is no receiver), nothing is retried
here, certificates are always verified. Credentials go into headers only and never into a text.
"""

from __future__ import annotations

import contextlib
import email.utils
import gzip
import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import urllib3

from lineseal.consumers.forward.text import line
from lineseal.consumers.sinks.base import MAX_DETAIL, Receipt, park, retry
from lineseal.consumers.sinks.tls import tls_receipt
from lineseal.schemas.errors import ConfigurationError

_MAX_ANSWER = 32 * 1024 * 1024
_LONGEST_RETRY_AFTER = 3600.0
_PASSES = frozenset({408, 425, 429, 500, 502, 503, 504})
_WRONG = frozenset({401, 403, 404, 405, 407, 410, 415})


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """Hold what a receiver answered."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object; empty when it is none."""
        with contextlib.suppress(ValueError, RecursionError):
            found = json.loads(self.body)
            if isinstance(found, dict):
                return cast("dict[str, Any]", found)
        return {}

    @property
    def text(self) -> str:
        """Return the start of the body, fit to be shown."""
        return line(self.body[: 4 * MAX_DETAIL].decode("utf-8", "backslashreplace"), MAX_DETAIL)

    @property
    def retry_after(self) -> float | None:
        """Return the seconds the receiver asks us to wait."""
        value = self.headers.get("retry-after", "")
        if value.isdigit():
            return min(float(value[:9]), _LONGEST_RETRY_AFTER)
        try:
            moment = email.utils.parsedate_to_datetime(value)
        except (TypeError, ValueError):
            return None
        return min(max(moment.timestamp() - time.time(), 0.0), _LONGEST_RETRY_AFTER)


class HttpClient:
    """Talks to one receiver."""

    def __init__(
        self,
        url: str,
        *,
        timeout: float,
        context: ssl.SSLContext | None,
        headers: Callable[[], Mapping[str, str]],
    ) -> None:
        """Prepare; *headers* gives credentials anew for every request.

        Raises:
            ConfigurationError: The URL is none, or carries credentials.

        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigurationError("url must be https://HOST[:PORT]")
        if parts.username or parts.password:
            raise ConfigurationError("url must not carry credentials: use token or password")
        self.where = f"{parts.scheme}://{parts.hostname}:{parts.port or ''}".rstrip(":")
        self._base = url.rstrip("/")
        self._headers = headers
        self._pool = urllib3.PoolManager(
            ssl_context=context,
            timeout=urllib3.Timeout(connect=timeout, read=timeout),
            retries=False,
            maxsize=1,
        )

    def call(
        self, method: str, path: str, body: bytes | None, content_type: str, *, zipped: bool = False
    ) -> HttpAnswer | Receipt:
        """Return the answer, or the receipt of why there is none."""
        try:
            headers = {**self._headers(), "content-type": content_type}
            if zipped and body is not None:
                body = gzip.compress(body, 5)
                headers["content-encoding"] = "gzip"
            answer = self._pool.request(
                method,
                self._base + path,
                body=body,
                headers=headers,
                redirect=False,
                preload_content=False,
            )
            try:
                data = answer.read(_MAX_ANSWER, decode_content=True)
            finally:
                answer.drain_conn()
                answer.release_conn()
        except ConfigurationError as error:
            return park(str(error))
        except urllib3.exceptions.HTTPError as error:
            return self._failure(error)
        except OSError as error:
            return tls_receipt(error, self.where)
        return HttpAnswer(
            status=answer.status,
            body=data or b"",
            headers={name.lower(): value for name, value in answer.headers.items()},
        )

    def judge(self, answer: HttpAnswer) -> Receipt | None:
        """Return what follows from the status alone; None when the receiver's own rules decide."""
        if 200 <= answer.status < 300 or answer.status in (400, 413, 422):
            return None
        said = f"{self.where} answers {answer.status}: {answer.text}"
        if answer.status in _PASSES or (answer.status >= 500 and answer.status != 501):
            return retry(said, status=answer.status, after=answer.retry_after)
        if answer.status in _WRONG or 300 <= answer.status < 400 or answer.status == 501:
            return park(said, status=answer.status)
        return None

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _failure(self, error: urllib3.exceptions.HTTPError) -> Receipt:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLError):
                return tls_receipt(cause, self.where)
            inner = cause.args[0] if cause.args and isinstance(cause.args[0], Exception) else None
            cause = inner or cause.__cause__
        return retry(f"{self.where}: {type(error).__name__}")
