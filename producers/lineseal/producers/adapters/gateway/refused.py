"""Shows what the gateway refused, in the shape in which the store's rejects are shown."""

from __future__ import annotations

from typing import Any

from lineseal.producers.adapters.reception import open_ledger
from lineseal.settings import Home, Settings
from lineseal.signing.times import format_time


def refused_documents(
    home: Home, settings: Settings, *, code: str | None, prefix: str, most: int
) -> list[dict[str, Any]]:
    """Return refused documents, the newest first; their bytes too where a prefix is given.

    Args:
        home: The home.
        settings: Its settings.
        code: Only with this code; None for all.
        prefix: Only with a SHA-256 that starts with these hex characters.
        most: At most so many.

    Raises:
        LogError: The file of documents cannot be read.

    """
    if not home.resolve(settings.gateway.documents).exists():
        return []
    with open_ledger(home, settings) as ledger:
        return [
            {
                "id": each.sha256,
                "code": each.code,
                "detail": each.detail,
                "producer": None,
                "log_key": each.sender,
                "epoch": None,
                "batch_seq": None,
                "event_index": None,
                "stream": each.stream,
                "position": each.position,
                "size_bytes": each.size_bytes,
                "logged_at": None,
                "ingest_time": format_time(each.at),
                "retried_at": None,
                "outcome": None,
                **({"raw": (ledger.read(each.sha256) or b"").hex()} if prefix else {}),
            }
            for each in ledger.refusals(code=code, prefix=prefix, most=most)
        ]
