"""Runs the rules on what is new, and keeps their alerts.

Each rule has a watermark: the ingest time of the newest commit it has seen. A rule runs when
tables it reads have newer rows, and judges again whatever these touch, however old that is; so
late facts are judged like early ones. Rules about absence run at ticks, signed moments, and never
look at a clock. A rule whose text or policy changed looks at everything again. What is found and
how far the rules looked are committed together: a kill at any moment loses nothing.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import duckdb

from lineseal.consumers.detect import records
from lineseal.consumers.detect.context import contexts
from lineseal.consumers.detect.findings import Finding, Occurrence, Part, ask, combine, gather
from lineseal.consumers.detect.lifecycle import Change, changes
from lineseal.consumers.detect.news import fresh, prepare, prepare_training, show
from lineseal.consumers.detect.parts import PartChanges, compare, parts_of
from lineseal.consumers.detect.policy import Policy
from lineseal.queries.rules import Rule
from lineseal.schemas.errors import LinesealError
from lineseal.schemas.ids import now_us

_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - the store's times are UTC without zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """Say what one round of detections did.

    Attributes:
        rules_run: How many rules were asked.
        opened: Alerts opened, or open again.
        updated: Alerts that grew.
        closed: Alerts closed.
        failures: Sentences about rules that could not be run; the others went on.
        ticked: Whether rules about absence were judged.

    """

    rules_run: int = 0
    opened: int = 0
    updated: int = 0
    closed: int = 0
    failures: tuple[str, ...] = ()
    ticked: bool = False

    def __add__(self, other: Detection) -> Detection:
        """Add the numbers of two rounds."""
        return Detection(
            rules_run=self.rules_run + other.rules_run,
            opened=self.opened + other.opened,
            updated=self.updated + other.updated,
            closed=self.closed + other.closed,
            failures=tuple(dict.fromkeys((*self.failures, *other.failures))),
            ticked=self.ticked or other.ticked,
        )


@dataclass(slots=True)
class _Round:
    """Collects what one round finds."""

    moved: PartChanges = field(default_factory=PartChanges)
    progress: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    failures: list[str] = field(default_factory=list[str])
    asked: int = 0


class Detector:
    """Runs one policy's rules over a store. Not safe to share between threads."""

    def __init__(
        self,
        policy: Policy,
        *,
        tick_seconds: int = 60,
        rule_seconds: float = 30.0,
        context_days: int = 14,
        clock: Callable[[], int] = now_us,
    ) -> None:
        """Run the rules of *policy*; *clock* gives microseconds UTC."""
        self._policy = policy
        self._tick_seconds = tick_seconds
        self._rule_seconds = rule_seconds
        self._context_days = context_days
        self._clock = clock
        self._off: set[str] = set()

    def due_tick(self, connection: duckdb.DuckDBPyConnection) -> dt.datetime | None:
        """Return the moment to judge absence at when one is due, else None.

        Never earlier than the tick before it, also when the clock was set back.
        """
        now = _EPOCH + dt.timedelta(microseconds=self._clock())
        row = connection.execute("SELECT max(tick_time) FROM tick").fetchone()
        last = None if row is None else row[0]
        if last is not None and now < last + dt.timedelta(seconds=self._tick_seconds):
            return None
        return now

    def run(
        self,
        connection: duckdb.DuckDBPyConnection,
        tick: Mapping[str, Any] | None = None,
        transaction: Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]] | None = None,
    ) -> Detection:
        """Ask the rules about everything that came since each of them last looked.

        Args:
            connection: The store's, outside any transaction.
            tick: The row of ``tick`` to judge absence at; None leaves those rules out.
            transaction: Opens a transaction on the store; by default one on *connection*.

        """
        newest = records.watermark(connection)
        done = _Round()
        states = self._states(connection)
        for since, rules in self._due(states, newest, ticking=tick is not None).items():
            self._ask_group(connection, done, rules, since, newest, tick)
        oldest = self._looked_through(states)
        decided = records.decided_since(connection, oldest) if newest != oldest else []
        rows, written = self._changed(connection, done, decided, newest)
        if written or done.progress or tick:
            with transaction() if transaction else _transaction(connection) as writer:
                if tick is not None:
                    records.write_tick(writer, tick)
                records.write(writer, rows, done.progress, done.moved)
        return Detection(
            rules_run=done.asked,
            opened=sum(change.activity == "open" for change in written),
            updated=sum(change.activity == "update" for change in written),
            closed=sum(change.activity == "close" for change in written),
            failures=tuple(done.failures),
            ticked=tick is not None,
        )

    def _states(self, connection: duckdb.DuckDBPyConnection) -> dict[str, dt.datetime | None]:
        """Return how far each running rule looked; a changed one is not in it."""
        rows = connection.execute(
            "SELECT rule_id, rule_sha256, policy_sha256, watermark FROM detection"
        ).fetchall()
        return {
            rule_id: seen
            for rule_id, sha256, policy, seen in rows
            if policy == self._policy.sha256
            and rule_id in self._policy.rules
            and self._policy.rules[rule_id].sha256 == sha256
        }

    def _looked_through(self, states: Mapping[str, dt.datetime | None]) -> dt.datetime | None:
        seen = [states.get(rule_id) for rule_id in self._policy.rules]
        known = [moment for moment in seen if moment is not None]
        return min(known) if known and len(known) == len(seen) else None

    def _due(
        self,
        states: Mapping[str, dt.datetime | None],
        newest: dt.datetime | None,
        *,
        ticking: bool,
    ) -> dict[dt.datetime | None, list[Rule]]:
        groups: dict[dt.datetime | None, list[Rule]] = {}
        for rule in self._policy.rules.values():
            if rule.rule_id in self._off:
                continue
            since = states.get(rule.rule_id)
            if rule.clock == "tick":
                if ticking:
                    groups.setdefault(None, []).append(rule)
            elif newest is not None and since != newest:
                groups.setdefault(since, []).append(rule)
        return groups

    def _ask_group(
        self,
        connection: duckdb.DuckDBPyConnection,
        done: _Round,
        rules: list[Rule],
        since: dt.datetime | None,
        newest: dt.datetime | None,
        tick: Mapping[str, Any] | None,
    ) -> None:
        news = frozenset[str]()
        if any(rule.clock == "commit" for rule in rules):
            news = fresh(connection, since)
        due = [r for r in rules if r.clock == "tick" or since is None or news.intersection(r.reads)]
        now = tick["tick_time"] if tick is not None else _EPOCH
        found, failed = self._ask_all(connection, done, due, since, now)
        asked = {rule.rule_id: rule for rule in due if rule.rule_id not in failed}
        for rule in rules:
            if rule.rule_id not in failed:
                at = now if rule.clock == "tick" else None
                done.progress.append(self._progress(rule, newest, at))
        parts = [part for key, rule in asked.items() for part in gather(rule, found[key])]
        done.moved.add(compare(connection, asked.values(), parts, everywhere=since is None))
        done.asked += len(asked)

    def _ask_all(
        self,
        connection: duckdb.DuckDBPyConnection,
        done: _Round,
        due: list[Rule],
        since: dt.datetime | None,
        now: dt.datetime,
    ) -> tuple[dict[str, list[Occurrence]], set[str]]:
        """Ask the rules that are due, about training runs in parts; name those that failed."""
        parts = 1
        if any(rule.clock == "commit" for rule in due):
            parts = prepare(connection, since, due)
        failed: set[str] = set()
        found: dict[str, list[Occurrence]] = {rule.rule_id: [] for rule in due}
        for part in range(parts):
            if part:
                prepare_training(connection, part)
            for rule in due:
                if rule.rule_id in failed or (part and not rule.learns):
                    continue
                try:
                    found[rule.rule_id] += self._ask(
                        connection, rule, now, everything=since is None
                    )
                except LinesealError as error:
                    done.failures.append(self._failure(rule, error))
                    failed.add(rule.rule_id)
        return found, failed

    def _failure(self, rule: Rule, error: LinesealError) -> str:
        """Say that *rule* failed; a user's own is not asked again by this process.

        What it costs until it fails would be paid after every commit.
        """
        if not rule.own:
            return str(error)
        self._off.add(rule.rule_id)
        return f"{error}; it is switched off until the next start"

    def _ask(
        self,
        connection: duckdb.DuckDBPyConnection,
        rule: Rule,
        now: dt.datetime,
        *,
        everything: bool,
    ) -> list[Occurrence]:
        parameters = self._policy.parameters[rule.rule_id]
        show(connection, rule, everything=everything)
        return ask(connection, rule, parameters, now=now, seconds=self._rule_seconds)

    def _progress(
        self, rule: Rule, newest: dt.datetime | None, tick: dt.datetime | None
    ) -> dict[str, Any]:
        return {
            "rule_id": rule.rule_id,
            "rule_sha256": rule.sha256,
            "policy_sha256": self._policy.sha256,
            "watermark": newest,
            "tick_time": tick,
            "last_run_at": _EPOCH + dt.timedelta(microseconds=self._clock()),
        }

    def _changed(
        self,
        connection: duckdb.DuckDBPyConnection,
        done: _Round,
        decided: Iterable[str],
        newest: dt.datetime | None,
    ) -> tuple[list[dict[str, Any]], list[Change]]:
        found, ids = self._findings(connection, done), done.moved.alert_ids
        result = changes(
            records.states_of(connection, ids),
            found,
            records.states_of(connection, decided),
            records.decisions(connection, {*decided, *ids}),
        )
        return self._rows(connection, result, newest) if result else [], result

    def _findings(self, connection: duckdb.DuckDBPyConnection, done: _Round) -> list[Finding]:
        """Put every alert whose parts changed together again, of all its parts."""
        moved = done.moved
        groups: dict[str, list[Part]] = {}
        for part in (
            *moved.untouched(parts_of(connection, moved.alert_ids)),
            *moved.added.values(),
        ):
            groups.setdefault(part.alert_id, []).append(part)
        return [combine(group) for group in groups.values()]

    def _rows(
        self,
        connection: duckdb.DuckDBPyConnection,
        result: list[Change],
        newest: dt.datetime | None,
    ) -> list[dict[str, Any]]:
        found = [change.finding for change in result if change.finding is not None]
        batches = records.batches_of(
            connection, {event for finding in found for event in finding.evidence}
        )
        around = contexts(connection, found, days=self._context_days)
        index = records.next_change_index(connection)
        now = _EPOCH + dt.timedelta(microseconds=self._clock())
        rows: list[dict[str, Any]] = []
        for number, change in enumerate(result, index):
            shared: dict[str, Any] = {
                "policy_sha256": self._policy.sha256,
                "ingest_time": newest or _EPOCH,
                "changed_at": now,
            }
            if change.finding is not None:
                shared["batches"] = _distinct(
                    batches[event] for event in change.finding.evidence if event in batches
                )
                shared["context"] = around[change.alert_id]
            rule = self._policy.rules.get(change.rule_id)
            rows.append(records.to_row(change, rule, index=number, shared=shared))
        return rows


@contextlib.contextmanager
def _transaction(
    connection: duckdb.DuckDBPyConnection,
) -> Generator[duckdb.DuckDBPyConnection]:
    connection.execute("BEGIN")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise


def _distinct(places: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({tuple(place.values()): place for place in places}.values())
