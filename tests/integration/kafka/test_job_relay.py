"""A job can ship by itself, and ``lineseal run`` ships before its container is gone.

What is promised: a job with a relay of its own is never slowed or broken by it and its events reach
the broker while it runs; killed, it loses nothing; there is one relay for each log folder, and
when it goes the next takes over; the last shipping is bounded and never changes the exit status.
Source: DESIGN 5, "Ephemeral containers".
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from tests.integration.kafka.kit import FORGOTTEN_SOCKETS, PATIENCE_SECONDS, Kit, read_all
from tests.integration.kafka.outboxes import wait_for_records
from tests.integration.kafka.site import Site

from lineseal.settings import Home
from lineseal.transport.embedded import EmbeddedLogReader
from lineseal.transport.relay import BackgroundRelay, RelayCursor

pytestmark = pytest.mark.filterwarnings(FORGOTTEN_SOCKETS)
JOB = """
import sys
from lineseal.producers import Emitter
from lineseal.schemas.model import RunEvent, RunState

with Emitter.from_env(relay=True, strict=True) as emitter:
    for line in sys.stdin:
        emitter.emit(RunEvent(state=RunState.RUNNING), job="a/b", run_id=line.strip())
        print(line, end="", flush=True)
"""
FORK = """
import os
from lineseal.producers import Emitter
from lineseal.schemas.model import RunEvent, RunState

emitter = Emitter.from_env(relay=True, strict=True)
emitter.emit(RunEvent(state=RunState.RUNNING), job="a/b", run_id="parent")
child = os.fork()
if child == 0:
    emitter.emit(RunEvent(state=RunState.RUNNING), job="a/b", run_id="child")
    emitter.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
