"""A job is never worse off for saying what it does.

What is promised: no mistake in a call, no missing home or key and no full or broken disk raises
into the job; each lost fact is counted, warned of once, and told under signature as soon as
something can be sealed; a strict emitter raises instead. Source: DESIGN 5; faults F17, F54.

Evidence: every mistake a caller can make, and every way an outbox can refuse, with the losses
read back from the signed headers.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lineseal.producers import Emitter, dataset
from lineseal.schemas.errors import (
    HomeNotFound,
    InvalidEvent,
    InvalidReference,
    KeyMissing,
    OutboxFull,
    Unreadable,
)
from lineseal.schemas.model import RunEvent, RunState
from lineseal.settings import Home

from .world import BODY, PRODUCER, command, headers_of, keyring_of, said_in, states, told_by

PATIENCE_SECONDS = 60.0


class Unprintable:
    """A value whose text cannot be had."""

    def __str__(self) -> str:
        """Fail."""
        raise ZeroDivisionError


def wrong_calls(emitter: Emitter, tmp_path: Path) -> int:
    """Make every mistake a job can make, and return how many facts are lost by it."""
    with emitter.run("fraud/train", parameters={"": 1, "ok": Unprintable()}) as run:  # 2
        run.reads("lake/tx", dataset("", "x"), 5)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] # 3
        run.metric("auc", float("nan"))  # 1
        run.metric("auc", "high")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] # 1
        run.reads(dataset("lake", "gone", path=tmp_path / "gone"))  # 0: recorded without a digest
    emitter.emit("no body")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] # 1
    emitter.emit(RunEvent(state=RunState.START))  # 1: no run id
    emitter.validate("dataset:lake/tx", tool="t", name="n", outcome="passed")  # 1
    emitter.approve("modle:x", gate="promotion")  # 1
    return 11


def test_no_mistake_raises_into_the_job(
    emitter: Emitter, home: Home, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each is counted, said once as a warning, and told under signature."""
    with caplog.at_level(logging.WARNING, "lineseal"):
        mistakes = wrong_calls(emitter, tmp_path)
        first = len(caplog.records)
        wrong_calls(emitter, tmp_path)

    said = told_by(emitter, home)

    assert emitter.stats.dropped == 2 * mistakes
    assert states(said) == ["START", "RUNNING", "COMPLETE"] * 2
    assert said[1].body["inputs"][0]["artifact"]["digest"] is None
    assert len(caplog.records) == first
    losses = [header.loss.count for header in headers_of(home) if header.loss is not None]
    assert sum(losses) == 2 * mistakes


def test_a_strict_emitter_raises_instead(home: Home, tmp_path: Path) -> None:
    """The error says what is wrong; nothing of a failed call is recorded."""
    with Emitter.from_env(strict=True) as emitter:
        with pytest.raises(InvalidEvent, match="run_id"):
            emitter.emit_many([BODY, RunEvent(state=RunState.START)])
        with pytest.raises(InvalidReference):
            emitter.approve("modle:x", gate="promotion")
        with pytest.raises(InvalidEvent, match="finite"), emitter.run("a") as run:
            run.metric("auc", float("inf"))
        with pytest.raises(Unreadable), emitter.run("b") as run:
            run.reads(dataset("lake", "gone", path=tmp_path / "gone"))

    assert states(said_in(home)) == ["START", "FAIL"] * 2
    assert emitter.stats.dropped == 0


def test_without_a_home_a_job_runs_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning, everything counted; a strict emitter is not even made."""
    monkeypatch.chdir(tmp_path)
    with caplog.at_level(logging.WARNING, "lineseal"), Emitter.from_env() as emitter:
        with emitter.run("fraud/train") as run:
            run.reads("dataset:lake/tx@3")
        assert emitter.emit(BODY) is None
        emitter.flush()

    assert emitter.stats.dropped == 4
    assert [record.getMessage() for record in caplog.records if "HOME" in record.getMessage()] == [
        caplog.records[0].getMessage()
    ]
    with pytest.raises(HomeNotFound):
        Emitter.from_env(strict=True)
    monkeypatch.setenv("LINESEAL_EMITTER__STRICT", "true")
    (tmp_path / "x").mkdir()
    monkeypatch.setenv("LINESEAL_HOME", str(tmp_path / "x"))
    with pytest.raises(HomeNotFound):
        Emitter.from_env()


def test_without_a_key_a_job_runs_on(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    """The same, found out at the first event."""
    with caplog.at_level(logging.WARNING, "lineseal"), Emitter.from_env(producer="nobody") as some:
        assert [some.emit(BODY) for _ in range(3)] == [None, None, None]

    assert some.stats.dropped == 3
    assert len(caplog.records) == 1
    with Emitter.from_env(producer="nobody", strict=True) as strict, pytest.raises(KeyMissing):
        strict.emit(BODY)


def test_a_folder_that_cannot_be_made_is_a_loss(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Fault F54. The loss is told as soon as an outbox can be opened again."""
    (tmp_path / "in-the-way").write_text("")
    monkeypatch.setenv("LINESEAL_LOG__URL", f"embedded:{tmp_path}/in-the-way")
    emitter = Emitter.from_env()
    assert emitter.emit(BODY) is None
    (tmp_path / "in-the-way").unlink()

    emitter.close()

    monkeypatch.setenv("LINESEAL_LOG__URL", "")
    (tmp_path / "in-the-way").rename(home.path / "log")
    losses = [header.loss for header in headers_of(home) if header.loss is not None]
    assert [(loss.count, loss.reason) for loss in losses] == [(1, "LOG")]


