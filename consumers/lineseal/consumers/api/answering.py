"""Runs one question beside the writer: on a cursor of its own, bounded in number and in time.

A statement of the user's own runs in a process of its own on a copy of the store, since DuckDB
can neither count nor interrupt all of its memory (``snapshot``, ADR-0010).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self
from weakref import WeakKeyDictionary

import duckdb

from lineseal.commandline.output import Answer
from lineseal.consumers.api.snapshot import Snapshots, copy_into
from lineseal.consumers.graph import GraphKeeper
from lineseal.consumers.store import Store
from lineseal.queries.guarded_sql import SQL, SqlParams, run_sql
from lineseal.queries.held import offered
from lineseal.queries.question import (
    Question,
    Told,
    answer_on,
    find_question,
    params_from_json,
)
from lineseal.queries.remote import COPY, CopyParams
from lineseal.schemas.errors import NotFound, QueryError, StoreBusy, StoreError

MAX_RUNNING = 4
MAX_WAITING = 16
_INTERRUPT_SECONDS = 0.25


class TooMany(Exception):
    """As many questions as may wait are waiting."""


class WrongStore(Exception):
    """The question is about another store than the one this process has open."""


class Answering:
    """Answers questions on the store that *store* gives, if any. Safe to use from any thread."""

    def __init__(
        self,
        store: Callable[[], Store | None],
        *,
        memory_limit: str,
        timeout: float,
        held_edges: int = 0,
    ) -> None:
        """Prepare.

        Args:
            store: Gives the open store, or None when it is not open just now.
            memory_limit: What a statement of the user's own may use, as DuckDB takes it.
            timeout: Seconds a question may take.
            held_edges: Edges of the graph to hold in memory at most.

        """
        self._store = store
        self._memory_limit = memory_limit
        self._timeout = timeout
        self._held_edges = held_edges
        self._keepers: WeakKeyDictionary[Store, GraphKeeper] = WeakKeyDictionary()
        self._snapshots = Snapshots()
        self._places = threading.Semaphore(MAX_RUNNING + MAX_WAITING)
        self._pool = ThreadPoolExecutor(MAX_RUNNING, thread_name_prefix="api")
        self._lock = threading.Lock()
        self._waiting: set[threading.Event] | None = set()

    def submit(
        self, name: str, params: object, store: str | None, given_up: threading.Event
    ) -> Future[Told]:
        """Start answering.

        Args:
            name: The question's, or ``sql``.
            params: Its parameters, as anybody may have written them.
            store: The path the asker means; None for whatever is open here.
            given_up: Set when nobody waits for the answer any more.

        Raises:
            TooMany: Ask again later.

        """
        if not self._places.acquire(blocking=False):
            raise TooMany
        with self._lock:
            if self._waiting is None:
                self._places.release()
                raise TooMany
            self._waiting.add(given_up)
            future = self._pool.submit(self._answer, name, params, store, given_up)

        def done(_: Future[Told]) -> None:
            self._places.release()
            with self._lock:
                if self._waiting is not None:
                    self._waiting.discard(given_up)

        future.add_done_callback(done)
        return future

    def close(self) -> None:
        """Take no more questions, end those that run, and remove copies of the store."""
        with self._lock:
            waiting, self._waiting = self._waiting, None
        for given_up in waiting or ():
            given_up.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._snapshots.close()

    def _answer(
        self, name: str, params: object, path: str | None, given_up: threading.Event
    ) -> Told:
        store = self._store()
        if store is None:
            raise StoreBusy("the store is not open just now; ask again in a moment")
        if path is not None and Path(path).resolve() != store.path.resolve():
            raise WrongStore
        if name == SQL:
            return self._run_sql(store, params_from_json(SqlParams, params), given_up)
        if name == COPY and path is not None:
            copy_into(store, Path(params_from_json(CopyParams, params).folder))
            return Told(answer=Answer(query=COPY), positions={})
        question = find_question(name)
        if question is None:
            raise NotFound(
                f"the running service does not know the question {name!r}; if it is older than "
                "this command, start it again"
            )
        return self._on_cursor(store, question, params, given_up)

    def _run_sql(self, store: Store, params: SqlParams, given_up: threading.Event) -> Told:
        if params.limit < 1 or not 0 < params.timeout <= self._timeout:
            raise QueryError(f"the limit must be positive, the time at most {self._timeout:g} s")
        with self._snapshots.of(store) as copy:
            answer = run_sql(
                copy,
                params.statement,
                limit=params.limit,
                timeout=params.timeout,
                memory_limit=self._memory_limit,
                given_up=given_up,
            )
        return Told(answer=answer, positions={})

    def _on_cursor(
        self, store: Store, question: Question[Any], params: object, given_up: threading.Event
    ) -> Told:
        asked = params_from_json(question.params, params)
        with store.cursor() as cursor, _Watch(cursor, self._timeout, given_up) as watch:
            try:
                with offered(self._keeper(store), cursor):
                    return answer_on(cursor, question, asked)
            except duckdb.InterruptException as error:
                if watch.is_over:
                    raise QueryError(
                        f"the question took over {self._timeout:g} seconds and was ended"
                    ) from error
                raise StoreBusy("the store was closed meanwhile; ask again") from error
            except (duckdb.ConnectionException, duckdb.FatalException) as error:
                raise StoreBusy("the store was closed meanwhile; ask again") from error
            except duckdb.OutOfMemoryException as error:
                raise StoreError("the question took more memory than it may") from error

    def _keeper(self, store: Store) -> GraphKeeper:
        with self._lock:
            keeper = self._keepers.get(store)
            if keeper is None:
                keeper = GraphKeeper(store.cursor, max_edges=self._held_edges)
                self._keepers[store] = keeper
            return keeper


class _Watch:
    """Interrupts a cursor, again and again, once its time is over or nobody waits."""

    def __init__(
        self, cursor: duckdb.DuckDBPyConnection, seconds: float, given_up: threading.Event
    ) -> None:
        self._cursor = cursor
        self._deadline = time.monotonic() + seconds
        self._given_up = given_up
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="api-watch")

    @property
    def is_over(self) -> bool:
        """Tell whether the question took its time."""
        return time.monotonic() >= self._deadline

    def _run(self) -> None:
        while not self._done.wait(_INTERRUPT_SECONDS):
            if self.is_over or self._given_up.is_set():
                self._cursor.interrupt()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
