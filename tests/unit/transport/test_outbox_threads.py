"""Many threads share an outbox without losing, doubling or waiting for each other for ever.

What is promised: each thread's events are sealed once and in its own order; one thread's refusal
or interruption is not another's; a signal handler that emits is refused or served, never hung.
Source: DESIGN 5; fault F56.
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import pytest
from tests.unit.transport.world import (
    check_chains,
    events,
    open_outbox,
    records_in,
    sealed_in,
    verified,
)

from lineseal.schemas.errors import LogError, OutboxFull
from lineseal.transport.embedded.entrance import Entrance
from lineseal.transport.embedded.group import GroupCommit

PATIENCE_SECONDS = 60.0


class Disk:
    """Commits when it is told to, and remembers each commit."""

    def __init__(self) -> None:
        self.commits: list[list[bytes]] = []
        self.entered = threading.Semaphore(0)
        self.go = threading.Semaphore(0)
        self.entrance = Entrance()
        self.group = GroupCommit(self.entrance, lambda: 1 << 30, self.commit)

    def commit(self, values: Sequence[bytes]) -> None:
        """Wait for ``go``, then keep *values*."""
        self.entered.release()
        assert self.go.acquire(timeout=PATIENCE_SECONDS)
        self.commits.append(list(values))

    def submit_in_thread(self, *values: bytes) -> threading.Thread:
        """Submit *values* from another thread."""
        thread = threading.Thread(target=self.group.submit, args=(values,), daemon=True)
        thread.start()
        return thread

    def wait_for_commit(self) -> None:
        """Wait until a thread is inside a commit."""
        assert self.entered.acquire(timeout=PATIENCE_SECONDS)


def test_threads_that_accept_at_once_lose_and_double_nothing(tmp_path: Path) -> None:
    """While another thread seals all the time."""
    threads, count = 8, 40
    stop = threading.Event()
    with open_outbox(tmp_path) as outbox:

        def accept(name: int) -> None:
            for event in events(count, f"thread {name} event"):
                outbox.accept([event])

        def seal() -> None:
            while not stop.is_set():
                outbox.seal_pending()

        sealing = threading.Thread(target=seal)
        accepting = [threading.Thread(target=accept, args=(n,)) for n in range(threads)]
        for thread in (sealing, *accepting):
            thread.start()
        for thread in accepting:
            thread.join()
        stop.set()
        sealing.join()

    sealed = sealed_in(tmp_path)
    check_chains(verified(records_in(tmp_path)))

    assert len(sealed) == threads * count
    for name in range(threads):
        prefix = f"thread {name} event"
        assert events(count, prefix) == [e for e in sealed if e.startswith(prefix.encode())]


def test_several_writers_in_one_folder_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Each has its own file, also when all open at once."""
    outboxes = [open_outbox(tmp_path) for _ in range(4)]
    barrier = threading.Barrier(4)

    def run(number: int) -> None:
        barrier.wait()
        with outboxes[number] as outbox:
            for event in events(20, f"writer {number} event"):
                outbox.accept([event])

    threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    expected = itertools.chain(*(events(20, f"writer {n} event") for n in range(4)))

    assert sorted(expected) == sorted(sealed_in(tmp_path))


def test_waiting_threads_share_the_next_commit() -> None:
    """All that queue up while one commits are committed together."""
    disk = Disk()
    first = disk.submit_in_thread(b"first")
    disk.wait_for_commit()
    others = [disk.submit_in_thread(value) for value in (b"a", b"b", b"c")]
    while len(disk.group) < 3:
        others[0].join(0.001)
    disk.go.release()
    disk.go.release()
    for thread in (first, *others):
        thread.join()

    assert disk.commits[0] == [b"first"]
    assert sorted(disk.commits[1]) == [b"a", b"b", b"c"]


def test_who_does_not_fit_is_refused_alone() -> None:
    """The others of the same commit are stored."""
    stored: list[bytes] = []
    group = GroupCommit(Entrance(), lambda: 10, stored.extend)

    with pytest.raises(OutboxFull):
        group.submit([bytes(11)])
    group.submit([bytes(10)])

    assert [bytes(10)] == stored


def test_an_interrupted_leader_leaves_nobody_waiting() -> None:
    """The others are told that they cannot know, and the next call works."""
    entered, go = threading.Event(), threading.Event()
    stored: list[bytes] = []
    outcomes: list[type[BaseException]] = []

    def commit(values: Sequence[bytes]) -> None:
        if not go.is_set():
            entered.set()
            go.wait(PATIENCE_SECONDS)
        if b"bad" in values:
            raise KeyboardInterrupt
        stored.extend(values)

    group = GroupCommit(Entrance(), lambda: 1 << 30, commit)

    def submit(value: bytes) -> None:
        try:
            group.submit([value])
        except (KeyboardInterrupt, LogError) as error:
            outcomes.append(type(error))

    first = threading.Thread(target=submit, args=(b"first",))
    first.start()
    entered.wait(PATIENCE_SECONDS)
    others = [threading.Thread(target=submit, args=(value,)) for value in (b"bad", b"other")]
    for thread in others:
        thread.start()
    while len(group) < 2:
        first.join(0.001)
    go.set()
    for thread in (first, *others):
        thread.join()
    group.submit([b"next"])

    assert stored == [b"first", b"next"]
    assert {KeyboardInterrupt, LogError} == set(outcomes)


