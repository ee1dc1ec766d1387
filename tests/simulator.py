"""A whole pipeline in memory: producers with real keys, a log one can attack, a real store.

It stands on the production protocols, so an attack is written as what it is: change the list
of records, then materialise (python-tuf's repository simulator is the model). Nothing reads the
wall clock; every run gives the same times.

>>> pipeline = Pipeline(tmp_path)
>>> trainer = pipeline.producer("trainer")
>>> trainer.run("run-1", reads=[artifact("dataset:lake/tx@3")], writes=[artifact("model:reg/f@7")])
>>> pipeline.materialise()
>>> pipeline.query("SELECT name, version FROM artifact_version")

To read the store with other code, use ``pipeline.store_path`` after ``materialise``: the file is
released then. To attack, change ``pipeline.log.entries`` (a plain list) before materialising.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from lineseal.consumers.materialise import Materialiser
from lineseal.consumers.report import StepReport
from lineseal.consumers.store import Store
from lineseal.schemas.codec import encode_event
from lineseal.schemas.ids import new_uuid7
from lineseal.schemas.model import (
    Actor,
    ActorKind,
    AnyBody,
    Artifact,
    ArtifactUse,
    BatchFlags,
    Event,
    Job,
    Loss,
    Origin,
    Registration,
    RunEvent,
    RunState,
    Subject,
    body_of,
)
from lineseal.schemas.reference import parse_reference, to_artifact
from lineseal.signing.keyring import KeyEntry, Keyring
from lineseal.signing.sealer import Chain, ChainHead, Sealer
from lineseal.signing.signers import KeySigner, generate_key
from lineseal.transport.base import LogRecord
from tests.new_store import put_new_store

START = 1_767_225_600_000_000
"""2026-01-01 00:00 UTC in microseconds: when every simulation begins."""
SECOND = 1_000_000
DEPLOYMENT = "simulation"


def artifact(reference: str) -> Artifact:
    """Name an artifact as on the command line: ``dataset:lake/tx@3``, ``model:reg/f``."""
    return to_artifact(parse_reference(reference))


class Clock:
    """A clock that moves by one second each time it is read, and when told to."""

    def __init__(self) -> None:
        """Start at ``START``."""
        self.now = START

    def __call__(self) -> int:
        """Return the time in microseconds UTC, then move on by a second."""
        self.now += SECOND
        return self.now

    def advance(self, seconds: float) -> None:
        """Move on, or back when negative."""
        self.now += int(seconds * SECOND)


@dataclass(frozen=True)
class Entry:
    """One record as it lies in the log; its position is its place in its stream."""

    key: str
    value: bytes
    logged_at: int | None = None
    stream: str = "memory"


class MemoryLog:
    """A log in memory. Implements ``LogWriter``; ``entries`` may be changed at will."""

    def __init__(self) -> None:
        """Start empty."""
        self.entries: list[Entry] = []

    def append(self, key: str, value: bytes) -> None:
        """Append one record to the stream ``memory``."""
        self.entries.append(Entry(key, value))

    def flush(self, timeout: float) -> int:
        """Return 0: everything is acknowledged at once."""
        del timeout
        return 0

    def close(self) -> None:
        """Do nothing."""

    def records(self) -> list[LogRecord]:
        """Return all records in the order of ``entries``, with their positions."""
        counters: dict[str, itertools.count[int]] = {}
        return [
            LogRecord(
                stream=entry.stream,
                position=next(counters.setdefault(entry.stream, itertools.count())),
                key=entry.key,
                value=entry.value,
                logged_at=entry.logged_at,
            )
            for entry in self.entries
        ]


class MemoryReader:
    """Reads a ``MemoryLog``. Implements ``LogReader``."""

    def __init__(self, log: MemoryLog) -> None:
        """Read *log* from its start."""
        self._log = log
        self._positions: dict[str, int] = {}

    def seek(self, positions: Mapping[str, int]) -> None:
        """Read on from *positions*."""
        self._positions = dict(positions)

    def poll(self, limit: int, timeout: float) -> Sequence[LogRecord]:
        """Return at most *limit* records; never waits."""
        del timeout
        records = [
            record
            for record in self._log.records()
            if record.position >= self._positions.get(record.stream, 0)
        ][:limit]
        for record in records:
            self._positions[record.stream] = record.next_position
        return records

    def close(self) -> None:
        """Do nothing."""


class Producer:
    """One producer with its own key and chain. Made by ``Pipeline.producer``."""

    def __init__(self, pipeline: Pipeline, name: str, signer: KeySigner) -> None:
        """Seal as *name* with *signer* into the log of *pipeline*."""
        self.name = name
        self.signer = signer
        self.pipeline = pipeline
        self.sealer = Sealer(
            signer, deployment=pipeline.deployment, producer=name, clock=pipeline.clock
        )
        self.chain: Chain = self.sealer.open_epoch(None)

    def event(self, body: AnyBody, **changes: Any) -> Event:
        """Build an event of this producer; *changes* replace any of its fields."""
        at = changes.pop("event_time", None) or self.pipeline.clock()
        event = Event(
            event_id=new_uuid7(at),
            event_time=at,
            producer=self.name,
            actor=Actor(kind=ActorKind.SERVICE, id=self.name),
            origin=Origin.EMITTER,
            body=body_of(body),
            job=Job(namespace="default", name=self.name),
        )
        return dataclasses.replace(event, **changes)

    def seal(
        self,
        *events: Event | bytes,
        flags: BatchFlags = BatchFlags.NONE,
        loss: Loss | None = None,
    ) -> bytes:
        """Seal the next batch of the chain and return its bytes, without sending them."""
        encoded = [event if isinstance(event, bytes) else encode_event(event) for event in events]
        value, self.chain = self.sealer.seal(self.chain, encoded, flags=flags, loss=loss)
        return value

    def send(self, *events: Event | bytes, flags: BatchFlags = BatchFlags.NONE) -> bytes:
        """Seal one batch and append it to the log; without events it is a heartbeat."""
        value = self.seal(*events, flags=flags)
        self.pipeline.log.append(self.name, value)
        return value

    def emit(self, body: AnyBody, **changes: Any) -> Event:
        """Send one event in a batch of its own and return it."""
        event = self.event(body, **changes)
        self.send(event)
        return event

    def run(
        self,
        run_id: str,
        *,
        reads: Sequence[Artifact | ArtifactUse] = (),
        writes: Sequence[Artifact | ArtifactUse] = (),
        starts: int | None = None,
        ends: int | None = None,
        state: RunState = RunState.COMPLETE,
        **changes: Any,
    ) -> None:
        """Send a whole run as one batch: its start with the inputs, its end with the outputs.

        Args:
            run_id: Its id.
            reads: What it reads.
            writes: What it writes.
            starts: Event time of the start, microseconds; by default the clock's.
            ends: Event time of the end; by default one second after the start.
            state: How it ends.
            changes: Replace fields of both events, such as ``stage`` or ``origin``.

        """
        starts = self.pipeline.clock() if starts is None else starts
        ends = starts + SECOND if ends is None else ends
        begin = RunEvent(state=RunState.START, inputs=tuple(map(_use, reads)))
        finish = RunEvent(state=state, outputs=tuple(map(_use, writes)))
        self.send(
            self.event(begin, event_time=starts, run_id=run_id, **changes),
            self.event(finish, event_time=ends, run_id=run_id, **changes),
        )

    def register(self, thing: Artifact, **fields: Any) -> Event:
        """Send a registration of an artifact; *fields* are those of ``Registration``."""
        return self.emit(Registration(subject=Subject(type="artifact", artifact=thing), **fields))

    def log_loss(self, count: int) -> bytes:
        """Send a batch that says that *count* events were lost."""
        now = self.pipeline.clock()
        loss = Loss(count=count, first_at=now, last_at=now, reason="disk full")
        value = self.seal(loss=loss)
        self.pipeline.log.append(self.name, value)
        return value

    def finish(self) -> bytes:
        """Send the epoch's final batch."""
        return self.send(flags=BatchFlags.FINAL)

    def reopen(self, *, crashed: bool = False) -> None:
        """Start a new epoch, after the final batch unless the old one *crashed*."""
        if not crashed:
            self.finish()
        head = ChainHead(self.chain.epoch, self.chain.next_batch_seq - 1, self.chain.head_sha256)
        self.chain = self.sealer.open_epoch(head)


