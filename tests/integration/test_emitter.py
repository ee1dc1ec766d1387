"""What ``emit`` returned an id for is in the log, once, whatever the job does next.

What is promised: nothing is opened before it is needed; events appear by themselves; threads,
signal handlers, forks, worker pools and every way to exit lose nothing and double nothing; epochs
end where a process ends in order; secrets never reach the disk. Source: DESIGN 5; faults F52, F53.

Evidence: the public API against a home made by the real commands; every event is read back
through the log, the verifier and the strict codec.
"""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.producers.world import (
    BODY,
    PRODUCER,
    command,
    headers_of,
    make_home,
    records_of,
    said_in,
    states,
    told_by,
)

from lineseal.producers import Emitter
from lineseal.schemas.model import BatchFlags
from lineseal.settings import Home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Return a home with a producer; it is the one that is found here."""
    monkeypatch.chdir(tmp_path)
    return make_home(tmp_path)


@pytest.fixture
def emitter(home: Home) -> Iterator[Emitter]:
    """Return an emitter of that home."""
    with Emitter.from_env(home=home.path) as emitter:
        yield emitter


def script(folder: Path, text: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a job as a program of its own in *folder*."""
    path = folder / "job.py"
    path.write_text(text)
    return subprocess.run(
        [sys.executable, str(path)], cwd=folder, capture_output=True, text=True, check=check
    )


def test_nothing_is_opened_before_the_first_event(home: Home) -> None:
    """An emitter that says nothing leaves nothing."""
    with Emitter.from_env() as emitter:
        emitter.flush()

    assert not list(home.path.rglob("*.sqlite"))


def test_events_appear_without_flush_or_close(emitter: Emitter, home: Home) -> None:
    """The background thread seals what lingers."""
    event_id = emitter.emit(BODY)

    deadline = time.monotonic() + 60
    while not records_of(home) and time.monotonic() < deadline:
        time.sleep(0.02)

    assert [one.event_id for one in said_in(home)] == [event_id]