def test_a_signal_handler_in_mid_commit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting would be for ever: the thread it waits for is its own."""
    refused: list[LogError] = []
    with open_outbox(tmp_path) as outbox:

        def handler(_: bytes) -> int:
            for call in (lambda: outbox.accept([b"handler"]), outbox.seal_pending, outbox.close):
                with pytest.raises(LogError, match="signal handler") as caught:
                    call()
                refused.append(caught.value)
            return 0

        with monkeypatch.context() as patch:
            patch.setattr("lineseal.transport.embedded.database.zlib.crc32", handler)
            outbox.accept([b"outer"])
        assert outbox.pending_count == 1

    assert len(refused) == 3


WRONG_ORDER = """
import os, signal, sys, threading
from pathlib import Path
from tests.unit.transport.world import events, open_outbox, sealed_in

folder = Path(sys.argv[1])
outbox = open_outbox(folder)
database, chain = outbox._database, outbox._chain_entrance
store = database.add_pending

def handler(*_):
    many = lambda: outbox.accept(events(600, "handler"))
    for call in (outbox.seal_pending, outbox.close, many, lambda: outbox.accept([b"handler"])):
        try:
            call()
        except Exception as error:
            print(error)
        else:
            print("served")

def in_mid_commit(values):
    thread.start()
    while not chain.is_taken:
        thread.join(0.001)
    signal.raise_signal(signal.SIGUSR1)
    store(values)

outbox.accept([b"first"])
thread = threading.Thread(target=outbox.seal_pending, daemon=True)
signal.signal(signal.SIGUSR1, handler)
database.add_pending = in_mid_commit
outbox.accept([b"second"])
thread.join()
outbox.close()
print(sealed_in(folder))
"""


def test_a_signal_handler_in_mid_commit_waits_for_no_sealer(tmp_path: Path) -> None:
    """The sealer has the chain and waits for the file, which the handler's own thread has."""
    done = subprocess.run(
        [sys.executable, "-c", WRONG_ORDER, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )

    *answers, stored = done.stdout.splitlines()
    assert len(answers) == 4
    assert all("from a signal handler" in answer for answer in answers)
    assert stored == "[b'first', b'second']"


def test_a_signal_handler_waits_for_no_leader_that_waits_for_it() -> None:
    """Its thread is inside, or in the queue's order; else it would wait as long as patience is."""
    disk = Disk()
    for held in (disk.entrance.alone(), disk.group._order):
        with held, pytest.raises(LogError, match="signal handler"):
            disk.group.submit([b"handler"])

    disk.go.release()
    disk.group.submit([b"main"])

    assert disk.commits == [[b"main"]]


def test_a_signal_handler_is_served_while_its_thread_waits() -> None:
    """Both the thread's and its handler's events are stored."""
    disk = Disk()
    first = disk.submit_in_thread(b"first")
    disk.wait_for_commit()

    def handler(_signal: int, _frame: FrameType | None) -> None:
        disk.group.submit([b"handler"])

    def interfere() -> None:
        while len(disk.group) < 1:
            first.join(0.001)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        while len(disk.group) < 2:
            first.join(0.001)
        disk.go.release()
        disk.go.release()

    previous = signal.signal(signal.SIGUSR1, handler)
    try:
        interfering = threading.Thread(target=interfere)
        interfering.start()
        disk.group.submit([b"main"])
        interfering.join()
        first.join()
    finally:
        signal.signal(signal.SIGUSR1, previous)

    assert disk.commits == [[b"first"], [b"main", b"handler"]]


def test_an_interrupted_thread_takes_its_events_back() -> None:
    """Ctrl-C while waiting: nobody stores them later."""
    disk = Disk()
    first = disk.submit_in_thread(b"first")
    disk.wait_for_commit()

    def handler(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    def interfere() -> None:
        while len(disk.group) < 1:
            first.join(0.001)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    previous = signal.signal(signal.SIGUSR1, handler)
    try:
        interfering = threading.Thread(target=interfere)
        interfering.start()
        with pytest.raises(KeyboardInterrupt):
            disk.group.submit([b"main"])
        interfering.join()
    finally:
        signal.signal(signal.SIGUSR1, previous)
    disk.go.release()
    first.join()

    assert disk.commits == [[b"first"]]
    assert not len(disk.group)
