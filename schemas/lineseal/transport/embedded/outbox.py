"""Carries an event from ``emit`` to the log.

``accept`` makes it durable, ``seal_pending`` turns what was accepted into signed, chained
batches, and each batch enters the file in the transaction that takes its events out. A kill at
any moment therefore leaves every accepted event in exactly one place. An opening is an epoch;
one that writes no batch leaves no trace in the chain. Source: DESIGN 2, 4.2, 5.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from lineseal.schemas.errors import (
    LinesealError,
    LogError,
    OutboxForged,
    OutboxFull,
    TooLarge,
)
from lineseal.schemas.ids import now_us
from lineseal.schemas.limits import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, MAX_EVENT_BYTES
from lineseal.schemas.model import BatchFlags, Loss
from lineseal.signing.sealer import Chain, ChainHead, Sealer
from lineseal.transport.embedded.ballast import Ballast
from lineseal.transport.embedded.entrance import Entrance
from lineseal.transport.embedded.filesystem import warn_about
from lineseal.transport.embedded.group import GroupCommit
from lineseal.transport.embedded.ledger import Ledger
from lineseal.transport.embedded.names import make_private_folder
from lineseal.transport.embedded.opening import Opening, claim_file
from lineseal.transport.embedded.voice import LOGGER
from lineseal.transport.embedded.waiting import Chunk, batches_of

DAMAGE_REASON = "damaged on disk"
_WORTH_EVENTS = MAX_BATCH_EVENTS // 2
_WORTH_BYTES = MAX_BATCH_BYTES // 2
"""Fewer events are not sealed at once: many small batches cost whoever reads them."""

_abandoned: list[object] = []
"""Connections a forked child must neither use nor close; kept so that nothing closes them."""


class Outbox:
    """Takes a producer's events and seals them. Safe to share between threads.

    One process, one outbox: a forked child calls ``abandon_after_fork`` and opens its own.
    """

    def __init__(self, opening: Opening, sealer: Sealer, max_bytes: int) -> None:
        """Use ``Outbox.open``."""
        self._file = opening.file
        self._held = opening.lock
        self._reason = opening.reason
        self._missed = opening.missed
        self._sealer = sealer
        self._max_bytes = max_bytes
        self._pid = os.getpid()
        self._closed = False
        # One guards the connection, the other the chain: signing by a remote key service never
        # makes accept() wait.
        self._file_entrance = Entrance()
        self._chain_entrance = Entrance(self._file_entrance)
        self._chain: Chain | None = None
        self._candidate: Chain | None = None
        self._database = opening.database
        self._ballast = Ballast(opening.file.ballast)
        self._ballast.keep()
        self._group = GroupCommit(self._file_entrance, self._room, self._add)

    @classmethod
    def open(cls, folder: Path, producer: str, sealer: Sealer, *, max_bytes: int) -> Self:
        """Open the producer's first free file in *folder*; makes folder and file if need be.

        Args:
            folder: The log folder.
            producer: The name the batches are sealed under.
            sealer: Seals for the same producer.
            max_bytes: Most bytes of pending events and batches; ``accept`` refuses more.

        Raises:
            LogError: The folder or file cannot be made or opened.

        """
        make_private_folder(folder)
        warn_about(folder)
        return cls(claim_file(folder, producer, sealer.row_keys), sealer, max_bytes)

    @property
    def path(self) -> Path:
        """Return the path of the SQLite file."""
        return self._file.database

    @property
    def pending_count(self) -> int:
        """Return how many accepted events are not sealed yet."""
        return self._database.pending_count

    @property
    def is_busy_here(self) -> bool:
        """Return whether this thread is inside, so that its signal handler must not wait."""
        return self._chain_entrance.is_mine or self._file_entrance.is_mine

    def accept(self, events: Sequence[bytes]) -> None:
        """Store encoded events; all of them are durable on return, or none.

        Many at once are sealed here and now where that makes nobody wait; the others stay pending.

        Raises:
            OutboxFull: ``max_bytes`` is reached or the disk is full.
            TooLarge: An event is over 60 KiB.
            LogError: The outbox cannot be written now, is closed, or belongs to another process.

        """
        largest = max(map(len, events), default=0)
        if largest > MAX_EVENT_BYTES:
            raise TooLarge(f"an event is {largest} bytes, more than {MAX_EVENT_BYTES}")
        self._check_mine()
        if events and not self._seal_at_once(events):
            self._group.submit(events)

    def seal_pending(self, *, loss: Loss | None = None, heartbeat: bool = False) -> int:
        """Seal what is pending now and return how many batches were written.

        Args:
            loss: Events that had to be dropped; goes into the first batch, alone if need be.
            heartbeat: Write a batch without events when nothing is pending.

        Raises:
            OutboxFull: The disk is full.
            KeyUnusable: The signer failed.
            LogError: As for ``accept``.

        No batch was written when it raises. What is not sealed stays pending.

        """
        self._check_mine()
        with self._chain_entrance.alone():
            self._check_mine()
            return self._seal_on_ballast(loss, heartbeat=heartbeat, final=False)

    def prune(self, position: int) -> int:
        """Remove the batches before *position*, which the store has, and return how many.

        Raises:
            LogError: As for ``accept``; nothing changed.

        """
        self._check_mine()
        with self._file_entrance.alone():
            return self._database.prune(position)

    def close(self) -> None:
        """Seal what is pending, end the epoch and release the file; calling it twice is fine.

        Raises:
            LogError, KeyUnusable: As for ``finish``.

        """
        self.finish()

    def finish(self) -> int:
        """Close, and return how many batches that wrote.

        Raises:
            LogError, KeyUnusable: Sealing failed. The file is released all the same, and the
                events in it are sealed by the producer's next opening.

        """
        if self._pid != os.getpid():
            self.abandon_after_fork()
        with self._chain_entrance.alone():
            if self._closed:
                return 0
            with self._file_entrance.alone():
                self._closed = True
            try:
                return self._seal_on_ballast(None, heartbeat=False, final=True)
            finally:
                self._ballast.release()
                self._release()

    def abandon_after_fork(self) -> None:
        """Drop everything without touching the file; call it in a forked child.

        The parent keeps its lock and its connection. Waits for nobody: a thread that was
        inside does not exist in the child.
        """
        if not self._closed:
            self._closed = True
            self._held.release()
            _abandoned.append(self._database)
        self._file_entrance = Entrance()
        self._chain_entrance = Entrance(self._file_entrance)

    def __enter__(self) -> Self:
        """Return the outbox itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the outbox."""
        self.close()

    def _room(self) -> int:
        self._check_mine()
        if self._ballast.is_spent:
            raise OutboxFull(f"the disk is full, {self.path} takes no more")
        return self._max_bytes - self._database.pending_bytes - self._database.batch_bytes

    def _add(self, events: Sequence[bytes]) -> None:
        self._database.add_pending(events)
        self._held.note(self._database.marks)

    def _seal_at_once(self, events: Sequence[bytes]) -> bool:
        """Commit *events* as the sealed batches they make; False when they have to be pending.

        Nothing is pending then, so what was accepted before is sealed before. Their rows would be
        written, synced and removed for nothing; they have no numbers either.
        """
        size = sum(map(len, events))
        worth = len(events) >= _WORTH_EVENTS or size >= _WORTH_BYTES
        if not worth or not self._sealer.is_local or self._chain_entrance.is_taken:
            return False
        with self._chain_entrance.alone():
            self._check_mine()
            with self._file_entrance.alone():
                self._database.refresh()
                if self._database.pending_count or size > self._room():
                    return False
            chain = self._current_chain()
            values: list[bytes] = []
            try:
                after = chain or self._new_chain()
                for batch in batches_of(events, MAX_BATCH_EVENTS, MAX_BATCH_BYTES):
                    value, after = self._sealer.seal(after, batch)
                    values.append(value)
            except Exception:  # noqa: BLE001 - the signer is anybody's, and memory may be short
                return False  # pending they are durable, and sealing them is tried again
            return self._commit(values, after, size=size)

    def _check_mine(self) -> None:
        if self._pid != os.getpid():
            raise LogError(f"{self.path} was opened by the parent process; open your own outbox")
        if self._closed:
            raise LogError(f"{self.path} is closed")

    def _seal_on_ballast(self, loss: Loss | None, *, heartbeat: bool, final: bool) -> int:
        """Seal; on a full disk the loss alone, with the space that was kept back for it."""
        try:
            written = self._seal(loss, heartbeat=heartbeat, final=final)
        except OutboxFull:
            if loss is None:
                raise  # what is pending is durable where it is
            self._ballast.release()
            return self._seal(loss, heartbeat=False, final=False, pending=False)
        self._ballast.keep()
        return written

    def _seal(
        self, loss: Loss | None, *, heartbeat: bool, final: bool, pending: bool = True
    ) -> int:
        with self._file_entrance.alone():
            self._database.refresh()
            through = self._database.last_row if pending else self._database.sealed_row
        written = 0
        more = True
        while more:
            with self._file_entrance.alone():
                chunk = self._database.read_pending(through, MAX_BATCH_EVENTS, MAX_BATCH_BYTES)
            more = chunk.more
            ends = final and not more
            chain = self._current_chain()
            due = (
                chunk.rows > 0
                or bool(chunk.forged)
                or loss is not None
                or (heartbeat and not written)
            )
            if not due and not (ends and chain is not None):
                break
            chain = chain or self._new_chain()
            try:
                self._store(chain, chunk, loss, BatchFlags.FINAL if ends else BatchFlags.NONE)
            except LinesealError as error:
                # Once a batch is written the loss is told; raising would have it told again.
                if final or not written:
                    raise
                LOGGER.warning("%s: sealing goes on later: %s", self.path, error)
                break
            written, loss = written + 1, None
        return written

    def _store(self, chain: Chain, chunk: Chunk, loss: Loss | None, flags: BatchFlags) -> None:
        if chunk.gone:
            loss = _with_more(loss, chunk.gone, DAMAGE_REASON)
            LOGGER.warning("%s: %d pending events are damaged or gone", self.path, chunk.gone)
        if chunk.forged:
            loss = _with_more(loss, len(chunk.forged), OutboxForged.code)
            LOGGER.warning(
                "%s: %d pending events were not written by this producer; they are not signed, and"
                " kept in the table 'damaged' [%s]",
                *(self.path, len(chunk.forged), OutboxForged.code),
            )
        value, after = self._sealer.seal(chain, chunk.events, flags=flags, loss=loss)
        self._commit([value], after, chunk)

    def _commit(
        self, values: Sequence[bytes], after: Chain, chunk: Chunk | None = None, size: int = 0
    ) -> bool:
        """Store sealed batches that make the chain *after*; not if *size* bytes are over the cap.

        Others may have accepted events since it was looked at.
        """
        with self._file_entrance.alone():
            if size and size > self._room():
                return False
            self._candidate = after
            self._database.store_batches(self._database.producer, values, _head(after), chunk)
            self._held.note(self._database.marks)
        self._chain, self._candidate = after, None
        if self._missed:
            Ledger(self._file.database.parent).told(self._missed)
            self._missed = ()
        return True

    def _new_chain(self) -> Chain:
        return self._sealer.open_epoch(self._database.head, self._reason)

    def _current_chain(self) -> Chain | None:
        """Return the chain; after a failed store, ask the file whether it was stored."""
        if self._candidate is not None:
            with self._file_entrance.alone():
                self._database.refresh()
                if self._database.head == _head(self._candidate):
                    self._chain = self._candidate
            self._candidate = None
        return self._chain

    def _release(self) -> None:
        with contextlib.ExitStack() as stack:
            stack.callback(self._held.release)
            with self._file_entrance.alone():
                self._database.close()


def _head(chain: Chain) -> ChainHead:
    return ChainHead(chain.epoch, chain.next_batch_seq - 1, chain.head_sha256)


def _with_more(loss: Loss | None, count: int, reason: str) -> Loss:
    now = now_us()
    if loss is None:
        return Loss(count=count, first_at=now, last_at=now, reason=reason)
    return Loss(
        count=loss.count + count,
        first_at=min(loss.first_at, now),
        last_at=max(loss.last_at, now),
        reason=f"{loss.reason}; {reason}",
    )
