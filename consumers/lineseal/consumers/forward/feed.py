"""The feed: one numbered series of documents, and each sink's place in it.

Promises: ``feed_seq`` counts from 1 without holes; a ``uid`` is in it once, also after the store
was rebuilt; a sink's watermark is contiguous, so it never passes a record that is neither
confirmed nor a dead letter; everything is durable before a method returns.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lineseal.consumers.forward.feed_schema import connect
from lineseal.consumers.forward.ocsf import Document, stamped
from lineseal.consumers.sinks.base import Receipt
from lineseal.schemas.errors import FeedError, ForwarderBusy
from lineseal.transport.embedded.lock import HeldLock, try_lock

FILE_NAME = "forward.sqlite"
LOCK_NAME = "forward.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRecord:
    """One record of the feed; ``document`` is stamped with its place. Times are microseconds."""

    seq: int
    uid: str
    kind: str
    added_at: int
    document: Document


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkState:
    """Say how one sink stands; ``oldest_at`` is when its oldest waiting record was added."""

    name: str
    confirmed: int
    parked: str | None
    parked_at: int | None
    trouble: str | None
    sent: int
    retried: int
    dead: int
    duplicates: int
    waiting: int
    oldest_at: int | None
    confirmed_at: int | None


class Feed:
    """Opens the forwarder's file of one home. Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Open *path*, made when it is not there.

        Raises:
            FeedError: It cannot be opened or understood.

        """
        self._connection = connect(path)
        self._lock = threading.RLock()
        self._held: HeldLock | None = None
        self.path = path
        self.feed_id = str(self._one("SELECT feed_id FROM feed"))

    def claim(self) -> None:
        """Become the only forwarder of this home until ``close``.

        Raises:
            ForwarderBusy: Another process is.

        """
        lock = try_lock(self.path.with_name(LOCK_NAME))
        if lock is None:
            raise ForwarderBusy(f"another forwarder ships from {self.path.parent}; one is enough")
        self._held = lock

    def close(self) -> None:
        """Close the file; calling it twice is fine."""
        held, self._held = self._held, None
        self._connection.close()
        if held is not None:
            held.release()

    @property
    def head(self) -> int:
        """Return the number of the newest record; 0 when there is none."""
        return int(str(self._one("SELECT coalesce(max(feed_seq), 0) FROM record")))

    def position(self, source: str) -> tuple[int, str]:
        """Return how far *source* was read and what stood there; (-1, "") at the start."""
        with self._guarded() as db:
            row = db.execute("SELECT position, mark FROM source WHERE name = ?", (source,))
            found = row.fetchone()
        return (-1, "") if found is None else (int(found[0]), str(found[1]))

    def append(
        self,
        documents: Iterable[tuple[str, Document]],
        now: int,
        *,
        source: str | None = None,
        position: int = -1,
        mark: str = "",
    ) -> int:
        """Add (kind, document) pairs whose uid is new, and move *source* on; return how many."""
        with self._transaction() as db:
            before = seq = self.head
            for kind, document in documents:
                row = (seq + 1, document["metadata"]["uid"], kind, now, json.dumps(document))
                added = db.execute("INSERT OR IGNORE INTO record VALUES (?, ?, ?, ?, ?)", row)
                seq += added.rowcount
            if source is not None:
                db.execute(
                    "INSERT OR REPLACE INTO source VALUES (?, ?, ?)", (source, position, mark)
                )
        return seq - before

    def batch(self, sink: str, limit: int) -> list[FeedRecord]:
        """Return at most *limit* records behind the watermark of *sink*, in order."""
        with self._guarded() as db:
            rows = db.execute(
                "SELECT feed_seq, uid, kind, added_at, document FROM record"
                " WHERE feed_seq > (SELECT confirmed FROM sink WHERE name = ?)"
                " AND document IS NOT NULL ORDER BY feed_seq LIMIT ?",
                (sink, limit),
            ).fetchall()
        return [self._record(row) for row in rows]

    def redrivable(self, sink: str, limit: int) -> list[FeedRecord]:
        """Return dead letters of *sink* that somebody asked to send again."""
        with self._guarded() as db:
            rows = db.execute(
                "SELECT feed_seq, record.uid, kind, added_at, document FROM dead_letter"
                " JOIN record USING (feed_seq) WHERE sink = ? AND redrive = 1"
                " ORDER BY feed_seq LIMIT ?",
                (sink, limit),
            ).fetchall()
        return [self._record(row) for row in rows]

    def register(self, sink: str) -> int:
        """Make sure that *sink* has a place and return its watermark.

        A new sink starts at the oldest record whose document is still here.
        """
        with self._transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO sink(name, confirmed) SELECT ?, coalesce(max(feed_seq), 0)"
                " FROM record WHERE document IS NULL",
                (sink,),
            )
            found = db.execute("SELECT confirmed FROM sink WHERE name = ?", (sink,)).fetchone()
            return int(found[0])

    def settle(
        self, sink: str, up_to: int, now: int, *, sent: int, duplicates: int, retried: int
    ) -> None:
        """Move the watermark of *sink* to *up_to* and count what happened on the way."""
        with self._transaction() as db:
            db.execute(
                "UPDATE sink SET confirmed_at = CASE WHEN ?1 > confirmed OR ?3 > 0 THEN ?2"
                " ELSE confirmed_at END, confirmed = max(confirmed, ?1), sent = sent + ?3,"
                " duplicates = duplicates + ?4, retried = retried + ?5 WHERE name = ?6",
                (up_to, now, sent, duplicates, retried, sink),
            )

    def bury(
        self, sink: str, record: FeedRecord, receipt: Receipt, attempts: int, now: int
    ) -> None:
        """Keep a record that *sink* refuses as a dead letter; its document stays."""
        with self._transaction() as db:
            db.execute(
                "INSERT INTO dead_letter VALUES (?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT DO UPDATE SET"
                " attempts = attempts + excluded.attempts, status = excluded.status,"
                " error = excluded.error, redrive = 0",
                (sink, record.seq, record.uid, now, attempts, receipt.status, receipt.detail),
            )
            db.execute("UPDATE sink SET dead = dead + 1 WHERE name = ?", (sink,))

    def revived(self, sink: str, seq: int) -> None:
        """Forget a dead letter that the sink took after all."""
        with self._transaction() as db:
            db.execute("DELETE FROM dead_letter WHERE sink = ? AND feed_seq = ?", (sink, seq))

    def redrive(self, sink: str) -> int:
        """Ask for the dead letters of *sink* to be sent again; return how many there are."""
        with self._transaction() as db:
            return db.execute("UPDATE dead_letter SET redrive = 1 WHERE sink = ?", (sink,)).rowcount

    def park(self, sink: str, reason: str, now: int) -> bool:
        """Stop *sink*; return True when it was not parked before."""
        with self._transaction() as db:
            changed = db.execute(
                "UPDATE sink SET parked = ?, parked_at = ? WHERE name = ? AND parked IS NULL",
                (reason, now, sink),
            )
            return changed.rowcount == 1

    def unpark(self, sink: str) -> None:
        """Let *sink* go on."""
        with self._transaction() as db:
            db.execute("UPDATE sink SET parked = NULL, parked_at = NULL WHERE name = ?", (sink,))

    def note_trouble(self, sink: str, reason: str | None) -> None:
        """Remember why *sink* does not get on, or that it does again (None)."""
        with self._transaction() as db:
            db.execute("UPDATE sink SET trouble = ? WHERE name = ?", (reason, sink))

    def states(self) -> list[SinkState]:
        """Return how every sink stands that ever had a place, by name."""
        with self._guarded() as db:
            rows = db.execute(
                "SELECT name, confirmed, parked, parked_at, trouble, sent, retried,"
                " (SELECT count(*) FROM dead_letter WHERE sink = name), duplicates,"
                " (SELECT count(*) FROM record WHERE feed_seq > confirmed),"
                " (SELECT added_at FROM record WHERE feed_seq = confirmed + 1), confirmed_at"
                " FROM sink ORDER BY name"
            ).fetchall()
        names = tuple(SinkState.__dataclass_fields__)
        return [SinkState(**dict(zip(names, row, strict=True))) for row in rows]

    def uids(self, first: int, last: int) -> list[tuple[int, str]]:
        """Return number and uid of the records *first* to *last*, both included."""
        with self._guarded() as db:
            found = db.execute(
                "SELECT feed_seq, uid FROM record WHERE feed_seq BETWEEN ? AND ? ORDER BY feed_seq",
                (first, last),
            ).fetchall()
        return [(int(seq), str(uid)) for seq, uid in found]

    def newest(self, kind: str) -> FeedRecord | None:
        """Return the newest record of *kind* whose document is still here."""
        with self._guarded() as db:
            row = db.execute(
                "SELECT feed_seq, uid, kind, added_at, document FROM record"
                " WHERE kind = ? AND document IS NOT NULL ORDER BY feed_seq DESC LIMIT 1",
                (kind,),
            ).fetchone()
        return None if row is None else self._record(row)

    def prune(self, sinks: Sequence[str], before: int) -> int:
        """Forget documents added before *before* that all *sinks* have; return how many."""
        if not sinks:
            return 0
        with self._transaction() as db:
            return db.execute(
                "UPDATE record SET document = NULL WHERE document IS NOT NULL AND added_at < ?"
                " AND feed_seq <= (SELECT min(confirmed) FROM sink"
                "                  WHERE name IN (SELECT value FROM json_each(?)))"
                " AND feed_seq NOT IN (SELECT feed_seq FROM dead_letter)"
                " AND feed_seq <> (SELECT coalesce(max(feed_seq), 0) FROM record"
                "                  WHERE kind = 'manifest')",
                (before, json.dumps(list(sinks))),
            ).rowcount

    def _record(self, row: Sequence[object]) -> FeedRecord:
        seq, uid, kind, added_at, document = row
        return FeedRecord(
            seq=int(str(seq)),
            uid=str(uid),
            kind=str(kind),
            added_at=int(str(added_at)),
            document=stamped(json.loads(str(document)), self.feed_id, int(str(seq))),
        )

    def _one(self, statement: str) -> object:
        with self._guarded() as db:
            return db.execute(statement).fetchone()[0]

    @contextmanager
    def _guarded(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise FeedError(f"cannot use {self.path}: {error}") from error

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        with self._guarded() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
