"""Makes any text fit the contract: valid UTF-8, at most 8 KiB, and says so when it was cut."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from lineseal.producers.capture.secret_text import redact_text
from lineseal.schemas.limits import MAX_STRING_BYTES

_SCANNED = 8 * MAX_STRING_BYTES


def fit(text: str) -> str:
    """Return *text* as valid UTF-8 of at most 8 KiB.

    What is cut off is replaced by its length and the SHA-256 of the whole text, so that two long
    texts that differ still differ.
    """
    data = text.encode("utf-8", "replace")
    if len(data) <= MAX_STRING_BYTES:
        return data.decode()
    note = f"... [cut: {len(data)} bytes, sha256:{hashlib.sha256(data).hexdigest()}]"
    head = data[: MAX_STRING_BYTES - len(note)].decode("utf-8", "ignore")
    return head + note


def fit_redacted(text: str) -> str:
    """Return *text* redacted, then cut to fit; only its first 64 KiB are looked at."""
    return fit(redact_text(text[:_SCANNED]))


def to_text(value: Any) -> str:
    """Return a parameter's value as text: strings as they are, other values as JSON or ``str``.

    ``True`` is ``true``, 0.10 is ``0.1``, a list is a JSON array.
    """
    if isinstance(value, str):
        return fit(value)
    if value is None or isinstance(value, bool | int | float | list | tuple | dict):
        try:
            return fit(json.dumps(value, ensure_ascii=False, default=str, sort_keys=True))
        except (TypeError, ValueError):
            pass
    return fit(str(value))
