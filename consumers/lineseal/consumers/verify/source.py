"""Tells whether the store has something for every record that it read past in the log.

The log still holds what nobody pruned. A record below the store's position must be a batch or a
reject in the store's own log, or be one of these again.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence

import duckdb

from lineseal.consumers.journal import BATCH, REJECT, Entry
from lineseal.consumers.verify.problems import RECORD_NOT_IN_STORE, Problems
from lineseal.schemas.errors import ContractError, LinesealError, LogGap
from lineseal.settings import Home, Settings
from lineseal.signing.frame import decode_frame
from lineseal.transport.base import LogReader
from lineseal.transport.open import open_reader

_RECORDS = 512
_POLL_SECONDS = 2.0


def check_source(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    settings: Settings,
    log: Sequence[tuple[int, Entry]],
    problems: Problems,
    count: Callable[[int], None],
) -> int:
    """Compare the log with the store; *count* is told of records. Return how many were read."""
    positions: dict[str, int] = dict(
        connection.execute("SELECT stream, next_position FROM position").fetchall()
    )
    known = {bytes.fromhex(e.value_sha256) for _, e in log if e.kind in (BATCH, REJECT)}
    headers = {
        bytes.fromhex(header)
        for (header,) in connection.execute("SELECT header_sha256 FROM batch").fetchall()
    }
    try:
        with contextlib.closing(open_reader(settings.log.url, home)) as reader:
            return _read(reader, positions, known, headers, problems, count)
    except LogGap as gap:
        problems.leave_out(f"the log has a gap: {gap}")
    except LinesealError as error:
        problems.leave_out(f"the log itself cannot be read: {error}")
    return 0


def _read(
    reader: LogReader,
    positions: dict[str, int],
    known: set[bytes],
    headers: set[bytes],
    problems: Problems,
    count: Callable[[int], None],
) -> int:
    reader.seek({})
    total = 0
    while records := reader.poll(_RECORDS, _POLL_SECONDS if not total else 0.1):
        for record in records:
            if record.position >= positions.get(record.stream, 0):
                continue
            total += 1
            if hashlib.sha256(record.value).digest() in known:
                continue
            if _header(record.value) not in headers:
                problems.add(
                    RECORD_NOT_IN_STORE,
                    f"{record.stream}:{record.position}",
                    f"the store read past this record of {record.key!r} and has nothing of it",
                )
        count(len(records))
    return total


def _header(value: bytes) -> bytes | None:
    try:
        return hashlib.sha256(decode_frame(value).header).digest()
    except ContractError:
        return None