def test_an_idle_open_epoch_says_that_it_is_alive(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With empty batches, until the emitter is closed."""
    monkeypatch.setenv("LINESEAL_EMITTER__HEARTBEAT_SECONDS", "1")
    with Emitter.from_env() as emitter:
        emitter.emit(BODY)
        deadline = time.monotonic() + 60
        while len(records_of(home)) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)

    flags = [header.flags for header in headers_of(home)]

    assert flags[1] & flags[2] & BatchFlags.HEARTBEAT
    assert flags[-1] & BatchFlags.FINAL
    assert len({header.epoch for header in headers_of(home)}) == 1


def test_flush_seals_now(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the linger is."""
    monkeypatch.setenv("LINESEAL_EMITTER__LINGER_MS", "3600000")
    with Emitter.from_env() as emitter:
        event_id = emitter.emit(BODY)
        emitter.flush()

        assert [one.event_id for one in said_in(home)] == [event_id]


def test_closing_ends_the_epoch_and_an_emitter_can_go_on(emitter: Emitter, home: Home) -> None:
    """One batch holds the events and the end; the next event opens another epoch."""
    emitter.emit(BODY)
    emitter.close()
    emitter.close()
    emitter.emit(BODY)
    emitter.close()

    headers = headers_of(home)

    assert len({header.epoch for header in headers}) == 2
    ends = {header.epoch for header in headers if header.flags & BatchFlags.FINAL}
    assert ends == {header.epoch for header in headers}
    assert headers[-1].genesis is None or headers[-1].genesis.prev_epoch == headers[0].epoch


def test_a_forgotten_emitter_closes_itself(home: Home) -> None:
    """When it is collected; the next one finds the file free."""
    emitter = Emitter.from_env()
    emitter.emit(BODY)
    del emitter
    gc.collect()

    assert headers_of(home)[-1].flags & BatchFlags.FINAL


def test_threads_share_an_emitter(emitter: Emitter, home: Home) -> None:
    """Every accepted event is there once."""
    ids: list[str | None] = []

    def work() -> None:
        ids.extend(emitter.emit(BODY) for _ in range(100))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(str(one.event_id) for one in told_by(emitter, home)) == sorted(map(str, ids))
    assert emitter.stats.accepted == 800


FORK = """
import os, sys, threading
from lineseal.producers import Emitter
from lineseal.schemas.model import *

BODY = Access(principal="p", action=AccessAction.READ, resource=Subject(type="job", name="x"),
              outcome=AccessOutcome.ALLOWED)
emitter = Emitter.from_env(strict=True)
stop = threading.Event()
ids = []

def chatter():
    while not stop.is_set():
        ids.append(emitter.emit(BODY))

thread = threading.Thread(target=chatter)
thread.start()
print(emitter.emit(BODY), flush=True)
for _ in range(10):
    with emitter.run("fraud/parent"):
        pid = os.fork()
        if pid == 0:
            print(emitter.emit(BODY), flush=True)
            {leave}
        status = os.waitpid(pid, 0)[1]
        assert status == 0, status
stop.set()
thread.join()
for event_id in ids:
    print(event_id)
emitter.close()
"""


@pytest.mark.parametrize(
    "leave", ["os._exit(0)", "emitter.close(); os._exit(0)", "sys.exit(0)"], ids=str
)
def test_a_forked_child_speaks_in_an_epoch_of_its_own(
    home: Home, tmp_path: Path, leave: str
) -> None:
    """Fault F52: nothing is lost or said twice, and the parent's run is the parent's to end."""
    done = script(tmp_path, FORK.replace("{leave}", leave))
    command("outbox", "seal")

    said = said_in(home)
    facts = [one.event_id for one in said if one.body_name == "access"]

    assert sorted(facts) == sorted(done.stdout.split())
    assert states(said).count("COMPLETE") == 10
    assert len({header.epoch for header in headers_of(home)}) >= 2


WORKERS = """
import multiprocessing
from lineseal.producers import Emitter

emitter = Emitter.from_env(strict=True)

def work(number):
    return emitter.record_access(f"worker-{number}", "read", "dataset:lake/tx@3")

if __name__ == "__main__":
    print(work(0))
    context = multiprocessing.get_context("fork")
    with context.Pool(3) as pool:
        for event_id in pool.map(work, range(1, 20)):
            print(event_id)
        pool.close()
        pool.join()
    process = context.Process(target=work, args=(99,))
    process.start()
    process.join()
"""


def test_workers_end_their_epochs(home: Home, tmp_path: Path) -> None:
    """``multiprocessing`` skips ``atexit``; its workers close all the same."""
    done = script(tmp_path, WORKERS)

    said = said_in(home)
    headers = headers_of(home)

    assert set(done.stdout.split()) <= {one.event_id for one in said}
    assert "worker-99" in {one.body["principal"] for one in said}
    assert len(said) == 21
    final = {header.epoch for header in headers if header.flags & BatchFlags.FINAL}
    assert final == {header.epoch for header in headers}


EXIT = """
import os, signal, sys
from lineseal.producers import Emitter

emitter = Emitter.from_env(strict=True)
for number in range(50):
    print(emitter.record_access("p", "read", "dataset:lake/tx@3"), flush=True)
"""


@pytest.mark.parametrize(
    ("leave", "status"),
    [
        ("", 0),
        ("sys.exit(3)", 3),
        ("raise ValueError", 1),
        ("os._exit(0)", 0),
        ("os.kill(os.getpid(), signal.SIGTERM); signal.pause()", -signal.SIGTERM),
        ("import atexit; atexit.register(emitter.record_access, 'q', 'read', 'job:x')", 0),
    ],
    ids=["end", "exit", "exception", "_exit", "SIGTERM", "atexit"],
)
def test_however_a_job_ends_nothing_is_lost(
    home: Home, tmp_path: Path, leave: str, status: int
) -> None:
    """Fault F53: all that was emitted is in the log once the leftovers are sealed."""
    done = script(tmp_path, EXIT + leave, check=False)
    command("outbox", "seal")

    said = said_in(home)

    assert done.returncode == status, done.stderr
    assert [one.event_id for one in said if one.body["principal"] == "p"] == done.stdout.split()
    assert len(said) == 50 + ("atexit" in leave)


SIGNALS = """
import signal
from lineseal.producers import Emitter

emitter = Emitter.from_env()
caught = []

def on_alarm(*_):
    caught.append(emitter.record_access("s", "read", "job:x"))
    signal.setitimer(signal.ITIMER_REAL, 0.0007)

signal.signal(signal.SIGALRM, on_alarm)
signal.setitimer(signal.ITIMER_REAL, 0.0007)
ids = [emitter.record_access("p", "read", "job:x") for _ in range(300)]
signal.signal(signal.SIGALRM, signal.SIG_IGN)
for event_id in ids + caught:
    if event_id:
        print(event_id)
"""


def test_a_signal_handler_may_emit(home: Home, tmp_path: Path) -> None:
    """In the middle of an emit of the same thread: accepted or dropped, never a deadlock."""
    done = script(tmp_path, SIGNALS)

    said = [one.event_id for one in said_in(home)]

    assert set(done.stdout.split()) <= set(said)
    assert len(set(said)) == len(said) >= 300


def test_secrets_do_not_reach_the_disk(emitter: Emitter, home: Home) -> None:
    """Neither the sealed batches nor the pending events hold them."""
    secret = "hunter2" * 2
    with emitter.run("a", parameters={"db_password": secret}) as run:
        run.parameter("url", f"postgres://u:{secret}@db/x")
    emitter.register("source:feed", source=f"https://h/x?token={secret}")
    emitter.quarantine("dataset:l/x", reason=f"api_key={secret} leaked", location=f"//u:{secret}@h")
    emitter.close()

    files = [path for path in home.path.rglob("*") if path.is_file()]
    holding = [path.name for path in files if secret.encode() in path.read_bytes()]

    assert not holding


def test_two_emitters_of_one_producer_do_not_wait_for_each_other(home: Home) -> None:
    """Each has a file and an epoch of its own."""
    with Emitter.from_env() as one, Emitter.from_env() as other:
        ids = {one.emit(BODY), other.emit(BODY), one.emit(BODY)}

    assert {said.event_id for said in said_in(home)} == ids
    assert len({record.stream for record in records_of(home)}) == 2


def test_a_person_and_a_producer_cannot_both_sign(home: Home) -> None:
    """The caller has to decide; without strict nothing is recorded, which is said."""
    arguments: dict[str, Any] = {"producer": "trainer", "person": "alice"}

    with Emitter.from_env(**arguments) as emitter:
        assert emitter.emit(BODY) is None
        assert emitter.actor_id is None


def test_a_key_file_can_be_named(home: Home, tmp_path: Path) -> None:
    """By path or signer URI, in the call or in the settings."""
    moved = tmp_path / "elsewhere.pem"
    (home.keys / f"{PRODUCER}.pem").rename(moved)
    with Emitter.from_env(key=str(moved), strict=True) as emitter:
        emitter.emit(BODY)
    with home.config.open("a") as file:
        file.write("")
    text = home.config.read_text().replace("[emitter]", f'[emitter]\nkey = "file2:{moved}"')
    home.config.write_text(text)
    with Emitter.from_env(strict=True) as emitter:
        emitter.emit(BODY)

    assert len(said_in(home)) == 2
