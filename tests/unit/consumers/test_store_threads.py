"""Threads share the one open store: readers beside the writer, writers one at a time.

What is promised: a cursor sees what is committed and never what is not; a transaction is whole or
nothing; closing the store interrupts who still reads, so that its lock is really given back.
Source: DESIGN 7.
"""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import pytest

from lineseal.consumers.store import Store, write_fact
from lineseal.schemas.errors import StoreBusy


def opened(folder: Path) -> Store:
    """Open a new store."""
    store = Store(folder / "store.duckdb", deployment="test")
    _ = store.connection
    return store


def test_a_cursor_sees_what_is_committed_and_nothing_else(tmp_path: Path) -> None:
    """Before, during and after a transaction of another thread."""
    store = opened(tmp_path)
    seen: list[str | None] = []

    def look() -> None:
        with store.cursor() as cursor:
            row = cursor.execute("SELECT value FROM store_fact WHERE name = 'x'").fetchone()
            seen.append(None if row is None else row[0])

    with store.transaction() as connection:
        write_fact(connection, "x", "1")
        reader = threading.Thread(target=look)
        reader.start()
        reader.join()
    look()
    store.release()

    assert seen == [None, "1"]


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """And the next one works."""
    store = opened(tmp_path)

    def half() -> None:
        with store.transaction() as connection:
            write_fact(connection, "x", "1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    with store.transaction() as connection:
        write_fact(connection, "y", "2")

    assert (store.fact("x"), store.fact("y")) == (None, "2")
    store.release()


def test_many_writers_take_turns(tmp_path: Path) -> None:
    """No update is lost and none conflicts, the owner's own included."""
    store = opened(tmp_path)
    with store.transaction() as connection:
        write_fact(connection, "count", "0")

    def count() -> None:
        for _ in range(20):
            with store.transaction() as connection:
                connection.execute(
                    "UPDATE store_fact SET value = (value::INT + 1)::VARCHAR WHERE name = 'count'"
                )

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert store.fact("count") == "80"
    store.release()


def test_closing_interrupts_who_still_reads(tmp_path: Path) -> None:
    """The file can be opened by somebody else straight away, and late readers are told."""
    store = opened(tmp_path)
    started, ended = threading.Event(), list[type[BaseException]]()

    def read_for_ever() -> None:
        try:
            with store.cursor() as cursor:
                started.set()
                cursor.execute("SELECT count(*) FROM range(100000000000000)").fetchall()
        except duckdb.Error as error:
            ended.append(type(error))

    reader = threading.Thread(target=read_for_ever)
    reader.start()
    started.wait()
    store.release()
    reader.join()

    assert ended == [duckdb.InterruptException]
    with pytest.raises(StoreBusy), store.cursor():
        pass
    duckdb.connect(store.path, read_only=True).close()
