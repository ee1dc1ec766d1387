"""What the asking commands share: who answers, and which moment is asked about."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import click
import duckdb

from lineseal.commandline.output import Answer
from lineseal.queries.database import WAIT_SECONDS, open_store
from lineseal.queries.guarded_sql import SQL, SqlParams, check_text, run_sql
from lineseal.queries.question import Question, Told, answer_on, params_to_json
from lineseal.queries.remote import ask_service, copied
from lineseal.queries.unread import unread_warning
from lineseal.schemas.errors import StoreBusy
from lineseal.settings import Home, Settings, find_home, load_settings

P = TypeVar("P")
T = TypeVar("T")
_RETRY_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOfHome:
    """Say where the store is, what memory DuckDB may use, and who may have it open."""

    home: Home
    settings: Settings

    @property
    def path(self) -> Path:
        """Return the path of the DuckDB file."""
        return self.home.resolve(self.settings.store.path)

    @property
    def memory_limit(self) -> str:
        """Return the memory DuckDB may use."""
        return self.settings.store.memory_limit


def store_of_home() -> StoreOfHome:
    """Find the store from home and settings.

    Raises:
        HomeNotFound, ConfigurationError: There is no home, or its settings are wrong.

    """
    home = find_home()
    return StoreOfHome(home=home, settings=load_settings(home))


def ask(question: Question[P], params: P, *, unread: bool = False, asking: bool = False) -> Answer:
    """Answer a question: by the service that holds the store open, or here.

    Args:
        question: What to ask.
        params: Its parameters.
        unread: Whether to warn of batches that the store has not seen.
        asking: Whether brokers may be asked for that, which takes seconds when they are away.

    Raises:
        StoreBusy: A process holds the store and does not answer.
        LinesealError: As the question does, and as ``open_store`` does.

    """
    store = store_of_home()

    def here() -> Told:
        with open_store(store.path, memory_limit=store.memory_limit, wait=0.0) as connection:
            return answer_on(connection, question, params)

    told = _here_or_there(store, question.name, params_to_json(params), here)
    warning = None
    if unread:
        warning = unread_warning(store.home, store.settings, told.positions, asking=asking)
    if warning is None:
        return told.answer
    return replace(told.answer, remarks=[*told.answer.remarks, warning])


@contextmanager
def home_store() -> Generator[duckdb.DuckDBPyConnection]:
    """Open the store of this home to be read, or a copy of it while somebody writes.

    For commands that need more than an ``Answer``: ``ask`` is cheaper where it does.

    Raises:
        LinesealError: As ``open_store`` does.

    """
    store = store_of_home()
    with ExitStack() as stack:
        yield _until_it_works(lambda: stack.enter_context(_opened(store)))


@contextmanager
def home_store_path() -> Generator[tuple[StoreOfHome, Path]]:
    """Give the store's file to read directly, or a copy of it while somebody writes.

    Raises:
        LinesealError: As ``open_store`` does.

    """
    store = store_of_home()
    with ExitStack() as stack:

        def attempt() -> Path:
            folder = stack.enter_context(copied(store.home, store.settings, store.path))
            path = store.path if folder is None else folder / store.path.name
            with open_store(path, memory_limit=store.memory_limit, wait=0.0):
                return path

        yield store, _until_it_works(attempt)


@contextmanager
def _opened(store: StoreOfHome) -> Generator[duckdb.DuckDBPyConnection]:
    with ExitStack() as stack:
        folder = stack.enter_context(copied(store.home, store.settings, store.path))
        path = store.path if folder is None else folder / store.path.name
        opening = open_store(path, memory_limit=store.memory_limit, wait=0.0)
        yield stack.enter_context(opening)


def ask_sql(text: str, *, limit: int, timeout: float) -> Answer:
    """Run one statement that only reads, there or here; as ``guarded_sql.run_sql``."""
    check_text(text)
    store = store_of_home()

    def here() -> Told:
        answer = run_sql(
            store.path,
            text,
            limit=limit,
            timeout=timeout,
            memory_limit=store.memory_limit,
            wait=0.0,
        )
        return Told(answer=answer, positions={})

    params = SqlParams(statement=text, limit=limit, timeout=timeout)
    return _here_or_there(store, SQL, params_to_json(params), here).answer


def _here_or_there(
    store: StoreOfHome, name: str, params: dict[str, Any], here: Callable[[], Told]
) -> Told:
    def ask_or_open() -> Told:
        told = ask_service(store.home, store.settings, name, params, store.path)
        return here() if told is None else told

    return _until_it_works(ask_or_open)


def _until_it_works(attempt: Callable[[], T]) -> T:
    """Try again for some seconds while the store is busy: a writer may come or go meanwhile."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return attempt()
        except StoreBusy:
            if time.monotonic() >= deadline:
                raise
        time.sleep(_RETRY_SECONDS)


def moment_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--as-of``, ``--known-at`` and ``--max-depth``."""
    command = click.option(
        "--max-depth",
        type=click.IntRange(min=0),
        metavar="N",
        help="Walk at most N hops; an answer that is cut short says so.",
    )(command)
    command = click.option(
        "--known-at",
        metavar="TIME",
        help="Answer with what had been ingested by TIME, included.",
    )(command)
    return click.option(
        "--as-of",
        metavar="TIME",
        help="Look at what had happened by TIME, included: 2026-11-03T14:00:00Z, or 2026-11-03 "
        "for the first moment of that day in UTC. Without it nothing is left out.",
    )(command)
