"""An emitter that is called, closed or forked in the middle of its own work.

What is promised: a signal handler waits for nobody who waits for its thread, its child's ids are
its own, and no warning tells of a loss that is none. Source: DESIGN 5; faults F52, F53.
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.unit.producers.world import BODY, make_home, said_in

from lineseal.producers import Emitter
from lineseal.settings import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a home with a producer."""
    return make_home(tmp_path)


@pytest.fixture
def emitter(home: Home) -> Iterator[Emitter]:
    """Return an emitter of that home."""
    with Emitter.from_env(home=home.path) as emitter:
        yield emitter


def test_closing_in_mid_commit_does_not_wait(
    emitter: Emitter, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal handler would wait for the sealing thread, which waits for the handler's own."""
    emitter.emit(BODY)
    emitter.flush()
    assert emitter._delivery is not None
    sealing = emitter._delivery._sealing
    assert sealing is not None
    assert sealing._thread is not None
    waited: list[float] = []
    store = sealing.outbox._database.add_pending

    def handle(events: Sequence[bytes]) -> None:
        emitter.close()
        store(events)

    with monkeypatch.context() as patch:
        patch.setattr(sealing.outbox._database, "add_pending", handle)
        patch.setattr(sealing._thread, "join", waited.append)
        second = emitter.emit(BODY)
    sealing._thread.join()

    assert second
    assert not waited
    assert said_in(home)[-1].event_id == second
    assert emitter.stats.dropped == 0


def test_a_flush_that_seals_nothing_says_no_event_was_dropped(
    emitter: Emitter, caplog: pytest.LogCaptureFixture
) -> None:
    """Another thread closes the outbox at that very moment."""
    emitter.emit(BODY)
    assert emitter._delivery is not None
    assert emitter._delivery._sealing is not None
    emitter._delivery._sealing.outbox.close()
    emitter.flush()

    assert "flush could not seal now" in caplog.text
    assert "dropped" not in caplog.text


FORK_WITHIN = """
import os
from lineseal.producers import Emitter
from lineseal.producers.envelope import Envelope
from lineseal.schemas.model import *

BODY = Access(principal="p", action=AccessAction.READ, resource=Subject(type="job", name="x"),
              outcome=AccessOutcome.ALLOWED)
emitter = Emitter.from_env(strict=True)
made = []
seal_up = Envelope.seal_up

def fork_at_the_fifth(*values):
    made.append(seal_up(*values))
    if len(made) == 5:
        made.append(os.fork())
    return made[-2] if len(made) == 6 else made[-1]

Envelope.seal_up = fork_at_the_fifth
ids = emitter.emit_many([BODY] * 20)
emitter.close()
if made[5]:
    os.waitpid(made[5], 0)
print(*ids, flush=True)
os._exit(0)
"""


def test_a_child_forked_within_many_makes_ids_of_its_own(home: Home, tmp_path: Path) -> None:
    """By a signal handler; only what was made before the fork is said by both."""
    child, parent = subprocess.run(
        [sys.executable, "-c", FORK_WITHIN],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.splitlines()

    assert child.split()[:5] == parent.split()[:5]
    # The random part; the moment differs anyway.
    assert not {one[15:] for one in child.split()[5:]} & {one[15:] for one in parent.split()[5:]}