def test_a_full_outbox_drops_and_tells(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault F17: what is lost and what was counted are the same number."""
    monkeypatch.setenv("LINESEAL_EMITTER__MAX_BYTES", str(1024 * 1024))
    with Emitter.from_env() as emitter:
        accepted = [emitter.emit_many([BODY] * 500) for _ in range(30)]
    with Emitter.from_env(strict=True) as strict, pytest.raises(OutboxFull):
        strict.emit_many([BODY] * 500)

    said = said_in(home)
    ids = [event_id for batch in accepted for event_id in batch]

    assert [one.event_id for one in said] == ids
    assert emitter.stats.dropped == 30 * 500 - len(ids) > 0
    losses = [header.loss for header in headers_of(home) if header.loss is not None]
    assert sum(loss.count for loss in losses if loss.reason == "OUTBOX_FULL") >= (
        emitter.stats.dropped
    )


def test_a_loss_is_told_soon_though_many_events_leave_nothing_pending(home: Home) -> None:
    """What emit_many sealed itself wakes nobody; the loss before it does."""
    with Emitter.from_env() as emitter:
        emitter.emit("no body")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        accepted = emitter.emit_many([BODY] * 600)
        assert [one.event_id for one in said_in(home)] == accepted
        assert len(set(accepted)) == 600
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (losses := [h.loss.count for h in headers_of(home) if h.loss is not None]):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    assert losses == [1]


TWICE = """
from lineseal.producers import Emitter

for producer in ("trainer", "trainer", "nobody", "nobody"):
    with Emitter.from_env(producer=producer) as emitter:
        emitter.record_access("p", "read", "job:x")
"""


def test_a_warning_in_a_job_says_who_speaks_and_is_said_once(home: Home, tmp_path: Path) -> None:
    """The job has not set up logging: what Python prints then is all its reader gets."""
    (home.keys / f"{PRODUCER}.pem").chmod(0o644)
    (home.path / "log" / "events").mkdir()
    (home.path / "log" / "events" / f"{PRODUCER}.0.sqlite").write_bytes(b"no database" * 500)

    done = subprocess.run(
        [sys.executable, "-c", TWICE], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    said = [line for line in done.stderr.splitlines() if "file system" not in line]
    assert [line.partition(" ")[0] for line in said] == ["lineseal:"] * 3
    assert "chmod 600" in said[0]
    assert "is damaged" in said[1]
    assert "'lineseal keys new nobody --enrol'" in said[2]


def test_a_key_that_nobody_will_believe_is_warned_of_once(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """The job goes on: what it seals may be believed once the key is enrolled."""
    command("keys", "new", "gate")
    command("keys", "new", "bob", "--person")
    for _ in range(2):
        for producer in ("gate", "person:bob"):
            with Emitter.from_env(producer=producer) as emitter:
                assert emitter.emit(BODY)

    texts = [record.getMessage() for record in caplog.records]
    said = [text for text in texts if "the materialiser will refuse what it signs" in text]
    assert len(said) == 2
    assert said[0].endswith("run 'lineseal keys enrol gate'")
    assert said[1].endswith("run 'lineseal keys enrol bob --person'")


def test_a_key_that_ended_is_warned_of(
    home: Home, emitter: Emitter, caplog: pytest.LogCaptureFixture
) -> None:
    """Enrolling it again would be refused; a rotation helps."""
    command("keys", "revoke", PRODUCER, "--reason", "stolen")

    emitter.emit(BODY)

    assert "was revoked; the materialiser" in caplog.text
    assert f"run 'lineseal keys rotate {PRODUCER}'" in caplog.text


def test_without_a_keyring_there_is_nothing_to_warn_of(
    home: Home, emitter: Emitter, caplog: pytest.LogCaptureFixture
) -> None:
    """It need not lie where jobs run; one that cannot be trusted says nothing either."""
    assert keyring_of(home).entries
    home.keyring.write_text("{}")
    emitter.emit(BODY)
    emitter.close()
    home.keyring.unlink()
    emitter.emit(BODY)

    assert emitter.stats.accepted == 2
    assert "will refuse" not in caplog.text
