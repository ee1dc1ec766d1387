"""Draws random histories and writes them as a materialiser would: events in batches, in commits.

A history has gaps (batches that never arrive), late batches, events that arrive twice, several
epochs per producer, forks (two batches with one number), batches behind a final one, losses,
refused records, unversioned and overlapping uses, imports, opaque registrations. The same seed
gives the same history. Times are seconds after ``START``.

Several histories can share a store: each has names, producers and a time of its own, and they
arrive in the same commits. For the oracle that is one larger history.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import duckdb
from tests.property.graph_oracle import Said, Use

from lineseal.consumers.copies import update_copies
from lineseal.consumers.findings import update_chain_findings
from lineseal.consumers.resolve import resolve
from lineseal.consumers.rows import Row, Rows
from lineseal.consumers.write import TableWriter

START = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - the store keeps UTC without zone
FIRST_COMMIT, COMMIT_STEP = 800, 100
LENGTH = 1500
"""No history lasts longer, in seconds of event time."""
NAMES = ("a", "b", "c", "m")
"""Three data sets and a model."""
DIGESTS = tuple("sha256:" + 64 * letter for letter in "12")
FINAL = 4
Reject = tuple[str | None, str | None, str, int]
"""Producer, epoch, code, ingest."""


@dataclass(frozen=True)
class Batch:
    """One batch; ``ingest`` is None when it never arrives, ``after`` what its genesis names.

    What comes later goes on from branch 0; another branch has the same number.
    """

    producer: str
    epoch: str
    seq: int
    created: int
    ingest: int | None
    final: bool
    lost: int
    after: tuple[str, int] | None
    reason: str
    branch: int = 0


@dataclass(frozen=True)
class Record:
    """One event with its batch's epoch and arrival; ``opaque`` is for registrations."""

    said: Said
    epoch: str
    seq: int
    branch: int
    ingest: int
    opaque: bool


@dataclass
class History:
    """Everything that happened, and what of it arrived when.

    ``tag`` ends the names and producers of a history that shares a store; ``begins`` is its time.
    In a ``deep`` one each run goes on from what the one before wrote;
    few ``names`` make many meet.
    """

    seed: int
    cap: int
    tag: str = ""
    begins: int = 0
    deep: bool = False
    names: tuple[str, ...] = NAMES
    first_commit: int = FIRST_COMMIT
    records: list[Record] = field(default_factory=list[Record])
    batches: list[Batch] = field(default_factory=list[Batch])
    rejects: list[Reject] = field(default_factory=list[Reject])

    @property
    def busy(self) -> bool:
        """Tell whether there are many runs."""
        return self.deep or len(self.names) < len(NAMES)

    @property
    def commits(self) -> list[int]:
        """Return the ingest times there are."""
        return sorted(
            {record.ingest for record in self.records}
            | {batch.ingest for batch in self.batches if batch.ingest is not None}
            | {reject[3] for reject in self.rejects}
        )


def kind_of(name: str) -> str:
    """Return the kind of the artifact of a name."""
    return "model" if name.startswith("m") else "dataset"


