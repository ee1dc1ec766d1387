"""Keeps what was refused, with the reason and the text as it came.

It is kept twice: beside the documents, where ``lineseal rejects`` finds it, and in the log's topic
``rejects``, for others.

Only what a client with a token sends, or a topic holds, is kept, and only so much of it: who sends
nothing but rubbish must not fill the disk. What is over that is counted and logged.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass

from lineseal.producers.adapters.gateway.telemetry import REFUSED, count
from lineseal.producers.adapters.openlineage.kept import Refusal
from lineseal.producers.adapters.openlineage.ledger import Ledger
from lineseal.schemas.errors import InvalidDocument, LinesealError
from lineseal.schemas.ids import now_us
from lineseal.schemas.limits import MAX_RECORD_BYTES
from lineseal.services import ServiceLog
from lineseal.settings import Home, Settings
from lineseal.transport.base import REJECTS_TOPIC, LogWriter
from lineseal.transport.open import open_writer

STREAM = "gateway"
_HEAD_ROOM_BYTES = 24 * 1024
_MAX_DETAIL = 2000
_FLUSH_SECONDS = 2.0
_MINUTE = 60.0
_BYTES_PER_MINUTE = 8 * 1024 * 1024
_RECORDS_PER_MINUTE = 600


@dataclass(frozen=True, slots=True)
class Where:
    """Say how a text came: over HTTP, or as which record of a topic."""

    stream: str
    position: int | None = None


HTTP = Where(STREAM)


class RejectLog:
    """Writes refused texts; used from one thread. Nothing here raises."""

    def __init__(self, home: Home, settings: Settings, log: ServiceLog, ledger: Ledger) -> None:
        """Write to *ledger*, and to the log of *home*, opened at the first refusal."""
        self._home, self._settings, self._log, self._ledger = home, settings, log, ledger
        self._writer: LogWriter | None = None
        self._since = time.monotonic()
        self._bytes = self._records = self._left_out = 0

    def add(
        self,
        text: bytes,
        reason: str,
        sender: str,
        where: Where = HTTP,
        code: str = InvalidDocument.code,
    ) -> None:
        """Keep one refused text of *sender*."""
        refusal = Refusal(
            code, reason[:_MAX_DETAIL], sender, where.stream, where.position, now_us()
        )
        count(REFUSED, 1, {"error.type": code})
        self._log.info(
            "refused an event", sender=sender, reason=refusal.detail, position=where.position
        )
        if not self._has_room(len(text)):
            return
        try:
            self._ledger.refuse(refusal, text)
            if self._writer is None:
                self._writer = open_writer(
                    self._settings.log.url, self._home, topic=REJECTS_TOPIC, name=STREAM
                )
            self._writer.append(STREAM, to_reject_record(text, refusal))
        except LinesealError as error:
            self._log.warning("a refused event is not kept", code=error.code, reason=str(error))
            self.close()

    def flush(self) -> None:
        """Wait some seconds until what was added is durable."""
        left = 0 if self._writer is None else self._writer.flush(_FLUSH_SECONDS)
        if left:
            self._log.warning("refused events are not durable yet", count=left)

    def close(self) -> None:
        """Close the log; calling it twice is fine."""
        self.flush()
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _has_room(self, size: int) -> bool:
        now = time.monotonic()
        if now - self._since >= _MINUTE:
            if self._left_out:
                self._log.warning("refused events were not kept", count=self._left_out)
            self._since, self._bytes, self._records, self._left_out = now, 0, 0, 0
        self._bytes += min(size, MAX_RECORD_BYTES)
        self._records += 1
        fits = self._bytes <= _BYTES_PER_MINUTE and self._records <= _RECORDS_PER_MINUTE
        self._left_out += not fits
        return fits


def to_reject_record(text: bytes, refusal: Refusal) -> bytes:
    """Render one line of JSON, then the text, cut when both do not fit one record.

    The line has the fields of what the materialiser rejects; those that mean nothing here are null.
    """
    kept = text[: MAX_RECORD_BYTES - _HEAD_ROOM_BYTES]
    head = {
        "format": 1,
        "reject_id": None,
        "code": refusal.code,
        "detail": refusal.detail,
        "stream": refusal.stream,
        "position": refusal.position,
        "log_key": refusal.sender,
        "producer": None,
        "epoch": None,
        "batch_seq": None,
        "event_index": None,
        "raw_sha256": hashlib.sha256(text).hexdigest(),
        "logged_at": None,
        "ingest_time": refusal.at,
        "raw_bytes": len(text),
        "truncated": len(kept) < len(text),
    }
    return json.dumps(head).encode() + b"\n" + kept
