"""Keeps pending events and sealed batches so that no crash tears them apart.

One SQLite file, one connection, write-ahead log, ``synchronous=FULL``: what a method here has
committed survives kill -9 and a power cut. Rules: a transaction holds everything that belongs
together; what stands in memory is read again after a transaction that was interrupted; only this
connection writes or checkpoints, readers never do (this avoids SQLite's WAL-reset bug, fixed in
3.51.3). The caller sees to it that one thread at a time is in here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
import zlib
from collections.abc import Generator, Sequence
from typing import Any

from lineseal.schemas.errors import OutboxDamaged
from lineseal.signing.sealer import ChainHead
from lineseal.transport.embedded.faults import to_log_error
from lineseal.transport.embedded.lock import Marks
from lineseal.transport.embedded.macs import FileMacs
from lineseal.transport.embedded.names import OutboxFile
from lineseal.transport.embedded.schema import MAX_POSITION, check_layout, layout_mark
from lineseal.transport.embedded.waiting import Chunk, Newest

_WORTH_BYTES = 1024 * 1024
"""Less unused space is not worth rewriting a file."""


class OutboxDatabase:
    """Owns the connection to one outbox file. Use ``open_database``.

    ``is_authentic`` tells whether this producer wrote what the file said about itself.
    """

    def __init__(
        self, connection: sqlite3.Connection, file: OutboxFile, layout: int, macs: FileMacs
    ) -> None:
        self._connection = connection
        self._file = file
        self._layout = layout
        self._macs = macs
        self._unsure = True
        self._newest = Newest()
        self.is_authentic = True
        # Pending rows up to here are believed no more than the state they were found with.
        self._refused_row = 0
        self.producer = ""
        self.head: ChainHead | None = None
        self.next_position = 0
        # Rows are numbered without gaps and never twice, so that a missing one is noticed.
        self.sealed_row = 0
        self.last_row = 0
        self.pending_bytes = 0
        self.batch_bytes = 0

    @property
    def marks(self) -> Marks:
        """Return how far this database has come."""
        return Marks(self.next_position, self.sealed_row, self.last_row)

    @property
    def pending_count(self) -> int:
        """Return how many accepted events are not in a batch yet."""
        return self.last_row - self.sealed_row

    def refresh(self) -> None:
        """Read what stands in memory again, if a transaction was interrupted.

        Raises:
            LogError: The file cannot be read.

        """
        if not self._unsure:
            return
        self._newest.forget()
        with self._translated():
            self._rollback()
            meta = self._connection.execute(
                "SELECT producer, sealed_row, next_position, batch_bytes, head_epoch,"
                " head_batch_seq, head_sha256, mac FROM meta"
            ).fetchone()
            rows = self._connection.execute(
                "SELECT min(seq), max(seq), coalesce(sum(length(event)), 0) FROM pending"
            ).fetchone()
            last = self._connection.execute("SELECT max(position) FROM batch").fetchone()
        if not _is_sound(meta, (*rows, *last)):
            raise OutboxDamaged(f"{self._file.database} is damaged: numbers are none")
        *said, mac = meta
        if self._is_ours(said, mac):
            self._take(said, rows, last[0])
        else:
            self._distrust(said, rows, last[0])
        self._unsure = False

    def _is_ours(self, said: Sequence[Any], mac: Any) -> bool:
        """Tell whether this producer wrote the file's state; a new file has none yet."""
        producer, sealed_row, next_position, _, *head = said
        fresh = mac is None and not (sealed_row or next_position or any(head))
        return fresh or self._macs.fits_state(mac, producer, sealed_row, next_position, *head)

    def _distrust(self, said: Sequence[Any], rows: Any, last_position: int | None) -> None:
        """Go on behind everything that is there, and believe none of it."""
        first_row, last_row, _ = rows
        sealed_row = said[1] if first_row is None else max(0, first_row - 1)
        known = () if self.head is None else dataclasses.astuple(self.head)
        head = known or (None, None, None)
        self._take((said[0], sealed_row, *said[2:4], *head), rows, last_position)
        self._refused_row = max(self._refused_row, last_row or 0)
        self.is_authentic = False

    def _take(self, meta: Any, rows: Any, last_position: int | None) -> None:
        """Take what the file says; where two places disagree, nothing may be skipped."""
        first_row, last_row, self.pending_bytes = rows
        self.producer, sealed_row, next_position, self.batch_bytes = meta[:4]
        if self._macs.none and first_row is not None:
            sealed_row = min(sealed_row, first_row - 1)
        self.sealed_row = sealed_row
        self.last_row = max(self.last_row, self.sealed_row, last_row or 0)
        self.next_position = max(
            next_position, self.next_position, 0 if last_position is None else last_position + 1
        )
        self.head = None if meta[4] is None else ChainHead(*meta[4:])

    def add_pending(self, events: Sequence[bytes]) -> None:
        """Commit *events* behind those already pending.

        Raises:
            OutboxFull: The disk is full; nothing was added.
            LogError: Any other failure; nothing was added.

        """
        with self._transaction():
            first = self.last_row + 1
            self._connection.executemany(
                "INSERT INTO pending VALUES (?, ?, ?, ?)",
                [
                    (row, zlib.crc32(event), self._macs.of_row(row, event), event)
                    for row, event in enumerate(events, first)
                ],
            )
        self._newest.add(first, events)
        self.last_row += len(events)
        self.pending_bytes += sum(map(len, events))
        self._unsure = False

    def read_pending(self, through: int, max_events: int, max_bytes: int) -> Chunk:
        """Return the oldest pending events up to row *through*, as many as fit one batch."""
        known = self._newest.chunk(self.sealed_row + 1, through, max_events, max_bytes)
        if known is not None and self._count_rows(known.last_row) == known.rows:
            return known
        events: list[bytes] = []
        damaged: list[int] = []
        forged: list[int] = []
        size, last, more = 0, self.sealed_row, False
        # A damaged file may hold values of another type; the casts make them bytes and numbers.
        query = (
            "SELECT seq, CAST(crc AS INTEGER), CAST(mac AS BLOB), CAST(event AS BLOB) FROM pending"
            " WHERE seq <= ? ORDER BY seq LIMIT ?"
        )
        bounds = (through, max_events + 1)
        with (
            self._translated(),
            contextlib.closing(self._connection.execute(query, bounds)) as cursor,
        ):
            for row, crc, mac, event in cursor:
                data = event or b""
                count = len(events) + len(damaged) + len(forged)
                if count == max_events or size + len(data) > max_bytes:
                    more = True
                    break
                size, last = size + len(data), max(last, row)
                if row <= max(self.sealed_row, self._refused_row):
                    forged.append(row)
                elif zlib.crc32(data) != crc:
                    damaged.append(row)
                elif self._macs.fits_row(row, data, mac):
                    events.append(data)
                else:
                    forged.append(row)
        if not more:
            last = max(last, through)
        rows, refused = last - self.sealed_row, (tuple(damaged), tuple(forged))
        return Chunk(tuple(events), size, rows, last, *refused, more)

    def _count_rows(self, through: int) -> int:
        """Return how many rows there are up to *through*: others if somebody changed the file."""
        with self._translated():
            query = "SELECT count(*) FROM pending WHERE seq <= ?"
            return int(self._connection.execute(query, (through,)).fetchone()[0])

    def store_batches(
        self,
        key: str,
        values: Sequence[bytes],
        head: ChainHead | None = None,
        chunk: Chunk | None = None,
    ) -> None:
        """Commit sealed batches, and in the same transaction remove the pending events they hold.

        *chunk* is where those were read; None when what they hold never was pending.

        Raises:
            OutboxFull: The disk is full; nothing changed.
            LogError: Any other failure; nothing changed.

        """
        position = self.next_position + len(values)
        total = self.batch_bytes + sum(map(len, values))
        with self._transaction():
            execute = self._connection.execute
            for at, value in enumerate(values, self.next_position):
                execute("INSERT INTO batch VALUES (?, ?, ?)", (at, key, value))
            if chunk is not None:
                for row in (*chunk.damaged, *chunk.forged):
                    execute("INSERT INTO damaged SELECT * FROM pending WHERE seq = ?", (row,))
                execute("DELETE FROM pending WHERE seq <= ?", (chunk.last_row,))
            self._say_state(
                self.sealed_row if chunk is None else chunk.last_row,
                position,
                total,
                head or self.head,
            )
        self.next_position, self.batch_bytes = position, total
        self.head = head or self.head
        if chunk is not None:
            self._newest.drop(chunk.last_row)
            self.sealed_row = chunk.last_row
            self.pending_bytes -= chunk.size
        self._unsure = False

    def _say_state(self, sealed_row: int, next_position: int, total: int, head: Any) -> None:
        """Write the file's state, authenticated once nothing that is refused is left in it."""
        named = (None, None, None) if head is None else dataclasses.astuple(head)
        clean = sealed_row >= self._refused_row
        mac = self._macs.of_state(self.producer, sealed_row, next_position, *named)
        self._connection.execute(
            "UPDATE meta SET sealed_row = ?, next_position = ?, batch_bytes = ?, head_epoch = ?,"
            " head_batch_seq = ?, head_sha256 = ?, mac = ?",
            (sealed_row, next_position, total, *named, mac if clean else None),
        )

    def prune(self, position: int) -> int:
        """Remove the batches before *position* and return how many there were.

        Raises:
            LogError: The file cannot be written; nothing changed.

        """
        # The last batch stays: what is left then still says how far the file has come.
        position = min(position, self.next_position - 1)
        with self._translated():
            count, size = self._connection.execute(
                "SELECT count(*), coalesce(sum(length(value)), 0) FROM batch WHERE position < ?",
                (position,),
            ).fetchone()
        if not count:
            return 0
        total = max(0, self.batch_bytes - size)
        with self._transaction():
            self._connection.execute("DELETE FROM batch WHERE position < ?", (position,))
            self._connection.execute("UPDATE meta SET batch_bytes = ?", (total,))
        self.batch_bytes = total
        self._unsure = False
        return int(count)

    def compact(self) -> None:
        """Give the disk back what the file no longer needs, once that is most of it.

        Needs room for what is left of it; where there is none the file stays as it is.
        """
        with contextlib.suppress(sqlite3.Error):
            pages, free, size = (
                int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])
                for name in ("page_count", "freelist_count", "page_size")
            )
            if 2 * free > pages and free * size >= _WORTH_BYTES:
                self._connection.execute("VACUUM")

    def catch_up(self, marks: Marks) -> None:
        """Give out no position again that *marks* say was given out, and count what is missing.

        Accepted rows that are neither here nor in a batch stay pending without bytes, so that
        the next batch counts them as lost. Nothing is written: it is the same at the next
        opening, until that batch is.
        """
        self.next_position = max(self.next_position, marks.next_position)
        self.last_row += max(0, marks.last_row - max(self.last_row, marks.sealed_row))

    def close(self) -> None:
        """Close the connection; SQLite moves the write-ahead log into the file if it can."""
        with self._translated():
            self._connection.close()

    @contextlib.contextmanager
    def _transaction(self) -> Generator[None]:
        self.refresh()
        self._unsure = True
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._check_layout()
            yield
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._rollback()
            # SQLite took it all back, so memory is right, unless it contradicts the file. After
            # any other exception (an interrupt) it may have been committed: refresh() will see.
            self._unsure = isinstance(error, sqlite3.IntegrityError)
            raise to_log_error(error, self._file.database) from error
        except BaseException:
            self._rollback()
            raise

    def _check_layout(self) -> None:
        """Check again what the file consists of, if it changed: a trigger would rewrite events."""
        mark = layout_mark(self._connection)
        if mark != self._layout:
            check_layout(self._connection, self._file)
            self._layout = mark

    def _rollback(self) -> None:
        if self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise to_log_error(error, self._file.database) from error


def _is_sound(meta: Any, numbers: tuple[Any, ...]) -> bool:
    """Tell whether values are of the types and within the bounds that a sealer could write."""
    if meta is None:
        return False
    producer, sealed_row, next_position, batch_bytes, epoch, batch_seq, sha256, _ = meta
    texts = (producer,) if epoch is None else (producer, epoch, sha256)
    counts = [sealed_row, next_position, batch_bytes, *(n for n in numbers if n is not None)]
    if epoch is not None:
        counts.append(batch_seq)
    return all(type(text) is str for text in texts) and all(
        type(count) is int and 0 <= count <= MAX_POSITION for count in counts
    )
