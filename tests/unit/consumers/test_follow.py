"""A following materialiser outlives what passes on its own, and says what it does.

What is promised: retryable trouble is logged and tried again, anything else ends it; log lines
are JSON for collectors and plain for people, and hold no hidden characters. Source: DESIGN 7.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import structlog
from tests.simulator import MemoryReader, Pipeline

from lineseal.consumers.follow import follow
from lineseal.consumers.logs import LOGGER_NAME, configure_logs, get_logger
from lineseal.consumers.materialise import Materialiser
from lineseal.schemas.errors import LogError, OutboxDamaged
from lineseal.schemas.model import RunEvent, RunState
from lineseal.transport.base import LogRecord


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    """Put the loggers back as they were."""
    logger = logging.getLogger(LOGGER_NAME)
    before = (logger.handlers, logger.level, logger.propagate)
    yield
    logger.handlers, logger.level, logger.propagate = before
    structlog.reset_defaults()


class TroubledReader(MemoryReader):
    """A log that fails first, gives what it has, and then asks to stop."""

    def __init__(self, pipeline: Pipeline, trouble: LogError, stop: threading.Event) -> None:
        """Fail once with *trouble*; set *stop* when everything was read."""
        super().__init__(pipeline.log)
        self._trouble: LogError | None = trouble
        self._stop = stop

    def poll(self, limit: int, timeout: float) -> Sequence[LogRecord]:
        """Fail, give, or stop."""
        if self._trouble is not None:
            trouble, self._trouble = self._trouble, None
            raise trouble
        records = super().poll(limit, timeout)
        if not records:
            self._stop.set()
        return records


def test_trouble_that_passes_is_logged_and_survived(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log that cannot be read for a moment costs nothing but a warning."""
    pipeline = Pipeline(tmp_path)
    stop = threading.Event()
    pipeline.producer("trainer").emit(RunEvent(state=RunState.START), run_id="run-1")
    reader = TroubledReader(pipeline, LogError("the broker is away"), stop)
    store = pipeline.open_store()
    materialiser = Materialiser(
        store, reader, pipeline.keyring, pipeline.deployment, pipeline.clock
    )
    configure_logs(as_json=True)

    report = follow(materialiser, store, stop)

    assert report.batches == 1
    assert not store.is_open
    warned, informed = map(json.loads, capsys.readouterr().err.splitlines())
    assert (warned["level"], warned["code"]) == ("warning", "LOG")
    assert warned["reason"] == "the broker is away"
    assert (informed["event"], informed["batches"]) == ("materialised", 1)


def test_trouble_that_stays_ends_it(tmp_path: Path) -> None:
    """What needs a person is not retried for ever."""
    pipeline = Pipeline(tmp_path)
    stop = threading.Event()
    reader = TroubledReader(pipeline, OutboxDamaged("beyond repair"), stop)
    with pipeline.open_store() as store:
        materialiser = Materialiser(
            store, reader, pipeline.keyring, pipeline.deployment, pipeline.clock
        )
        with pytest.raises(OutboxDamaged):
            follow(materialiser, store, stop)


def test_warnings_are_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An expired keyring does not fill the log."""
    pipeline = Pipeline(tmp_path)
    pipeline.keyring_expires = 0
    producer = pipeline.producer("trainer")
    for _ in range(600):
        pipeline.log.append("trainer", producer.seal())
    stop = threading.Event()
    reader = TroubledReader(pipeline, LogError("not yet"), stop)
    store = pipeline.open_store()
    materialiser = Materialiser(
        store, reader, pipeline.keyring, pipeline.deployment, pipeline.clock
    )
    configure_logs(as_json=True)

    report = follow(materialiser, store, stop)

    events = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert report.batches == 600
    assert events.count("materialised") == 2
    assert len([event for event in events if "expired" in event]) == 1


def test_lines_for_people_are_plain_and_safe(capsys: pytest.CaptureFixture[str]) -> None:
    """Level only when it matters, fields in brackets, hidden characters written out."""
    configure_logs(as_json=False)

    get_logger().info("materialised", batches=1)
    get_logger().warning("cannot go on yet", reason="a\x1b[2Jb")
    logging.getLogger("lineseal").warning("lineseal: %s is damaged", "a.sqlite")

    assert capsys.readouterr().err.splitlines() == [
        "materialised (batches=1)",
        r"warning: cannot go on yet (reason=a\u001b[2Jb)",
        "warning: a.sqlite is damaged",
    ]