emitter.close()
"""


@pytest.fixture
def site(real_kit: Kit, tmp_path: Path) -> Site:
    """Give a home that ships to an empty topic."""
    return Site(tmp_path / "site", real_kit.text)


def emit(job: subprocess.Popen[str], run_id: str) -> None:
    """Let the job emit one event and wait until it is durable."""
    assert job.stdin is not None
    assert job.stdout is not None
    print(run_id, file=job.stdin, flush=True)
    assert job.stdout.readline().strip() == run_id


def end(job: subprocess.Popen[str]) -> str:
    """Let the job end in order; return what it said."""
    _, said = job.communicate(timeout=PATIENCE_SECONDS)
    assert job.returncode == 0, said
    return said


def sealed(site: Site) -> list[bytes]:
    """Return all batches in the outboxes."""
    return sorted(record.value for record in read_all(EmbeddedLogReader(site.outboxes)))


def shipped(kit: Kit) -> list[bytes]:
    """Return all different batches in the topic."""
    return sorted({record.value for record in read_all(kit.reader())})


def test_a_job_ships_while_it_runs_and_the_rest_when_it_ends(site: Site, real_kit: Kit) -> None:
    """With nobody else on the machine."""
    job = site.job(JOB)
    emit(job, "first")
    wait_for_records(real_kit, 1)
    emit(job, "second")
    said = end(job)

    assert "relay" not in said
    assert shipped(real_kit) == sealed(site)


def test_a_killed_job_loses_nothing_and_the_next_takes_over(site: Site, real_kit: Kit) -> None:
    """Its lock dies with it."""
    for number in range(3):
        job = site.job(JOB)
        emit(job, f"{number}")
        job.kill()
        job.communicate()
    job = site.job(JOB)
    emit(job, "last")
    end(job)

    assert shipped(real_kit) == sealed(site)
    site.run("materialise", "--once")
    rows = site.run("sql", "SELECT run_id FROM event ORDER BY run_id", "--output", "csv").stdout
    assert rows.split() == ["run_id", "0", "1", "2", "last"]


def test_of_two_jobs_one_ships_for_both(site: Site, real_kit: Kit) -> None:
    """And the other one when the first is gone."""
    first, second = site.job(JOB), site.job(JOB)
    emit(first, "a")
    emit(second, "b")
    wait_for_records(real_kit, 2)
    end(first)
    emit(second, "c")
    end(second)

    assert shipped(real_kit) == sealed(site)


def test_a_forked_child_ships_with_a_relay_of_its_own(site: Site, real_kit: Kit) -> None:
    """The parent keeps its connection and its lock; neither waits for the other for long."""
    said = end(site.job(FORK))

    assert "Traceback" not in said
    assert shipped(real_kit) == sealed(site)


def test_run_ships_after_the_program_ended(site: Site, real_kit: Kit) -> None:
    """So a container may take its disk away."""
    site.run("run", "--job", "a/b", "--", sys.executable, "-c", "pass")

    assert shipped(real_kit) == sealed(site) != []


def test_run_leaves_the_shipping_to_a_relay_that_is_there(site: Site, real_kit: Kit) -> None:
    """It waits no longer than until that one has shipped, and not at all for ever."""
    relay = site.job("from lineseal.transport.relay.command import relay; relay(['--follow'])")
    try:
        while not (site.home / "log" / "relay.lock").exists():
            time.sleep(0.02)
        said = site.run("run", "--job", "a/b", "--", sys.executable, "-c", "pass").stderr
    finally:
        relay.send_signal(signal.SIGTERM)
        relay.communicate(timeout=PATIENCE_SECONDS)

    assert "not everything" not in said
    assert shipped(real_kit) == sealed(site) != []


@pytest.mark.parametrize("broker", ["down", "mute"])
def test_without_a_broker_run_ends_in_time_with_the_programs_status(
    broker: str, tmp_path: Path
) -> None:
    """It says what stays and where; nothing is lost: F10, F11."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = 1 if broker == "down" else listener.getsockname()[1]
        site = Site(
            tmp_path / "site",
            f"kafka://127.0.0.1:{port}/x?request_timeout_ms=1000",
            LINESEAL_EMITTER__DRAIN_SECONDS="1",
        )
        begun = time.monotonic()
        done = site.run("run", "--job", "a/b", "--", "sh", "-c", "exit 7", status=7)

    assert "not everything was shipped in 1 seconds" in done.stderr
    assert "stays in the outbox" in done.stderr
    assert len(sealed(site)) > 0
    assert time.monotonic() - begun < PATIENCE_SECONDS
    with closing(RelayCursor.open(site.home / "log")) as cursor:
        assert not cursor.positions


def test_a_signal_ends_the_last_shipping_early(tmp_path: Path) -> None:
    """The status stays the program's."""
    site = Site(
        tmp_path / "site",
        "kafka://127.0.0.1:1/x?request_timeout_ms=1000",
        LINESEAL_EMITTER__DRAIN_SECONDS=str(int(10 * PATIENCE_SECONDS)),
    )
    run = subprocess.Popen(
        [sys.executable, "-m", "lineseal.commandline", "run", "--job", "a/b", "--", "sh", "-c", ""],
        env=site.environment,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    while not (site.home / "log" / "relay.lock").exists():
        time.sleep(0.02)
    run.send_signal(signal.SIGTERM)
    _, said = run.communicate(timeout=PATIENCE_SECONDS)

    assert run.returncode == 0, said
    assert "stays in the outbox" in said


def test_a_signal_before_the_last_shipping_ends_it_too(tmp_path: Path) -> None:
    """It may come between the start of the thread and the wait for it."""
    site = Site(tmp_path / "site", "kafka://127.0.0.1:1/x?request_timeout_ms=1000")
    site.run("emit", "registration", "--subject", "dataset:lake/t@1", "--owner", "data")
    url = site.environment["LINESEAL_LOG__URL"]
    relay = BackgroundRelay(url, Home(site.home), site.outboxes)
    begun = time.monotonic()
    relay.cut_short()
    relay.start()

    assert not relay.stop(10 * PATIENCE_SECONDS)
    assert time.monotonic() - begun < PATIENCE_SECONDS
