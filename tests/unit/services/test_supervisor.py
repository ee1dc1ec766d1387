"""Services run until they are told to stop, each for itself.

What is promised: a failing service is started again and never ends another; a wrong configuration
at the start ends everything; a service with nothing to do is no failure; stopping names who does
not stop. Source: ``lineseal.services``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lineseal.schemas.errors import ConfigurationError, LogError
from lineseal.services import (
    Service,
    ServiceContext,
    ServiceState,
    Shared,
    SharedKey,
    Supervisor,
    supervisor,
)
from lineseal.settings import Home, Settings

PATIENCE_SECONDS = 20.0
NUMBER: SharedKey[int] = SharedKey("number")


class Lines:
    """Collects what services say."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, dict[str, Any]]] = []

    def debug(self, event: str, **fields: Any) -> None:
        """Keep it."""
        self.said.append(("debug", event, fields))

    def info(self, event: str, **fields: Any) -> None:
        """Keep it."""
        self.said.append(("info", event, fields))

    def warning(self, event: str, **fields: Any) -> None:
        """Keep it."""
        self.said.append(("warning", event, fields))

    def error(self, event: str, **fields: Any) -> None:
        """Keep it."""
        self.said.append(("error", event, fields))


def steady(context: ServiceContext) -> None:
    """Do nothing until told to stop."""
    context.ready()
    context.stop.wait()


def supervise(lines: Lines, **services: Service) -> Supervisor:
    """Start *services* in a home that is nowhere."""
    running = Supervisor(
        services, home=Home(Path("nowhere")), settings=Settings(), log_for=lambda _name: lines
    )
    running.start()
    return running


def eventually(true: Callable[[], bool]) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def states(running: Supervisor) -> dict[str, ServiceState]:
    """Return the state of each service."""
    return {status.name: status.state for status in running.statuses()}


def test_a_failing_service_is_started_again_and_ends_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its failures are reported with their codes, bugs with their traceback."""
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_SECONDS", 0.01)
    lines = Lines()
    failures: list[Exception] = [ValueError("a bug"), LogError("the broker is away")]

    def shaky(context: ServiceContext) -> None:
        if failures:
            raise failures.pop()
        steady(context)

    running = supervise(lines, shaky=shaky, steady=steady)
    eventually(lambda: running.is_ready)
    statuses = {status.name: status for status in running.statuses()}

    assert statuses["shaky"].restarts == 2
    assert statuses["steady"].restarts == 0
    assert statuses["shaky"].error is None
    errors = [(event, fields) for level, event, fields in lines.said if level == "error"]
    assert errors[0][1] == {"code": "LOG", "reason": "the broker is away"}
    assert isinstance(errors[1][1]["exc_info"], ValueError)
    assert running.stop(PATIENCE_SECONDS) == []
    assert set(states(running).values()) == {ServiceState.STOPPED}


def test_a_wrong_configuration_at_the_start_ends_everything() -> None:
    """No restart cures it, and the person who started it is still looking."""

    def misled(context: ServiceContext) -> None:
        raise ConfigurationError("[log] url names no log")

    running = supervise(Lines(), misled=misled, steady=steady)
    eventually(lambda: running.is_over)

    assert isinstance(running.fatal, ConfigurationError)


def test_a_wrong_configuration_later_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever broke it can mend it while the others work."""
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_SECONDS", 0.01)
    turns = iter(range(10))

    def broken_later(context: ServiceContext) -> None:
        context.ready()
        if next(turns) < 2:
            raise ConfigurationError("somebody is editing")
        context.stop.wait()

    running = supervise(Lines(), broken_later=broken_later)
    eventually(lambda: running.is_ready and running.statuses()[0].restarts == 2)

    assert running.fatal is None
    assert running.stop(PATIENCE_SECONDS) == []


def test_a_service_with_nothing_to_do_is_no_failure() -> None:
    """It is idle, not started again, and does not keep the others from being ready."""
    lines = Lines()

    running = supervise(lines, nothing=lambda _context: None, steady=steady)
    eventually(lambda: running.is_ready)

    assert states(running) == {"nothing": ServiceState.IDLE, "steady": ServiceState.READY}
    assert not [line for line in lines.said if line[0] == "error"]
    running.stop(PATIENCE_SECONDS)
    assert not running.is_ready


def test_who_does_not_stop_is_named() -> None:
    """So that the process can end all the same and say why."""
    release = threading.Event()

    def deaf(context: ServiceContext) -> None:
        context.ready()
        release.wait()

    running = supervise(Lines(), deaf=deaf, steady=steady)
    eventually(lambda: running.is_ready)
    left = running.stop(0.2)
    release.set()

    assert left == ["deaf"]


def test_what_is_offered_reaches_who_waits() -> None:
    """Offered late, withdrawn in time, and a stop ends the waiting."""
    shared, stop, got = Shared(), threading.Event(), list[int | None]()
    waiter = threading.Thread(target=lambda: got.append(shared.wait(NUMBER, stop)))
    waiter.start()
    with shared.offering(NUMBER, 7):
        waiter.join(PATIENCE_SECONDS)
    late = shared.get(NUMBER)
    timed_out = shared.wait(NUMBER, stop, timeout=0.01)
    stop.set()

    assert (got, late, timed_out) == ([7], None, None)
    assert shared.wait(NUMBER, stop) is None