class Pipeline:
    """Producers, log, keyring and store of one deployment.

    Attributes:
        log: The log; change ``log.entries`` to attack it.
        clock: The one clock of all parts.
        store_path: The DuckDB file, released whenever ``materialise`` is not running.
        entries: The keyring's entries; use ``change_key`` to revoke or limit one.

    """

    def __init__(self, folder: Path, *, deployment: str = DEPLOYMENT) -> None:
        """Put keys and store under *folder*."""
        self.folder = folder
        self.deployment = deployment
        self.clock = Clock()
        self.log = MemoryLog()
        self.store_path = folder / "store" / "lineseal.duckdb"
        self.entries: dict[str, KeyEntry] = {}
        self.keyring_version = 1
        self.keyring_expires = START + 365 * 86_400 * SECOND
        self._keys = itertools.count()

    def new_key(self) -> KeySigner:
        """Make a key that nobody enrolled."""
        folder = self.folder / "keys"
        folder.mkdir(parents=True, exist_ok=True)
        return generate_key(folder / f"{next(self._keys)}.pem")

    def enrol(self, signer: KeySigner, producer: str, **fields: Any) -> KeyEntry:
        """Add a key to the keyring; *fields* are those of ``KeyEntry``."""
        entry = KeyEntry(
            keyid=signer.keyid,
            algorithm=signer.public.algorithm,
            public=signer.public.hex,
            producer=producer,
            **fields,
        )
        self.entries[signer.keyid] = entry
        self.keyring_version += 1
        return entry

    def change_key(self, signer: KeySigner, **fields: Any) -> None:
        """Change the entry of a key, such as ``revoked_at`` or ``event_kinds``."""
        self.entries[signer.keyid] = dataclasses.replace(self.entries[signer.keyid], **fields)
        self.keyring_version += 1

    def keyring(self) -> Keyring:
        """Build the keyring of now."""
        return Keyring(
            version=self.keyring_version,
            expires=self.keyring_expires,
            deployment=self.deployment,
            entries=tuple(self.entries.values()),
        )

    def producer(self, name: str, **fields: Any) -> Producer:
        """Make a producer with an enrolled key; *fields* are those of ``KeyEntry``."""
        signer = self.new_key()
        self.enrol(signer, name, **fields)
        return Producer(self, name, signer)

    def person(self, name: str) -> Producer:
        """Make a person who signs with their own key, as producer ``person:NAME``.

        Name them in the event: ``actor=human("alice")``.
        """
        return self.producer(f"person:{name}", roles=frozenset({"emit", "override"}), actor=name)

    def open_store(self) -> Store:
        """Name the store, a new one if there is none; release it when done."""
        if not self.store_path.exists():
            put_new_store(self.store_path, self.deployment)
        return Store(self.store_path, deployment=self.deployment)

    def materialise(self, *, limit: int = 512, steps: int | None = None) -> StepReport:
        """Materialise as a fresh process does: on from the stored positions, then release.

        Args:
            limit: Records asked of the log at once, so at most that many in a transaction.
            steps: Stop after so many; by default when the log has nothing new.

        """
        total = StepReport(idle=True)
        with self.open_store() as store:
            materialiser = Materialiser(
                store, MemoryReader(self.log), self.keyring, self.deployment, self.clock
            )
            for number in itertools.count():
                if number == steps:
                    break
                report = materialiser.step(limit)
                if report.idle:
                    break
                total += report
        return total

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Read the released store."""
        with duckdb.connect(str(self.store_path), read_only=True) as connection:
            return connection.execute(sql, list(parameters)).fetchall()


def human(name: str) -> Actor:
    """Name a person as the actor of an event."""
    return Actor(kind=ActorKind.HUMAN, id=name)


def _use(thing: Artifact | ArtifactUse) -> ArtifactUse:
    return thing if isinstance(thing, ArtifactUse) else ArtifactUse(artifact=thing)
