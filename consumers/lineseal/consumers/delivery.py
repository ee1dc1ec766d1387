"""Sorts the records of one step into rows: accepted, known already, refused.

Reads the store where earlier batches matter (chains, known rejects), writes nothing. All
records of a step see each other, as if they had come in steps of one.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import duckdb

from lineseal.consumers.apply import Arrival, apply
from lineseal.consumers.chain import load_chains
from lineseal.consumers.columnar.judge import accept_in_columns
from lineseal.consumers.journal import Entry, Journal, Tail
from lineseal.consumers.judge import judge_events, judge_record
from lineseal.consumers.report import StepReport
from lineseal.consumers.rows import Rows
from lineseal.schemas.errors import ContractError, LogGap, PoisonSkipped
from lineseal.signing.keyring import Keyring
from lineseal.signing.verify import VerifiedBatch
from lineseal.transport.base import LogRecord

Place = tuple[str, int, str]
"""Stream, position, SHA-256 of the value: names a record for good."""


def place_of(record: LogRecord) -> Place:
    """Name *record*: a file put back under an old name has other values at its positions."""
    return record.stream, record.position, hashlib.sha256(record.value).hexdigest()


@dataclass(frozen=True, slots=True)
class Precedents:
    """Hold what was decided about records before.

    Attributes:
        arrived: When a record that was refused came first, microseconds UTC.
        refusals: Why a record was refused at the very moment that is being repeated.

    """

    arrived: Mapping[Place, int] = field(default_factory=dict[Place, int])
    refusals: Mapping[Place, ContractError] = field(default_factory=dict[Place, ContractError])


class Delivery:
    """Turns records into the rows of one commit.

    Attributes:
        ingest_time: The commit's, microseconds UTC.
        rows: What to insert.
        positions: The next position to read in each stream that had records.

    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        tail: Tail,
        *,
        deployment: str,
        now: int,
        seen_at: Callable[[str], int | None] | None = None,
    ) -> None:
        """Prepare an empty commit.

        Args:
            connection: For reading what the store knows.
            tail: Where its log ends.
            deployment: The deployment it serves.
            now: Clock reading, microseconds UTC.
            seen_at: Tells by the SHA-256 of its header when a batch was accepted before.

        """
        self._connection = connection
        self._deployment = deployment
        self._seen_at = seen_at
        # Later than every commit before, also when the clock was set back: known_from and
        # known_to would otherwise overlap, and --known-at would not be exact.
        self.ingest_time = max(now, tail.last_ingest_time + 1)
        self.rows = Rows()
        self.positions: dict[str, int] = {}
        self._one_by_one: list[list[int]] = []
        self._journal = Journal(tail, self.rows)
        self._counts: Counter[str] = Counter()
        self._rejects: Counter[str] = Counter()

    @property
    def entries(self) -> list[Entry]:
        """Return the log's entries of these rows, in the order of the log."""
        return self._journal.entries

    @property
    def tail(self) -> Tail:
        """Return where the store's log ends once these rows are committed."""
        return self._journal.tail

    @property
    def report(self) -> StepReport:
        """Return what the store will have gained once these rows are committed."""
        return StepReport(
            records=self._counts["records"],
            batches=self._counts["batches"],
            events=self._counts["events"],
            duplicates=self._counts["duplicates"],
            rejects=dict(sorted(self._rejects.items())),
        )

    def take(
        self,
        records: Sequence[LogRecord],
        keyring: Keyring,
        stored: Mapping[str, int],
        precedents: Precedents | None = None,
    ) -> None:
        """Judge *records* and add their rows; *stored* are the positions of the store."""
        judged = [(record, self._judge(record, keyring, precedents)) for record in records]
        chains = load_chains(
            self._connection,
            [batch.header for _, batch in judged if isinstance(batch, VerifiedBatch)],
        )
        new: list[tuple[VerifiedBatch, Arrival]] = []
        steps: list[Callable[[], None]] = []
        reached = dict(stored)
        for record, verdict in judged:
            self._counts["records"] += 1
            again = record.position < reached.get(record.stream, 0)
            self.positions[record.stream] = record.next_position
            if not again:
                reached[record.stream] = record.next_position
            if isinstance(verdict, ContractError):
                steps.append(partial(self._refuse, record, verdict, again=again))
                continue
            if chains.admit(verdict.header, verdict.header_sha256):
                steps.append(partial(self._accept, record, verdict, len(new)))
                new.append((verdict, self._arrival(record)))
            else:
                self._counts["duplicates"] += 1
        # All events together first: in columns. Then the log's entries, in the log's order.
        self._one_by_one = accept_in_columns(
            [batch for batch, _ in new], [arrival for _, arrival in new], self.rows
        )
        for step in steps:
            step()

    def take_gap(self, gap: LogGap) -> None:
        """Record that the log lost records, and read on behind them."""
        arrival = Arrival(
            stream=gap.stream,
            position=gap.first,
            log_key="",
            logged_at=None,
            ingest_time=self.ingest_time,
        )
        self._journal.refuse(b"", gap, arrival)
        self._rejects[gap.code] += 1
        self.positions[gap.stream] = gap.resume

    def take_poison(self, record: LogRecord) -> None:
        """Keep a record that is not judged, since that killed the process again and again."""
        error = PoisonSkipped(
            f"three processes died while they dealt with record {record.position} of"
            f" {record.stream} alone; it was not judged: 'lineseal rejects retry --code"
            " POISON_SKIPPED' does"
        )
        self._counts["records"] += 1
        self._journal.refuse(record.value, error, self._arrival(record))
        self._rejects[error.code] += 1
        self.positions[record.stream] = record.next_position

    def _judge(
        self, record: LogRecord, keyring: Keyring, precedents: Precedents | None
    ) -> VerifiedBatch | ContractError:
        arrived = None
        if precedents is not None:
            place = place_of(record)
            if place in precedents.refusals:
                return precedents.refusals[place]
            arrived = precedents.arrived.get(place)
        return judge_record(
            record,
            keyring,
            deployment=self._deployment,
            now=self.ingest_time,
            seen_at=self._seen_at,
            arrived=arrived,
        )

    def _accept(self, record: LogRecord, batch: VerifiedBatch, number: int) -> None:
        """Enter a new batch, and those of its events that did not come in columns."""
        arrival = self._arrival(record)
        events, refused = judge_events(batch, self._one_by_one[number])
        self.rows.extend(apply(batch, events, arrival))
        self._journal.accept(record.value, batch, arrival)
        for item in refused:
            self._journal.refuse(
                batch.events[item.index],
                item.error,
                arrival,
                header=batch.header,
                event_index=item.index,
            )
            self._rejects[item.error.code] += 1
        self._counts["batches"] += 1
        self._counts["events"] += len(batch.events) - len(refused)

    def _refuse(self, record: LogRecord, error: ContractError, *, again: bool) -> None:
        if again and self._was_refused(record):
            self._counts["duplicates"] += 1
            return
        self._journal.refuse(record.value, error, self._arrival(record))
        self._rejects[error.code] += 1

    def _was_refused(self, record: LogRecord) -> bool:
        """Tell whether this very record was refused before: a log may deliver it twice."""
        key = place_of(record)
        if any(
            key == (row["stream"], row["position"], row["raw_sha256"])
            for row in self.rows.of("reject")
        ):
            return True
        found = self._connection.execute(
            "SELECT count(*) FROM reject WHERE stream = ? AND position = ? AND raw_sha256 = ?",
            key,
        ).fetchone()
        return found != (0,)

    def _arrival(self, record: LogRecord) -> Arrival:
        return Arrival(
            stream=record.stream,
            position=record.position,
            log_key=record.key,
            logged_at=record.logged_at,
            ingest_time=self.ingest_time,
        )
