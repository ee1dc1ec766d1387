"""Makes a new store beside the old one, compares the two, and changes their places.

The old store is only read, and held so that nobody writes to it; questions are answered from it
meanwhile. Changing places is one rename: whoever opens the store finds the old or the new one.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from lineseal.consumers.entries import start_entry
from lineseal.consumers.memory import Memory
from lineseal.consumers.merkle_log import append_entries
from lineseal.consumers.rebuild.compare import FROM_LOG, Difference, adopt_log, compare, take_over
from lineseal.consumers.rebuild.plan import Plan
from lineseal.consumers.rebuild.replay import Replay, Replayed
from lineseal.consumers.rebuild.spool import Spool
from lineseal.consumers.store import Store, store_config, translated
from lineseal.schemas.errors import StoreBusy, StoreError
from lineseal.schemas.ids import now_us
from lineseal.signing.checkpoint import Checkpoint
from lineseal.signing.keyring import Keyring
from lineseal.transport.base import LogReader

_REASON = "the store could not be opened: 'lineseal rebuild' made it anew"
Advance = Callable[[int, int], None]
"""Called with what is done and what there is in all."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """Say what a rebuild found and did.

    Attributes:
        replayed: What the replay met.
        differences: How each table compares; empty when there was no store to compare with.
        replaced: The new store is in place.
        kept: Where the old one is now, or the new one that is not in place.

    """

    replayed: Replayed
    differences: tuple[Difference, ...] = ()
    replaced: bool = False
    kept: Path | None = None

    @property
    def equal(self) -> bool:
        """Tell whether the log gives what the old store had, and nothing else."""
        seen = self.replayed
        same = not any(each.only_old or each.only_new for each in self.differences)
        return same and not (seen.lost or seen.refused_then or seen.never_seen)


@dataclass(frozen=True, kw_only=True)
class Rebuild:
    """Makes one store anew.

    Attributes:
        path: The store.
        deployment: Whose it is.
        memory_limit: Memory DuckDB may use, with its unit.
        reader: The log.
        keyring: The keyring of now.
        clock: Gives microseconds UTC.

    """

    path: Path
    deployment: str
    memory_limit: str
    reader: LogReader
    keyring: Keyring
    clock: Callable[[], int] = now_us
    _memory: Memory = field(init=False)

    def __post_init__(self) -> None:
        """Find the file beside the store."""
        object.__setattr__(self, "_memory", Memory(self.path))

    def prove(self, advance: Advance, *, check: bool, keep: bool, force: bool) -> Rebuilt:
        """Make a new store as the old one was made, compare them, and replace the old one.

        Args:
            advance: Told how far it is.
            check: Only compare.
            keep: Keep the old store beside the new one also when they are equal.
            force: Replace it also when they differ; then it is always kept.

        Raises:
            StoreBusy: Somebody writes to the old store.
            StoreError: It is damaged inside, or the new one cannot be written.
            LogError: The log cannot be read.

        """
        with self._cleared(), _attached(self.path, self.memory_limit) as both:
            plan = Plan(both)
            with Spool(self._spool, self.reader) as spool, self._new_store() as store:
                done = 0

                def progress(units: int) -> None:
                    nonlocal done
                    done += units
                    advance(done, plan.entries)

                replay = self._replay(store, remember=not check)
                replayed = replay.repeat(plan, spool, self.clock, progress)
            with translated(self.path):
                both.execute(f"ATTACH '{_quoted(self._new)}' AS new")
                take_over(both, self.keyring.settled)
                differences = tuple(compare(both, table) for table in FROM_LOG)
                adopt_log(both)
                both.execute("DETACH new")
            rebuilt = Rebuilt(replayed, differences)
            if check:
                return rebuilt
            if not rebuilt.equal and not force:
                other = self._beside("different")
                self._new.replace(other)
                return replace(rebuilt, kept=other)
            kept = self._replace_old(keep=keep or not rebuilt.equal)
            return replace(rebuilt, replaced=True, kept=kept)

    def restore(self, advance: Advance, follows: Checkpoint | None = None) -> Rebuilt:
        """Make the store anew without the old one, which is kept if there is one.

        Its log of what was decided is another one, and says so when it *follows* one that was
        signed outside.
        """
        with self._cleared():
            with self._new_store() as store:
                replay = self._replay(store, remember=True)
                with Spool(self._spool, self.reader, replay.seen_at) as spool:
                    done, total = 0, spool.read_all()

                    def progress(units: int) -> None:
                        nonlocal done
                        done += units
                        advance(done, total)

                    if follows is not None:
                        self._begin_log(store, follows, spool.times())
                    replayed = replay.restore(spool, self.clock, progress)
            kept = self._replace_old(keep=True) if self.path.exists() else None
            if kept is None:
                self._new.replace(self.path)
            return Rebuilt(replayed, replaced=True, kept=kept)

    def _begin_log(self, store: Store, follows: Checkpoint, times: Sequence[int | None]) -> None:
        known = [time for time in times if time is not None]
        # Before everything that follows, whose times are old ones.
        at = min(known, default=self.clock()) - 1
        with store.transaction() as connection:
            append_entries(connection, [start_entry(follows, _REASON, at)])

    @property
    def _new(self) -> Path:
        return self.path.with_name(f"{self.path.stem}.rebuilding{self.path.suffix}")

    @property
    def _spool(self) -> Path:
        return self.path.with_name(f"{self.path.stem}.rebuilding.sqlite")

    def _beside(self, what: str) -> Path:
        now = dt.datetime.fromtimestamp(self.clock() / 1e6, dt.UTC)
        return self.path.with_name(
            f"{self.path.stem}.{what}-{now:%Y%m%dT%H%M%SZ}{self.path.suffix}"
        )

    @contextlib.contextmanager
    def _cleared(self) -> Generator[None]:
        """Remove what an interrupted rebuild left, and what this one leaves."""
        self._clear()
        try:
            yield
        finally:
            self._clear()
            self._memory.close()

    def _clear(self) -> None:
        for path in (self._new, _wal(self._new), self._spool):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise StoreError(f"cannot remove {path}: {error.strerror}") from error

    def _new_store(self) -> Store:
        return Store(self._new, deployment=self.deployment, memory_limit=self.memory_limit)

    def _replay(self, store: Store, *, remember: bool) -> Replay:
        return Replay(store, self._memory, self.keyring, self.deployment, remember=remember)

    def _replace_old(self, *, keep: bool) -> Path | None:
        """Put the new store in the place of the old one; return where that is, if kept."""
        wal, kept = _wal(self.path), None
        try:
            if keep:
                kept = self._beside("before")
                os.link(self.path, kept)
                if wal.exists():
                    os.link(wal, _wal(kept))
            # A write-ahead log of the old store must never meet the new one.
            wal.unlink(missing_ok=True)
            self._new.replace(self.path)
            _sync_folder(self.path.parent)
        except OSError as error:
            raise StoreError(f"cannot replace {self.path}: {error.strerror}") from error
        return kept


@contextlib.contextmanager
def _attached(path: Path, memory_limit: str) -> Generator[duckdb.DuckDBPyConnection]:
    """Open the old store as ``old``, read-only: nobody can write to it, all can read."""
    with translated(path):
        connection = duckdb.connect(":memory:", config=store_config(path, memory_limit))
        try:
            connection.execute(f"ATTACH '{_quoted(path)}' AS old (READ_ONLY)")
            if _wal(path).exists():
                raise StoreBusy(f"somebody wrote to {path} just now; run the command again")
            yield connection
        finally:
            connection.close()


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
