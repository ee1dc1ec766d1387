"""A forked child never writes into its parent's outbox, and the parent does not notice it.

What is promised: the child is refused until it opens its own; what it abandons stays locked by
the parent only; no fork happens while a thread is inside SQLite. Source: DESIGN 5; fault F52.
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from tests.unit.transport.world import (
    PRODUCER,
    events,
    open_outbox,
    records_in,
    sealed_in,
    sealer,
    verified,
)

from lineseal.schemas.errors import LogError
from lineseal.transport.embedded import adopt_orphans
from lineseal.transport.embedded.forking import FORK_GATE, ForkGate


def in_child(work: Callable[[], str]) -> str:
    """Run *work* in a forked child and return what it returned, or its error."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = work()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent is told
            answer = f"{type(error).__name__}: {error}"
        os.write(write_end, answer.encode())
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return answer


def accept_one(folder: Path, number: int) -> str:
    """Accept an event in an outbox of its own; a child that hangs dies after a while."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(20)
    with open_outbox(folder / str(number)) as own:
        own.accept([b"child"])
    return "accepted"


@contextlib.contextmanager
def busy(count: int, work: Callable[[], object]) -> Generator[None]:
    """Let *count* threads do *work* again and again while the block runs."""
    stop = threading.Event()

    def go_on() -> None:
        while not stop.is_set():
            work()

    threads = [threading.Thread(target=go_on) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_child_is_refused_its_parents_outbox(tmp_path: Path) -> None:
    """Two processes on one connection would tear the file apart."""
    with open_outbox(tmp_path) as outbox:

        def accept() -> str:
            outbox.accept([b"child"])
            return "accepted"

        assert in_child(accept).startswith("LogError: ")
        outbox.accept([b"parent"])

    assert sealed_in(tmp_path) == [b"parent"]


def test_a_child_opens_its_own_outbox(tmp_path: Path) -> None:
    """In another file and another epoch; both producers' events are sealed."""
    with open_outbox(tmp_path) as outbox:
        outbox.accept([b"before"])

        def work() -> str:
            outbox.abandon_after_fork()
            with open_outbox(tmp_path) as own:
                own.accept([b"child"])
                name = own.path.name
            outbox.close()
            return name

        assert in_child(work).endswith(".1.sqlite")
        outbox.accept([b"after"])

    batches = verified(records_in(tmp_path))

    assert {b"before", b"after", b"child"} == {e for batch in batches for e in batch.events}
    assert len({batch.header.epoch for batch in batches}) == 2


def test_closing_in_a_child_leaves_the_parents_file_alone(tmp_path: Path) -> None:
    """As at the end of a child's ``with`` block that began in the parent."""
    with open_outbox(tmp_path) as outbox:
        outbox.accept(events(2))

        def close() -> str:
            outbox.close()
            return "closed"

        assert in_child(close) == "closed"
        assert outbox.pending_count == 2

    assert events(2) == sealed_in(tmp_path)


def test_an_abandoned_outbox_does_not_keep_its_file_locked(tmp_path: Path) -> None:
    """A child that lives longer than its parent's outbox is in nobody's way."""
    outbox = open_outbox(tmp_path)
    to_child, from_parent = os.pipe()
    ready, to_parent = os.pipe()
    child = os.fork()
    if child == 0:
        outbox.abandon_after_fork()
        os.close(from_parent)
        os.write(to_parent, b"!")
        os.read(to_child, 1)
        os._exit(0)
    os.read(ready, 1)
    outbox.close()
    with open_outbox(tmp_path) as again:
        assert again.path == outbox.path
    os.close(from_parent)
    os.waitpid(child, 0)
    for descriptor in (to_child, ready, to_parent):
        os.close(descriptor)


def test_a_fork_waits_for_commits_and_keeps_others_out(tmp_path: Path) -> None:
    """So that a child never inherits a lock of SQLite's that nobody will release."""
    with open_outbox(tmp_path) as outbox:
        FORK_GATE.close_for_fork()
        thread = threading.Thread(target=outbox.accept, args=([b"event"],))
        thread.start()
        thread.join(0.05)
        assert outbox.pending_count == 0

        FORK_GATE.open_after_fork()
        thread.join()

        assert outbox.pending_count == 1


def test_a_fork_inside_a_commit_does_not_hang(tmp_path: Path) -> None:
    """A signal handler may fork in the middle of anything; the child starts with its own outbox."""
    with open_outbox(tmp_path) as outbox, outbox._file_entrance.alone():

        def work() -> str:
            outbox.abandon_after_fork()
            with open_outbox(tmp_path) as own:
                own.accept([b"child"])
            return "accepted"

        assert in_child(work) == "accepted"
        with pytest.raises(LogError, match="signal handler"):
            outbox.accept([b"event"])


def test_a_fork_waits_until_an_outbox_that_is_being_opened_is_open(tmp_path: Path) -> None:
    """A child forked in the middle of it would hang in SQLite or in the signing library."""

    def open_and_close() -> None:
        open_outbox(tmp_path / "busy").close()
        adopt_orphans(tmp_path / "busy", PRODUCER, sealer())

    with busy(2, open_and_close):
        for number in range(20):
            assert in_child(lambda: accept_one(tmp_path, number)) == "accepted"  # noqa: B023


def test_a_fork_while_others_use_sqlite_leaves_the_child_able_to_emit(tmp_path: Path) -> None:
    """MLflow's threads know no gate; what they had locked inside SQLite nobody else would free."""

    def use_sqlite() -> None:
        with contextlib.closing(sqlite3.connect(":memory:")) as connection:
            connection.execute("CREATE TABLE t (x)")

    with busy(3, use_sqlite):
        for number in range(60):
            assert in_child(lambda: accept_one(tmp_path, number)) == "accepted"  # noqa: B023


def test_a_child_of_a_fork_that_lost_patience_is_refused_instead_of_hanging() -> None:
    """A disk or a key service that hangs must not hang the job; what the child drops it says."""
    gate, entered, leave = ForkGate(), threading.Event(), threading.Event()

    def stay() -> None:
        with gate.inside():
            entered.set()
            leave.wait()

    thread = threading.Thread(target=stay)
    thread.start()
    entered.wait()
    gate.close_for_fork(0.01)

    def work() -> str:
        gate.start_anew()
        with gate.inside():
            return "inside"

    assert in_child(work).startswith("LogError: this process was forked")
    gate.open_after_fork()
    leave.set()
    thread.join()
    with gate.inside():
        pass
