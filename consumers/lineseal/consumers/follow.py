"""Keeps a materialiser going until it is told to stop.

DuckDB gives the file to one writer or to many readers. The store stays open here, and this
process answers for the command line meanwhile (``lineseal.consumers.api``).
"""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from types import FrameType

from lineseal.consumers import telemetry
from lineseal.consumers.logs import get_logger
from lineseal.consumers.materialise import Materialiser
from lineseal.consumers.report import StepReport
from lineseal.consumers.store import Store
from lineseal.schemas.errors import LinesealError
from lineseal.services import ServiceLog

POLL_SECONDS = 0.5
"""How long one poll of an idle log waits; a stop is noticed within that time."""
WATCH_SECONDS = 30.0
"""How often an idle log is compared with the keyring and the clock."""
_RETRY_SECONDS = 0.2
_WARN_EVERY = 50
"""Retries between two warnings about the same trouble: ten seconds."""


def materialise_once(
    materialiser: Materialiser, ends: Mapping[str, int] | None = None
) -> StepReport:
    """Deal with everything that is in the log now.

    Args:
        materialiser: What moves it.
        ends: The end of each stream when it began. A log that never stops growing is read up to
            there; without it, until nothing is new.

    """
    total = StepReport(idle=True)
    while True:
        report = materialiser.step()
        telemetry.count(report)
        total += report
        if report.idle or (ends is not None and materialiser.has_reached(ends)):
            return total + materialiser.watch() + materialiser.second_chance()


def follow(
    materialiser: Materialiser,
    store: Store,
    stop: threading.Event,
    log: ServiceLog | None = None,
) -> StepReport:
    """Materialise until *stop* is set; the step under way is finished first.

    Raises:
        LinesealError: Nothing that passes on its own: a keyring that cannot be trusted, a
            store that cannot be written.

    """
    log = log or get_logger()
    total = StepReport(idle=True)
    retries = 0
    watched = -WATCH_SECONDS
    while not stop.is_set():
        try:
            report = materialiser.step(timeout=POLL_SECONDS)
        except LinesealError as error:
            if not error.retryable:
                raise
            if retries % _WARN_EVERY == 0:
                log.warning("cannot go on yet", code=error.code, reason=str(error))
            retries += 1
            stop.wait(_RETRY_SECONDS)
            continue
        retries = 0
        for warning in set(report.warnings) - set(total.warnings):
            log.warning(warning)
        if report.idle and time.monotonic() - watched > WATCH_SECONDS:
            watched = time.monotonic()
            report += _watch(materialiser)
        if not report.idle:
            log.info("materialised", **counts(report))
            telemetry.count(report)
        total += report
    store.release()
    return total


def _watch(materialiser: Materialiser) -> StepReport:
    try:
        report = materialiser.watch() + materialiser.second_chance()
    except LinesealError as error:
        if not error.retryable:
            raise
        return StepReport(idle=True)
    for identity, code in report.opened.items():
        get_logger().warning("found", code=code, finding=identity)
    return report


def counts(report: StepReport) -> dict[str, object]:
    """Return the numbers of a report under the names that logs and ``--json`` use."""
    return {
        "records": report.records,
        "batches": report.batches,
        "events": report.events,
        "duplicates": report.duplicates,
        "rejected": report.rejected,
        "reject_codes": dict(report.rejects),
        "findings": dict(Counter(report.opened.values())),
    }


def stop_on_signals() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set; a second SIGINT interrupts at once."""
    stop = threading.Event()
    previous: dict[int, Callable[..., object] | int | None] = {}

    def handle(number: int, frame: FrameType | None) -> None:
        del frame
        stop.set()
        signal.signal(number, previous[number] or signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        previous[number] = signal.signal(number, handle)
    return stop
