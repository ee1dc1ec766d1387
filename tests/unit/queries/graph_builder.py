"""A store with exactly the graph a test needs: rows written straight into the tables.

The tables are the ones of the shipped DDL, so what a test says here is what a materialiser would
have left behind. Times are whole minutes after ``T0``.

>>> graph = Graph()
>>> graph.run("train", reads=["dataset:lake/tx@1"], writes=["model:reg/fraud@7"])
>>> graph.register("dataset:lake/tx@1", owner="alice")
>>> connection = graph.connect()
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from lineseal.commandline.output import Answer
from lineseal.consumers.copies import rebuild_copies
from lineseal.consumers.findings import update_chain_findings
from lineseal.schemas.reference import parse_reference, split_name

T0 = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - the store keeps naive UTC
DDL = Path(__file__).parents[3] / "schemas/lineseal/schemas/ddl"
DIGEST = "sha256:" + 64 * "a"
FINAL = 4


def at(minute: float) -> dt.datetime:
    """Return the moment *minute* minutes after T0, as the store keeps it."""
    return T0 + dt.timedelta(minutes=minute)


def clock(minute: float) -> int:
    """Return the same moment as microseconds since 1970 UTC."""
    return int((at(minute) - dt.datetime(1970, 1, 1)).total_seconds() * 1_000_000)  # noqa: DTZ001


def empty_store(path: Path | str = ":memory:") -> duckdb.DuckDBPyConnection:
    """Make a store with all tables and no rows."""
    connection = duckdb.connect(str(path))
    for file in sorted(DDL.glob("*.sql")):
        connection.execute(file.read_text("utf-8"))
    connection.execute("INSERT INTO store_fact VALUES ('schema_version', '5')")
    return connection


class Graph:
    """Collects rows; ``connect`` and ``save`` write them."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, dict[str, Any]]] = []
        self._ids: dict[str, int] = {}
        self._chained: set[tuple[str, str]] = set()
        self._events = 0

    def node(self, reference: str, **columns: Any) -> int:
        """Add an artifact version once and return its id; *columns* override its row.

        ``@run:PRODUCER/RUN`` and ``@unknown`` make versions that have no name of their own.
        """
        if reference in self._ids:
            return self._ids[reference]
        parsed = parse_reference(reference)
        path, version, digest = parsed.path, parsed.version, parsed.digest_prefix
        if digest is not None and "@" in path:
            path, _, version = path.rpartition("@")
        namespace, name = split_name(path)
        producer = run_id = None
        if version is not None and version.startswith("run:"):
            producer, run_id = version.removeprefix("run:").split("/")
            version = None
        self._ids[reference] = len(self._ids) + 1
        self._add(
            "artifact_version",
            artifact_version_id=self._ids[reference],
            kind=str(parsed.kind),
            namespace=namespace,
            name=name,
            version=None if version == "unknown" else version,
            digest=digest,
            producer=producer,
            run_id=run_id,
            **{"made": True, "conflict": False, "appeared_at": at(0), "known_from": at(0)}
            | columns,
        )
        return self._ids[reference]

    def run(
        self,
        run_id: str,
        reads: Sequence[str] = (),
        writes: Sequence[str] = (),
        *,
        producer: str = "maker",
        epoch: str = "epoch-1",
        start: float = 1,
        end: float = 2,
        weak: Mapping[str, Sequence[str]] | None = None,
        known: tuple[float, float | None] = (0, None),
    ) -> None:
        """Add a run with its edges; *weak* gives the reasons of edges that are not exact.

        Its epoch becomes one closed batch, unless ``epoch`` or ``batch`` made it before.
        """
        for state, minute in (("START", start), ("COMPLETE", end)):
            self._events += 1
            self._add(
                "run_event",
                event_id=f"event-{self._events:04}",
                producer=producer,
                run_id=run_id,
                event_time=at(minute),
                ingest_time=at(known[0]),
                job_namespace="jobs",
                job_name=run_id.partition("-")[0],
                state=state,
                origin="emitter",
                epoch=epoch,
            )
        if (producer, epoch) not in self._chained:
            self.batch(producer, epoch, 0, created=end, final=True)
        for direction, references in (("input", reads), ("output", writes)):
            for reference in references:
                reasons = (weak or {}).get(reference)
                self._add(
                    "edge",
                    producer=producer,
                    run_id=run_id,
                    direction=direction,
                    artifact_version_id=self.node(reference),
                    exact=reasons is None,
                    reasons=list(reasons or ()),
                    event_id=f"event-{self._events:04}",
                    event_time=at(start),
                    known_from=at(known[0]),
                    known_to=None if known[1] is None else at(known[1]),
                )

    def batch(
        self,
        producer: str,
        epoch: str,
        seq: int,
        *,
        created: float = 2,
        final: bool = False,
        lost: int = 0,
        after: tuple[str, int] | None = None,
        ingest: float = 0,
        reason: str = "opened",
    ) -> None:
        """Add one batch; *after* is the epoch and last batch that its genesis names."""
        self._chained.add((producer, epoch))
        for table, row in self._rows:
            if table == "batch" and (row["producer"], row["epoch"]) == (producer, epoch):
                row["flags"] = 0 if row["batch_seq"] < seq else row["flags"]
        named = after or (None, None)
        genesis = {
            "prev_epoch": named[0],
            "prev_batch_seq": named[1],
            "prev_header_sha256": after and _header(producer, *after),
            "reason": reason,
        }
        self._add(
            "batch",
            producer=producer,
            epoch=epoch,
            batch_seq=seq,
            first_seq=seq,
            event_count=1,
            header_sha256=_header(producer, epoch, seq),
            prev_header_sha256=_header(producer, epoch, seq - 1) if seq else 64 * "0",
            merkle_root=64 * "0",
            schema_sha256=64 * "0",
            created_at=at(created),
            flags=FINAL if final else 0,
            genesis=genesis if seq == 0 else None,
            loss={"count": lost, "first_at": 0, "last_at": 0, "reason": "full"} if lost else None,
            payload_type="type",
            header=b"",
            keyid=64 * "0",
            signature=b"",
            stream="stream",
            position=seq,
            ingest_time=at(ingest),
        )

    def finding(self, code: str, producer: str, *, opened: float = 0, **columns: Any) -> None:
        """Add an open finding that the batches here do not show by themselves."""
        self._add(
            "finding",
            finding_id=f"finding-{len(self._rows)}",
            code=code,
            producer=producer,
            detail="as the test says",
            opened_at=at(opened),
            **columns,
        )

    def reject(self, producer: str | None, epoch: str | None, *, raw: bytes = b"bad") -> None:
        """Add one refused record."""
        self._add(
            "reject",
            reject_id=len(self._rows),
            code="MALFORMED",
            detail="the event ends early",
            stream="stream",
            position=len(self._rows),
            log_key="maker",
            producer=producer,
            epoch=epoch,
            raw=raw,
            raw_sha256=hashlib.sha256(raw).hexdigest(),
            ingest_time=at(0),
        )

    def register(
        self,
        reference: str,
        *,
        owner: str | None = None,
        opaque: bool = False,
        minute: float = 0,
    ) -> None:
        """Add a registration of the artifact that *reference* names."""
        self._events += 1
        self._add(
            "registration",
            event_id=f"event-{self._events:04}",
            producer="maker",
            event_time=at(minute),
            ingest_time=at(minute),
            subject={"type": "artifact", "name": None, "artifact": _artifact(reference)},
            owner=owner,
            opaque=opaque,
        )

    def promote(
        self, reference: str, environment: str | None, *, action: str = "promote", minute: float = 0
    ) -> None:
        """Add a promotion."""
        self._events += 1
        self._add(
            "promotion",
            event_id=f"event-{self._events:04}",
            event_time=at(minute),
            ingest_time=at(minute),
            artifact=_artifact(reference),
            action=action,
            to_environment=environment,
        )

    def connect(self, path: Path | str = ":memory:") -> duckdb.DuckDBPyConnection:
        """Write everything into a new store and return it open."""
        connection = empty_store(path)
        self.fill(connection)
        return connection

    def fill(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Write everything into a store that has the tables."""
        by_ingest: dict[Any, list[tuple[str, dict[str, Any]]]] = {None: []}
        for table, row in self._rows:
            key = row["ingest_time"] if table == "batch" else None
            by_ingest.setdefault(key, []).append((table, row))
        self._insert(connection, by_ingest.pop(None))
        for ingest_time, rows in sorted(by_ingest.items()):
            self._insert(connection, rows)
            update_chain_findings(connection, ingest_time)
        rebuild_copies(connection)

    def _insert(
        self, connection: duckdb.DuckDBPyConnection, rows: Sequence[tuple[str, dict[str, Any]]]
    ) -> None:
        for table, row in rows:
            names = ", ".join(f'"{name}"' for name in row)
            marks = ", ".join(f"${name}" for name in row)
            connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", row)  # noqa: S608

    def save(self, path: Path) -> Path:
        """Write everything into a new store file and close it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.connect(path).close()
        return path

    def _add(self, table: str, **row: Any) -> None:
        self._rows.append((table, row))


def _header(producer: str, epoch: str, seq: int) -> str:
    return hashlib.sha256(f"{producer}{epoch}{seq}".encode()).hexdigest()


def verdicts(answer: Answer) -> dict[str, str | None]:
    """Return the verdict of each row of an answer by its REF."""
    return {row["reference"]: row["verdict"] for row in answer.rows}


def _artifact(reference: str) -> dict[str, str | None]:
    parsed = parse_reference(reference)
    path, version = parsed.path, parsed.version
    if parsed.digest_prefix is not None and "@" in path:
        path, _, version = path.rpartition("@")
    namespace, name = split_name(path)
    return {
        "kind": str(parsed.kind),
        "namespace": namespace,
        "name": name,
        "version": version,
        "digest": parsed.digest_prefix,
    }
