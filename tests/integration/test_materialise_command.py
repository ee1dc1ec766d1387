"""``lineseal materialise``: from a home's log into its store, once or until it is stopped.

What is promised: the exit status says whether something was rejected; data goes to stdout,
narration to stderr; a held store is explained; a following materialiser answers for others,
takes up what is new, and stops in order on SIGTERM. Source: DESIGN 8; F51, F60.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from tests import warm

from lineseal.schemas.codec import encode_event
from lineseal.schemas.ids import new_uuid7, now_us
from lineseal.schemas.model import Actor, ActorKind, Event, Origin, RunEvent, RunState, body_of
from lineseal.settings import Home, load_settings
from lineseal.signing.sealer import Sealer
from lineseal.signing.signers import file_uri, load_signer
from lineseal.transport.embedded import EmbeddedLogWriter, Outbox, open_log_folder

PATIENCE_SECONDS = 60.0


def lineseal(home: Home, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in *home*."""
    return warm.run(*arguments, env=environment(home))


def command(*arguments: str) -> Sequence[str]:
    """Return the program with its arguments."""
    return [sys.executable, "-m", "lineseal.commandline", *arguments]


def environment(home: Home) -> dict[str, str]:
    """Return an environment that names the home."""
    return {**os.environ, "LINESEAL_HOME": str(home.path)}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Make a home with one enrolled producer."""
    made = warm.run("init", "--producer", "trainer", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    return Home(tmp_path / ".lineseal")


def emit(home: Home, *run_ids: str, producer: str = "trainer") -> None:
    """Seal one event for each run into the home's log."""
    settings = load_settings(home)
    signer = load_signer(file_uri(home.keys / f"{producer}.pem"))
    sealer = Sealer(signer, deployment=settings.deployment.name, producer=producer)
    folder = open_log_folder(settings, home)
    with Outbox.open(folder, producer, sealer, max_bytes=1 << 30) as outbox:
        outbox.accept([encode_event(event(run_id, producer)) for run_id in run_ids])


def event(run_id: str, producer: str = "trainer") -> Event:
    """Build the start of a run."""
    return Event(
        event_id=new_uuid7(),
        event_time=now_us(),
        producer=producer,
        actor=Actor(kind=ActorKind.SERVICE, id=producer),
        origin=Origin.EMITTER,
        run_id=run_id,
        body=body_of(RunEvent(state=RunState.START)),
    )


def store_path(home: Home) -> Path:
    """Return the store's path."""
    return home.resolve(load_settings(home).store.path)


def stored_runs(home: Home) -> set[str]:
    """Ask the command line, which finds whoever holds the store."""
    asked = lineseal(home, "sql", "SELECT run_id FROM run", "--json")
    assert asked.returncode == 0, asked.stderr
    return {row["run_id"] for row in json.loads(asked.stdout)["rows"]}


def test_once_takes_what_is_there(home: Home) -> None:
    """Status 0, nothing on stdout, a summary on stderr, private files."""
    empty = lineseal(home, "materialise")
    emit(home, "run-1", "run-2")
    full = lineseal(home, "materialise")

    assert (empty.returncode, empty.stdout) == (0, "")
    assert "nothing new" in empty.stderr
    assert (full.returncode, full.stdout) == (0, "")
    assert "batches accepted: 1 (events: 2)" in full.stderr
    assert stored_runs(home) == {"run-1", "run-2"}
    assert stat.S_IMODE(store_path(home).stat().st_mode) == 0o600


