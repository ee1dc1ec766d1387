"""Tells the outside what the store has taken in, and what it has refused.

After a commit: refused records go to the topic ``rejects``, a signed receipt with how far each
producer's epochs have come to the topic ``receipts``, and checkpoints of the store's log to the
topic ``checkpoints``. All are read from the store and remembered in it once the log has them, so a
kill costs a repetition, never a record. No failure here stops the materialiser: it is a warning,
and the next turn tries again.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from lineseal.consumers.logs import get_logger
from lineseal.consumers.receipt_source import heads_since, newest_commit
from lineseal.consumers.reject_record import refused_since, to_reject_record
from lineseal.consumers.report import StepReport
from lineseal.consumers.store import Store, write_fact
from lineseal.schemas.errors import LinesealError, LogError
from lineseal.schemas.ids import now_us
from lineseal.signing.receipt import MAX_HEADS, Receipt, sign_receipt
from lineseal.signing.signers import KeySigner
from lineseal.transport.backoff import Backoff
from lineseal.transport.base import CHECKPOINTS_TOPIC, RECEIPTS_TOPIC, REJECTS_TOPIC, LogWriter

REJECTS_PUBLISHED = "rejects_published"
"""Store fact: number of the next reject to publish."""
RECEIPTS_PUBLISHED = "receipts_published"
"""Store fact: ingest time of the newest batch that a receipt covers, microseconds."""
CHECKPOINTS_PUBLISHED = "checkpoints_published"
"""Store fact: entries of the log that the newest published checkpoint covers."""
INTERVAL_SECONDS = 2.0
"""While the log has more, receipts are published at most this often."""
_FLUSH_SECONDS = 5.0
_MAX_REJECTS = 64
_FIRST_PAUSE_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 60.0


class Publisher:
    """Publishes for one store. Not safe to share between threads; close it."""

    def __init__(
        self,
        store: Store,
        deployment: str,
        open_topic: Callable[[str], LogWriter],
        signer: KeySigner | None,
    ) -> None:
        """Publish what is in *store*.

        Args:
            store: The materialiser's.
            deployment: Whose store it is.
            open_topic: Opens a topic of the log by its name without prefix.
            signer: Signs receipts; None publishes none.

        """
        self._store = store
        self._deployment = deployment
        self._open_topic = open_topic
        self._signer = signer
        self._writers: dict[str, LogWriter] = {}
        self._backoff = Backoff(_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
        self._due = True  # a killed predecessor may have left something
        self._not_before = 0.0
        self._failed = False

    def after_step(self, report: StepReport) -> None:
        """Publish what a step brought; with nothing new, what is left over."""
        self._due = self._due or not report.idle
        if self._due and time.monotonic() >= self._not_before:
            self.publish(quick=not report.idle)

    def wake(self) -> None:
        """Say that there is something to publish that no step brought."""
        self._due = True

    def publish(self, *, quick: bool = False) -> bool:
        """Publish everything that was not; return whether the log has all of it.

        With *quick* the next turn is some time off, so that a busy materialiser goes on.
        """
        try:
            self._publish_rejects()
            self._publish_receipts()
            self._publish_checkpoints()
        except LinesealError as error:
            get_logger().warning("cannot publish yet", code=error.code, reason=str(error))
            self._close_writers()
            self._not_before = time.monotonic() + self._backoff.pause()
            self._failed = True
            return False
        self._failed = False
        self._backoff.reset()
        self._due = quick
        self._not_before = time.monotonic() + INTERVAL_SECONDS if quick else 0.0
        return True

    def close(self) -> None:
        """Close the log's writers."""
        self._close_writers()

    def __enter__(self) -> Self:
        """Return the publisher itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Publish what was put off, unless that just failed or the block did, and close."""
        if error is None and self._due and not self._failed:
            self.publish()
        self.close()

    def _publish_rejects(self) -> None:
        start = int(self._store.fact(REJECTS_PUBLISHED) or 0)
        while True:
            refused = refused_since(self._store.connection, start, _MAX_REJECTS)
            if not refused:
                return
            writer = self._writer(REJECTS_TOPIC)
            for each in refused:
                writer.append(self._deployment, to_reject_record(each))
            start = refused[-1].reject_id + 1
            self._finish(writer, REJECTS_TOPIC, REJECTS_PUBLISHED, start)

    def _publish_receipts(self) -> None:
        if self._signer is None:
            return
        since = int(self._store.fact(RECEIPTS_PUBLISHED) or -1)
        newest = newest_commit(self._store.connection)
        if newest <= since:
            return
        heads = heads_since(self._store.connection, since)
        writer = self._writer(RECEIPTS_TOPIC)
        for first in range(0, len(heads), MAX_HEADS):
            some = tuple(heads[first : first + MAX_HEADS])
            receipt = Receipt(self._deployment, now_us(), some)
            writer.append(self._deployment, sign_receipt(receipt, self._signer))
        self._finish(writer, RECEIPTS_TOPIC, RECEIPTS_PUBLISHED, newest)

    def _publish_checkpoints(self) -> None:
        since = int(self._store.fact(CHECKPOINTS_PUBLISHED) or 0)
        notes = self._store.connection.execute(
            "SELECT tree_size, note FROM checkpoint WHERE tree_size > ? ORDER BY tree_size", [since]
        ).fetchall()
        if not notes:
            return
        writer = self._writer(CHECKPOINTS_TOPIC)
        for _, note in notes:
            writer.append(self._deployment, note.encode())
        self._finish(writer, CHECKPOINTS_TOPIC, CHECKPOINTS_PUBLISHED, notes[-1][0])

    def _finish(self, writer: LogWriter, topic: str, fact: str, value: int) -> None:
        left = writer.flush(_FLUSH_SECONDS)
        if left:
            raise LogError(f"{left} records for {topic} were not acknowledged yet")
        with self._store.transaction() as connection:
            write_fact(connection, fact, str(value))

    def _writer(self, topic: str) -> LogWriter:
        if topic not in self._writers:
            self._writers[topic] = self._open_topic(topic)
        return self._writers[topic]

    def _close_writers(self) -> None:
        while self._writers:
            _, writer = self._writers.popitem()
            with contextlib.suppress(LogError):
                writer.close()
