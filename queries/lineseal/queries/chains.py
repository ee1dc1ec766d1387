"""Did everything that a producer sealed arrive, and does it count? Epochs, gaps, findings.

An epoch that ended without a final batch is *alive* while its last batch is younger than three
heartbeats; after that it is unknown what came behind.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from lineseal.queries.catalog import query
from lineseal.queries.times import Moment, format_time

HIDING = frozenset({"FORK", "OUTBOX_ROLLBACK", "COUNTER_JUMP", "SILENT_PRODUCER"})
"""Findings behind which something may be that never arrived."""
SPOILING = HIDING | {"REPLAY"}
"""Findings that keep an epoch from being proven whole."""
ACCUSING = frozenset({"FORK", "REPLAY", "KEY_COMPROMISED"})
"""Findings after which batches prove nothing, as view ``untrusted_batch`` says."""
GAP = "GAP"
ALIVE_FOR = dt.timedelta(seconds=180)
"""Three heartbeats (ADR-0005)."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """Hold what the store knows of one epoch; columns as in ``epochs.sql``."""

    producer: str
    epoch: str
    state: str
    batches: int
    events: int
    first_batch_seq: int
    last_batch_seq: int
    missing_batches: int
    missing_tail: int
    lost_events: int
    rejected: int
    head_sha256: str
    first_created_at: dt.datetime
    last_created_at: dt.datetime
    last_seen_at: dt.datetime
    genesis_reason: str | None

    def is_alive(self, now: dt.datetime) -> bool:
        """Tell whether an open epoch may still go on at *now* (naive UTC)."""
        return self.state == "UNCLOSED" and now - self.last_seen_at < ALIVE_FOR

    def faults(self, now: dt.datetime) -> list[tuple[str, str]]:
        """Return code and sentence of everything that is wrong but for missing batches."""
        found: list[tuple[str, str]] = []
        who = f"epoch {self.epoch} of producer {self.producer}"
        if self.state == "UNCLOSED" and not self.is_alive(now):
            last = format_time(self.last_created_at)
            sentence = f"{who} was never closed: what came after its last batch, {last}, is unknown"
            found.append(("epoch_not_closed", sentence))
        if self.lost_events:
            found.append(
                ("lost_events", f"{who} reported {_count(self.lost_events, 'lost event')}")
            )
        if self.rejected:
            refused = _count(self.rejected, "record")
            found.append(("rejected_events", f"{refused} of {who} had to be rejected"))
        return found


@dataclass(frozen=True, slots=True)
class Gap:
    """Name missing batches, both ends included; a time that is None has no bound."""

    producer: str
    epoch: str
    first_missing: int
    last_missing: int
    start: dt.datetime | None
    end: dt.datetime | None

    def overlaps(self, start: dt.datetime, end: dt.datetime | None) -> bool:
        """Tell whether the gap touches the time from *start* to *end*, both included."""
        return (self.end is None or self.end >= start) and (
            end is None or self.start is None or self.start <= end
        )

    @property
    def sentence(self) -> str:
        """Say what is missing and when."""
        which = f"batch {self.first_missing} is"
        if self.last_missing > self.first_missing:
            which = f"batches {self.first_missing} to {self.last_missing} are"
        return f"{which} missing from epoch {self.epoch} of producer {self.producer} ({self._when})"

    @property
    def _when(self) -> str:
        start, end = format_time(self.start), format_time(self.end)
        if start and end:
            return f"between {start} and {end}"
        return f"from {start} on" if start else f"before {end}"


@dataclass(frozen=True, slots=True)
class Finding:
    """Hold what else is wrong with a chain or a key; columns as in ``findings.sql``."""

    code: str
    producer: str
    epoch: str | None
    finding_id: str
    keyid: str | None
    first_batch_seq: int | None
    last_batch_seq: int | None
    span_start: dt.datetime | None
    span_end: dt.datetime | None
    detail: str

    def overlaps(self, start: dt.datetime, end: dt.datetime | None) -> bool:
        """Tell whether what it is about touches the time from *start* to *end*, both included."""
        return (self.span_end is None or self.span_end >= start) and (
            end is None or self.span_start is None or self.span_start <= end
        )

    @property
    def as_gap(self) -> Gap:
        """Return the same, of a finding whose code is ``GAP``."""
        return Gap(
            self.producer,
            self.epoch or "",
            self.first_batch_seq or 0,
            self.last_batch_seq or 0,
            self.span_start,
            self.span_end,
        )

    @property
    def sentence(self) -> str:
        """Say what is wrong, where."""
        where = f"epoch {self.epoch} of producer {self.producer}"
        if self.epoch is None:
            where = f"producer {self.producer}"
        which = ""
        if self.first_batch_seq is not None and self.code != "OUTBOX_ROLLBACK":
            last = self.last_batch_seq
            which = f"batch {self.first_batch_seq} of "
            if last is not None and last > self.first_batch_seq:
                which = f"batches {self.first_batch_seq} to {last} of "
        return f"{self.code} in {which}{where}: {self.detail} (finding {self.finding_id})"


class Chains:
    """Holds the epochs, gaps and findings of some producers at one moment."""

    def __init__(
        self, epochs: Iterable[Epoch], gaps: Iterable[Gap], findings: Iterable[Finding] = ()
    ) -> None:
        """Index epochs by (producer, epoch), gaps and findings by producer.

        Findings that accuse batches of proving nothing may be of any producer.
        """
        self.epochs = {(epoch.producer, epoch.epoch): epoch for epoch in epochs}
        self.gaps: dict[str, list[Gap]] = {}
        for gap in gaps:
            self.gaps.setdefault(gap.producer, []).append(gap)
        self.findings: dict[str, list[Finding]] = {}
        for finding in findings:
            self.findings.setdefault(finding.producer, []).append(finding)
        self.accused = {
            producer
            for producer, found in self.findings.items()
            if any(finding.code in ACCUSING for finding in found)
        }

    @classmethod
    def load(
        cls,
        connection: duckdb.DuckDBPyConnection,
        moment: Moment,
        *,
        faulty: bool = False,
    ) -> Chains:
        """Load the chains of all producers; *faulty* leaves out epochs without loss or reject."""
        known_at = moment.known_at
        epochs = query("epochs").rows(connection, faulty=faulty or None, known_at=known_at)
        return cls((Epoch(*row) for row in epochs), *_findings(connection, None, moment))

    @classmethod
    def around(
        cls,
        connection: duckdb.DuckDBPyConnection,
        moment: Moment,
        epochs: Iterable[str],
        producers: Iterable[str],
    ) -> Chains:
        """Load some epochs, and gaps and findings of some producers."""
        rows = query("epochs_of").rows(
            connection, epochs=sorted(set(epochs)), known_at=moment.known_at
        )
        return cls((Epoch(*row) for row in rows), *_findings(connection, producers, moment))


def _findings(
    connection: duckdb.DuckDBPyConnection, producers: Iterable[str] | None, moment: Moment
) -> tuple[list[Gap], list[Finding]]:
    rows = query("findings").rows(
        connection,
        producers=None if producers is None else sorted(set(producers)),
        known_at=moment.known_at,
    )
    found = [Finding(*row) for row in rows]
    gaps = [finding.as_gap for finding in found if finding.code == GAP]
    return gaps, [finding for finding in found if finding.code != GAP]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