def draw(seed: int, *, place: int = 0, of: int = 1) -> History:
    """Draw the history of *seed*, as number *place* of several in one store."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    cap = rng.choice((1, 2, 64, 64))
    begins, ends = place * LENGTH, of * LENGTH if of > 1 else 0
    tag, deep = f"{place}" if of > 1 else "", rng.random() < 0.1
    names = rng.choice((NAMES, NAMES, NAMES, ("a", "m")))
    history = History(seed, cap, tag, begins, deep, names, FIRST_COMMIT + ends)
    commits = rng.randint(1, 3)
    tidy = rng.random() < 0.5
    for producer in ("p", "q"):
        _draw_producer(rng, history, f"{producer}{history.tag}", commits, tidy=tidy)
    if not tidy and rng.random() < 0.15:
        code = rng.choice(("KEY_EXPIRED", "BAD_SIGNATURE"))
        history.rejects.append((None, None, code, _commit(rng, history, commits)))
    return history


def draw_together(seeds: Sequence[int]) -> History:
    """Draw one history that is made of those of *seeds*, one behind the other."""
    parts = [draw(seed, place=place, of=len(seeds)) for place, seed in enumerate(seeds)]
    whole = History(seeds[0], parts[0].cap)
    for part in parts:
        whole.records += part.records
        whole.batches += part.batches
        whole.rejects += part.rejects
    return whole


def _commit(rng: random.Random, history: History, commits: int) -> int:
    return history.first_commit + COMMIT_STEP * rng.randrange(commits)


def _draw_producer(
    rng: random.Random, history: History, producer: str, commits: int, *, tidy: bool
) -> None:
    before: tuple[str, int] | None = None
    clock = history.begins
    for number in range(rng.randint(1, 2)):
        epoch = f"{producer}{number}"
        last = rng.randint(0, 2)
        closed = tidy or rng.random() < 0.6
        # Behind a final batch nothing may come.
        final = last - 1 if last and not tidy and rng.random() < 0.05 else last
        forked = rng.randint(0, last) if not tidy and rng.random() < 0.06 else None
        for seq in range(last + 1):
            low, clock = clock, clock + rng.randint(60, 240)
            for branch in range(2 if seq == forked else 1):
                lost = not tidy and rng.random() < 0.1
                ingest = _commit(rng, history, commits)
                batch = Batch(
                    producer,
                    epoch,
                    seq,
                    clock + branch * rng.randint(1, 30),
                    None if lost else ingest,
                    closed and seq == final,
                    1 if not tidy and rng.random() < 0.03 else 0,
                    before if seq == 0 else None,
                    "lost" if not tidy and rng.random() < 0.03 else "opened",
                    branch,
                )
                history.batches.append(batch)
                for _ in range(rng.randint(1, 3) if history.busy else rng.randint(0, 2)):
                    record = _draw_event(rng, history, batch, ingest, low, tidy)
                    if not lost:
                        history.records.append(record)
        before = (epoch, last)
        if not tidy and rng.random() < 0.05:
            history.rejects.append((producer, epoch, "MALFORMED", _commit(rng, history, commits)))


def _draw_event(
    rng: random.Random,
    history: History,
    batch: Batch,
    ingest: int,
    low: int,
    tidy: bool,
) -> Record:
    identity = f"{len(history.records):04}-{rng.randrange(10**6):06}-{batch.producer}"
    place = batch.epoch, batch.seq, batch.branch
    # Often at the very edge of what may be missing before or behind the batch.
    at = rng.choice(
        (rng.randint(low, batch.created), rng.randint(low, batch.created), low, batch.created)
    )
    imported = not tidy and rng.random() < 0.1
    if rng.random() < (0.2 if history.busy else 0.45):
        use = _draw_use(rng, history, "registration", tidy)
        opaque = rng.random() < 0.1
        return Record(Said(identity, None, at, imported, (use,)), *place, ingest, opaque)
    if history.deep:
        return Record(_next_run(identity, history, batch, at), *place, ingest, False)
    uses = tuple(
        _draw_use(rng, history, rng.choice(("input", "output")), tidy)
        for _ in range(rng.randint(1, 3))
    )
    # Short runs come one behind the other, long ones overlap.
    short = f"s{len(history.records)}"
    runs = ("r1", "r2", short, short) if history.busy else ("r1", "r2", "r3")
    run = (batch.producer, rng.choice(runs))
    return Record(Said(identity, run, at, imported, uses), *place, ingest, False)


def _next_run(identity: str, history: History, batch: Batch, at: int) -> Said:
    """Read what the run before wrote, and write the next of a dozen versions."""
    number = len(history.records)
    versions = [(name + history.tag, version) for version in "123" for name in NAMES]
    read, written = versions[number % 12], versions[(number + 1) % 12]
    uses = Use("input", *read, None), Use("output", *written, None)
    return Said(identity, (batch.producer, f"s{number}"), at, False, uses)


def _draw_use(rng: random.Random, history: History, direction: str, tidy: bool) -> Use:
    name = rng.choice(history.names) + history.tag
    if tidy and rng.random() < 0.9:
        return Use(direction, name, rng.choice("12"), None)
    named = (None, "1", "1", "2") if direction == "registration" else (None, None, "1", "2")
    version = rng.choice(named)
    return Use(direction, name, version, rng.choice((None, None, *DIGESTS)))


def moment(seconds: int) -> dt.datetime:
    """Turn seconds into a time as the store keeps it."""
    return START + dt.timedelta(seconds=seconds)


def fill(
    connection: duckdb.DuckDBPyConnection,
    history: History,
    *,
    twice: bool,
    after_commit: Callable[[], None] = lambda: None,
) -> None:
    """Write the history commit by commit; *twice* lets some events arrive again, later."""
    writer = TableWriter(connection)
    again: list[Record] = []
    for commit in history.commits:
        rows = Rows()
        arrived = [record for record in history.records if record.ingest == commit]
        for record in arrived:
            _add_frame(rows, record, moment(commit))
        for record in arrived + again:
            _add_event(rows, record, moment(commit))
        again = arrived[:1] if twice else []
        for number, batch in enumerate(history.batches):
            if batch.ingest == commit:
                rows.add("batch", _batch_row(batch, number))
        for number, (accused, epoch, code, ingest) in enumerate(history.rejects):
            if ingest == commit:
                rows.add("reject", _reject_row(number, accused, epoch, code, moment(commit)))
        writer.insert_all(rows)
        update_chain_findings(connection, moment(commit))
        resolve(connection, moment(commit), max_candidates=history.cap)
        update_copies(connection, moment(commit), tail_rows=4)
        after_commit()


def _reject_row(
    number: int, accused: str | None, epoch: str | None, code: str, ingest: dt.datetime
) -> Row:
    return {
        "reject_id": number,
        "code": code,
        "detail": "",
        "stream": "s",
        "position": number,
        "log_key": "p",
        "producer": accused,
        "epoch": epoch,
        "raw": b"",
        "raw_sha256": f"{number}",
        "ingest_time": ingest,
    }


def _add_frame(rows: Rows, record: Record, ingest: dt.datetime) -> None:
    """Add the row that says which batch an event came in."""
    said = record.said
    producer = record.epoch[:-1]
    rows.add(
        "event",
        {
            "event_id": said.event_id,
            "producer": producer,
            "epoch": record.epoch,
            "batch_seq": record.seq,
            "event_index": 0,
            "body": "registration" if said.run is None else "run",
            "event_time": moment(said.at),
            "ingest_time": ingest,
            "run_id": None if said.run is None else said.run[1],
            "actor_kind": "SERVICE",
            "actor_id": producer,
            "actor_verified": False,
            "origin": "import" if said.imported else "emitter",
            "keyid": producer,
            "leaf_sha256": "",
            "raw": b"",
        },
    )


def _add_event(rows: Rows, record: Record, ingest: dt.datetime) -> None:
    said = record.said
    common: Row = {
        "event_id": said.event_id,
        "event_time": moment(said.at),
        "ingest_time": ingest,
        "origin": "import" if said.imported else "emitter",
    }
    if said.run is None:
        (use,) = said.uses
        subject = {"type": "artifact", "name": None, "artifact": _artifact(use)}
        common["producer"] = record.epoch[:-1]
        rows.add("registration", common | {"subject": subject, "opaque": record.opaque})
        return
    common |= {"producer": said.run[0], "run_id": said.run[1]}
    rows.add("run_event", common | {"state": "RUNNING", "epoch": record.epoch})
    for use in said.uses:
        rows.add("run_io", common | _artifact(use) | {"direction": use.direction})


def _artifact(use: Use) -> Row:
    return {
        "kind": kind_of(use.name),
        "namespace": "lake",
        "name": use.name,
        "version": use.version,
        "digest": use.digest,
    }


def _header(producer: str, epoch: str, seq: int, branch: int = 0) -> str:
    return f"header of {producer}/{epoch}/{seq}/{branch}"


def _batch_row(batch: Batch, number: int) -> Row:
    named = batch.after or (None, None)
    genesis = {
        "prev_epoch": named[0],
        "prev_batch_seq": named[1],
        "prev_header_sha256": _header(batch.producer, *batch.after) if batch.after else None,
        "reason": batch.reason,
    }
    before = _header(batch.producer, batch.epoch, batch.seq - 1)
    assert batch.ingest is not None
    return {
        "producer": batch.producer,
        "epoch": batch.epoch,
        "batch_seq": batch.seq,
        "first_seq": batch.seq,
        "event_count": 1,
        "header_sha256": _header(batch.producer, batch.epoch, batch.seq, batch.branch),
        "prev_header_sha256": before if batch.seq else 64 * "0",
        "merkle_root": "",
        "schema_sha256": "",
        "created_at": moment(batch.created),
        "flags": FINAL if batch.final else 0,
        "genesis": genesis if batch.seq == 0 else None,
        "loss": {"count": batch.lost, "first_at": 0, "last_at": 0, "reason": "full"}
        if batch.lost
        else None,
        "payload_type": "t",
        "header": b"",
        "keyid": batch.producer,
        "signature": b"",
        "stream": "s",
        "position": number,
        "ingest_time": moment(batch.ingest),
    }
