"""What a client is told when its request is not taken: a status, a stable code, a reason."""

from __future__ import annotations

import json
from typing import Any


class Refusal(Exception):
    """Carries the answer to a request that is not taken, up to where it is sent.

    Attributes:
        status: The HTTP status.
        code: A stable word.
        reason: A sentence for the client's log.
        retry_after: Seconds after which to send the same again; None when that is no use.

    """

    def __init__(
        self, status: int, code: str, reason: str, *, retry_after: int | None = None
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.code = code
        self.reason = reason
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers to send with it; the rest of the request is not waited for."""
        headers = {"connection": "close"}
        if self.retry_after is not None:
            headers["retry-after"] = str(self.retry_after)
        if self.status == 401:
            headers["www-authenticate"] = "Bearer"
        return headers

    def to_json(self) -> bytes:
        """Return the body to send."""
        said: dict[str, Any] = {"status": "error", "code": self.code, "reason": self.reason}
        return json.dumps(said).encode()