def test_a_reject_is_a_finding(home: Home) -> None:
    """Status 1 and the code, for people on stderr and for programs on stdout."""
    writer = EmbeddedLogWriter(open_log_folder(load_settings(home), home), "stranger")
    writer.append("trainer", b"garbage")
    writer.close()
    emit(home, "run-1")

    first = lineseal(home, "materialise", "--json")
    second = lineseal(home, "materialise", "--json")

    assert first.returncode == 1, first.stderr
    assert "MALFORMED: 1" in first.stderr
    (row,) = json.loads(first.stdout)["rows"]
    assert row == {
        "records": 2,
        "batches": 1,
        "events": 1,
        "duplicates": 0,
        "rejected": 1,
        "reject_codes": {"MALFORMED": 1},
        "findings": {},
    }
    assert second.returncode == 0, second.stderr
    assert json.loads(second.stdout)["rows"][0]["records"] == 0


def test_a_held_store_is_explained(home: Home) -> None:
    """Status 5, and the message names the process that has it."""
    emit(home, "run-1")
    lineseal(home, "materialise")
    with duckdb.connect(str(store_path(home)), read_only=True):
        refused = lineseal(home, "materialise")

    assert refused.returncode == 5
    assert f"process {os.getpid()} has" in refused.stderr
    assert "[STORE_BUSY]" in refused.stderr


def test_a_keyring_that_was_changed_is_a_finding(home: Home) -> None:
    """Nothing is processed under keys that no root key signed."""
    emit(home, "run-1")
    home.keyring.write_text(home.keyring.read_text().replace("payload", "Payload"))

    refused = lineseal(home, "materialise")

    assert refused.returncode == 1
    assert "[KEYRING_INVALID]" in refused.stderr
    assert stored_runs(home) == set()


@contextmanager
def following(home: Home) -> Generator[subprocess.Popen[str]]:
    """Run a following materialiser beside the test."""
    with subprocess.Popen(
        command("materialise", "--follow", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(home),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(home: Home, runs: set[str]) -> None:
    """Wait until a reader finds these runs in the store."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (store_path(home).exists() and stored_runs(home) == runs):
        assert time.monotonic() < deadline, "the materialiser did not get there"
        time.sleep(0.05)


def test_following_takes_what_comes_and_answers_meanwhile(home: Home) -> None:
    """Commands get their answers from it; SIGTERM ends it with a summary."""
    emit(home, "run-1")
    with following(home) as process:
        wait_for(home, {"run-1"})
        emit(home, "run-2", "run-3")
        wait_for(home, {"run-1", "run-2", "run-3"})
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == 0, err
    assert json.loads(out)["rows"][0]["events"] == 3
    lines = [json.loads(line) for line in err.splitlines()]
    assert {line["event"] for line in lines if line["level"] == "info"} == {"materialised"}
    assert sum(line.get("events", 0) for line in lines) == 3


def test_a_file_of_the_log_that_is_gone_is_a_finding(home: Home) -> None:
    """It is named every time, for people and for programs; what was read stays."""
    emit(home, "run-1")
    lineseal(home, "materialise")
    (home.path / "log" / "events" / "trainer.0.sqlite").unlink()

    first = lineseal(home, "materialise")
    second = lineseal(home, "materialise", "--json")

    assert (first.returncode, second.returncode) == (1, 1)
    assert first.stderr.splitlines()[0].startswith(
        "warning: the log has no file trainer.0.sqlite any more, which was read up to position 1;"
    )
    assert first.stderr.count("trainer.0.sqlite") == 1
    (warning,) = json.loads(second.stdout)["warnings"]
    assert "trainer.0.sqlite" in warning
    assert stored_runs(home) == {"run-1"}


def test_a_damaged_file_of_the_log_is_a_finding(home: Home) -> None:
    """Said once, and the other files go on."""
    emit(home, "run-1")
    damaged = home.path / "log" / "events" / "other.0.sqlite"
    damaged.write_bytes(b"no database" * 500)

    done = lineseal(home, "materialise", "--json")

    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith(f"warning: {damaged} is damaged")
    assert done.stderr.count("is damaged") == 1
    answer = json.loads(done.stdout)
    assert (answer["rows"][0]["events"], len(answer["warnings"])) == (1, 1)
    assert stored_runs(home) == {"run-1"}
