"""Keeps what was refused: in the log's topic ``rejects``, with the reason and the text as it came.

Only what a client with a token sends is kept, and only so much of it: who sends nothing but
rubbish must not fill the disk. What is over that is counted and logged.
"""

from __future__ import annotations

import hashlib
import json
import time

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
_MINUTE = 60.0
_BYTES_PER_MINUTE = 8 * 1024 * 1024
_RECORDS_PER_MINUTE = 600


class RejectLog:
    """Writes refused texts; used from one thread. Nothing here raises."""

    def __init__(self, home: Home, settings: Settings, log: ServiceLog) -> None:
        """Write to the log of *home*, opened at the first refusal."""
        self._home, self._settings, self._log = home, settings, log
        self._writer: LogWriter | None = None
        self._since = time.monotonic()
        self._bytes = self._records = self._left_out = 0

    def add(self, text: bytes, reason: str, token: str) -> None:
        """Keep one refused text of a token's owner."""
        self._log.info("refused an event", token=token, reason=reason[:_MAX_DETAIL])
        if not self._has_room(len(text)):
            return
        try:
            if self._writer is None:
                self._writer = open_writer(
                    self._settings.log.url, self._home, topic=REJECTS_TOPIC, name=STREAM
                )
            self._writer.append(STREAM, to_reject_record(text, reason, token))
        except LinesealError as error:
            self._log.warning("a refused event is not kept", code=error.code, reason=str(error))
            self.close()

    def close(self) -> None:
        """Close the log; calling it twice is fine."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.flush(2.0)
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


def to_reject_record(text: bytes, reason: str, token: str) -> bytes:
    """Render one line of JSON, then the text, cut when both do not fit one record.

    The line has the fields of what the materialiser rejects; those that mean nothing here are null.
    """
    kept = text[: MAX_RECORD_BYTES - _HEAD_ROOM_BYTES]
    head = {
        "format": 1,
        "reject_id": None,
        "code": InvalidDocument.code,
        "detail": reason[:_MAX_DETAIL],
        "stream": STREAM,
        "position": None,
        "log_key": token,
        "producer": None,
        "epoch": None,
        "batch_seq": None,
        "event_index": None,
        "raw_sha256": hashlib.sha256(text).hexdigest(),
        "logged_at": None,
        "ingest_time": now_us(),
        "raw_bytes": len(text),
        "truncated": len(kept) < len(text),
    }
    return json.dumps(head).encode() + b"\n" + kept
