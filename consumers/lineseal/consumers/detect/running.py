"""Detects after each commit, and hands the alerts to the log.

Everything is read from the store and remembered in it once the log has it, so a kill costs a
repetition, never an alert. No failure here stops the materialiser: it is a warning, and the next
turn tries again. Without a key that has the role ``detect`` alerts are kept in the store alone.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Callable, Mapping
from typing import Any

import duckdb

from lineseal.consumers.detect.detector import Detection, Detector
from lineseal.consumers.detect.fit import check_fit
from lineseal.consumers.detect.policy import load_policy
from lineseal.consumers.detect.policy_record import record_policy
from lineseal.consumers.logs import get_logger
from lineseal.consumers.report import StepReport
from lineseal.consumers.store import Store, write_fact
from lineseal.schemas.errors import (
    KeyMissing,
    LinesealError,
    LogError,
    StoreError,
    StoreIncompatible,
)
from lineseal.schemas.ids import now_us
from lineseal.settings import Home, Settings
from lineseal.signing.alert_record import NO_PREVIOUS, sign_alert_record
from lineseal.signing.signers import KeySigner, file_uri, load_signer
from lineseal.transport.base import ALERTS_TOPIC, LogWriter
from lineseal.transport.open import open_writer

ALERTS_PUBLISHED = "alerts_published"
"""Store fact: index of the next change to publish, a space, SHA-256 of the last payload."""
INTERVAL_SECONDS = 1.0
"""While the log has more, detections run at most this often."""
_FLUSH_SECONDS = 5.0
_MAX_CHANGES = 256
_PAUSE_SECONDS = 10.0


class Detections:
    """Runs the detections of one home over its open store. Close it; not safe between threads."""

    def __init__(
        self, home: Home, settings: Settings, store: Store, clock: Callable[[], int] = now_us
    ) -> None:
        """Load rules and policy; nothing is opened yet.

        Raises:
            ConfigurationError: A rule or ``[policy]`` is wrong.
            KeyUnusable: The key that signs alerts is there and cannot be used.

        """
        self._home, self._settings, self._store = home, settings, store
        self._policy = load_policy(settings, home)
        self._detector = Detector(
            self._policy,
            tick_seconds=settings.detect.tick_seconds,
            rule_seconds=settings.detect.rule_seconds,
            context_days=settings.detect.context_days,
            clock=clock,
        )
        self._signer = _signer(home, settings)
        self._writer: LogWriter | None = None
        self._pending = True  # a killed predecessor may have left something
        self._not_before = 0.0
        self._next_tick = 0.0
        self._said: set[str] = set()
        self._fits = False
        self._off = False
        self.total = Detection()

    def after_step(self, report: StepReport) -> None:
        """Detect what a step brought; with nothing new, when a tick is due."""
        self._pending = self._pending or not report.idle
        now = time.monotonic()
        if self._off or now < self._not_before or not (self._pending or now >= self._next_tick):
            return
        try:
            self.run()
        except StoreIncompatible as error:
            get_logger().error("detections are off", code=error.code, reason=str(error))
            self._off = True
            return
        except (LinesealError, duckdb.Error) as error:
            code = error.code if isinstance(error, LinesealError) else StoreError.code
            reason = str(error).partition("\n")[0]
            get_logger().warning("cannot detect yet", code=code, reason=reason)
            self._not_before = now + _PAUSE_SECONDS
            return
        self._pending = False
        self._not_before = now + (0.0 if report.idle else INTERVAL_SECONDS)

    def run(self) -> Detection:
        """Detect now, publish, and return what was done.

        Raises:
            StoreIncompatible: An older Lineseal made the store; it has to be rebuilt.

        """
        if not self._fits:
            check_fit(self._store.connection)
            self._fits = True
        record_policy(self._home, self._settings, self._store, self._policy)
        connection = self._store.connection
        moment = self._detector.due_tick(connection)
        tick = None if moment is None else self._sign_tick(moment)
        done = self._detector.run(connection, tick, self._store.transaction)
        if tick is not None:
            self._next_tick = time.monotonic() + self._settings.detect.tick_seconds
        for failure in done.failures:
            if failure not in self._said:
                self._said.add(failure)
                get_logger().warning("a rule did not run", reason=failure)
        self._publish()
        self.total += done
        return done

    def close(self) -> None:
        """Close the writer of the log."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with contextlib.suppress(LogError):
                writer.close()

    def _sign_tick(self, moment: dt.datetime) -> Mapping[str, Any]:
        row: dict[str, Any] = {"tick_time": moment}
        if self._signer is not None:
            index, previous = self._published()
            sha256 = self._append(previous, {"tick": _shown(moment)})
            self._finish(index, sha256)
            row |= {"producer": self._settings.detect.producer, "record_sha256": sha256}
        return row

    def _publish(self) -> None:
        if self._signer is None:
            return
        index, previous = self._published()
        while True:
            rows = self._changes(index)
            if not rows:
                return
            for row in rows:
                previous = self._append(previous, {"alert": row})
            index += len(rows)
            self._finish(index, previous)

    def _changes(self, start: int) -> list[dict[str, Any]]:
        result = self._store.connection.execute(
            "SELECT * FROM alert_change WHERE change_index >= $start"
            " ORDER BY change_index LIMIT $limit",
            {"start": start, "limit": _MAX_CHANGES},
        )
        names = [column[0] for column in result.description or ()]
        return [
            {name: _shown(value) for name, value in zip(names, row, strict=True)}
            for row in result.fetchall()
        ]

    def _published(self) -> tuple[int, str]:
        index, _, sha256 = (self._store.fact(ALERTS_PUBLISHED) or f"0 {NO_PREVIOUS}").partition(" ")
        return int(index), sha256

    def _append(self, previous: str, content: Mapping[str, Any]) -> str:
        if self._signer is None:
            raise KeyMissing("there is no key that signs alerts")
        if self._writer is None:
            name = self._settings.detect.producer
            self._writer = open_writer(
                self._settings.log.url, self._home, topic=ALERTS_TOPIC, name=name
            )
        deployment = self._settings.deployment.name
        data, sha256 = sign_alert_record(
            self._signer, deployment=deployment, previous_sha256=previous, content=content
        )
        self._writer.append(deployment, data)
        return sha256

    def _finish(self, index: int, sha256: str) -> None:
        left = 0 if self._writer is None else self._writer.flush(_FLUSH_SECONDS)
        if left:
            self.close()
            raise LogError(f"{left} records for {ALERTS_TOPIC} were not acknowledged yet")
        with self._store.transaction() as connection:
            write_fact(connection, ALERTS_PUBLISHED, f"{index} {sha256}")


def _shown(value: Any) -> Any:
    return (
        f"{value.isoformat(timespec='microseconds')}Z" if isinstance(value, dt.datetime) else value
    )


def _signer(home: Home, settings: Settings) -> KeySigner | None:
    name = settings.detect.producer
    try:
        return load_signer(name if ":" in name else file_uri(home.keys / f"{name}.pem"))
    except KeyMissing:
        return None
