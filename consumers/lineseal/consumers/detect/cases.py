"""Tests of a rule, as data: facts in, subjects out. Reads the JSON file beside each rule.

A file is a list of cases::

    {"name": "...", "now": "2d", "policy": {"allowed_sources": ["s3://ours"]},
     "facts": [{"at": "1h", "by": "trainer", "run": {"id": "r1", "stage": "train",
                "reads": ["dataset:lake/tx@1 #a"], "writes": ["model:reg/m@1"]}},
               {"at": "2h", "by": "person:alice", "approval": {"subject": "model:reg/m@1", ...}}],
     "expect": ["model:reg/m@1"]}

Times are counted from 2026-01-01 (``90s``, ``10m``, ``1h``, ``2d``). ``#a`` stands for a digest
that is the same wherever ``#a`` is written. A body is named as its table and holds its fields;
what is left out is null. ``by`` a person means: under their own key; add ``"verified": false``
for a decision that is only asserted. ``reject``, ``batch`` and ``finding`` give columns of those
tables; batches given so make chains, whose findings are computed. The facts go through the code
that writes real ones, into a store in memory.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from importlib.resources import files
from typing import Any, cast, get_origin

import duckdb

from lineseal.consumers.findings import update_chain_findings
from lineseal.consumers.journal import Entry
from lineseal.consumers.merkle_log import append_entries
from lineseal.consumers.resolve import resolve
from lineseal.consumers.rows import Row, Rows
from lineseal.consumers.write import TableWriter
from lineseal.schemas.avsc import field_types, unwrap
from lineseal.schemas.errors import ConfigurationError, LinesealError
from lineseal.schemas.model import BODY_FIELDS, Artifact, ArtifactUse, Subject
from lineseal.schemas.record import to_record
from lineseal.schemas.reference import parse_reference, to_artifact

START = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - the store's times are UTC without zone
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001
_SPAN = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_KEYS = frozenset(
    {"at", "by", "verified", "origin", "run_id", "stage", "job", "id", "batch", "created", "leaf"}
)


@dataclass(frozen=True, slots=True)
class Case:
    """Hold one test of a rule."""

    name: str
    facts: tuple[Mapping[str, Any], ...]
    expect: tuple[str, ...]
    policy: Mapping[str, Sequence[str]]
    now: dt.datetime


def load_cases(text: str, where: str) -> list[Case]:
    """Read the cases of one file.

    Raises:
        ConfigurationError: It is not a list of cases.

    """
    try:
        cases = [
            Case(
                name=item["name"],
                facts=tuple(item["facts"]),
                expect=tuple(sorted(item["expect"])),
                policy=item.get("policy", {}),
                now=moment(item.get("now", "1d")),
            )
            for item in json.loads(text)
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{where} holds no cases: {error!r}") from error
    if not cases:
        raise ConfigurationError(f"{where} holds no cases")
    return cases


def moment(text: str) -> dt.datetime:
    """Turn a span counted from ``START`` into a moment."""
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no span such as 90s, 10m, 1h or 2d")
    return START + dt.timedelta(seconds=float(match[1]) * _UNITS[match[2]])


def empty_store() -> duckdb.DuckDBPyConnection:
    """Open a store in memory, with all tables and no rows; it reaches no file."""
    connection = duckdb.connect(":memory:", config={"enable_external_access": "false"})
    folder = files("lineseal.schemas").joinpath("ddl")
    for script in sorted(folder.iterdir(), key=lambda file: file.name):
        if script.name.endswith(".sql"):
            connection.execute(script.read_text("utf-8"))
    return connection


class FactWriter:
    """Writes facts of cases into a store, one commit at a time."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Write on *connection*, made by ``empty_store``."""
        self._connection = connection
        self._writer = TableWriter(connection)
        self._commits = 0
        self._chained = False

    def commit(self, facts: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
        """Write numbered facts as one commit; the number makes ids and batches."""
        self._commits += 1
        ingest = micros(START) + 400 * 86_400 * 1_000_000 + self._commits * 1_000_000
        rows = Rows()
        for number, fact in facts:
            _add_fact(rows, number, fact, ingest)
            self._chained = self._chained or "batch" in fact
        self._writer.insert_all(rows)
        entry = Entry(kind="BATCH", value_sha256="", stream="cases", position=0, ingest_time=ingest)
        append_entries(self._connection, [entry])
        at = _EPOCH + dt.timedelta(microseconds=ingest)
        resolve(self._connection, at)
        if self._chained:  # batches nobody gave have holes that mean nothing
            update_chain_findings(self._connection, at)


def _add_fact(rows: Rows, number: int, fact: Mapping[str, Any], ingest: int) -> None:
    at = micros(moment(fact["at"]))
    if "reject" in fact:
        rows.add("reject", _reject_row(number, fact["reject"], at, ingest))
        return
    if "finding" in fact:
        rows.add("finding", _finding_row(number, fact, at, ingest))
        return
    names = fact.keys() - _KEYS
    if "batch" in fact and not names:
        rows.add("batch", _batch_row(number, fact, at, ingest))
        return
    (name,) = names
    if name != "run" and name not in BODY_FIELDS:
        raise ConfigurationError(f"{name!r} is no body")
    event = _event_row(number, fact, name, at, ingest)
    rows.add("batch", _batch_row(number, fact, at, ingest))
    rows.add("event", event)
    if name == "run":
        _add_run(rows, event, dict(fact["run"]))
        return
    body = filled(BODY_FIELDS[name], fact[name])
    common = ("event_id", "producer", "event_time", "ingest_time", "actor_kind", "actor_id")
    shared = {key: event[key] for key in (*common, "actor_verified", "origin")}
    rows.add(name, {**shared, **body})


def _event_row(number: int, fact: Mapping[str, Any], name: str, at: int, ingest: int) -> Row:
    by = str(fact["by"])
    person = by.startswith("person:")
    run = fact.get("run", {})
    namespace, _, job = str(run.get("job") or fact.get("job") or "jobs/" + by).rpartition("/")
    event_id = fact.get("id") or f"{number:08d}-0000-7000-8000-000000000000"
    return {
        "event_id": event_id,
        "producer": by,
        "epoch": f"epoch-of-{by}",
        "batch_seq": number,
        "event_index": 0,
        "body": name,
        "event_time": at,
        "logged_at": None,
        "ingest_time": ingest,
        "job_namespace": namespace or "jobs",
        "job_name": job,
        "stage": run.get("stage") or fact.get("stage"),
        "run_id": run.get("id") or fact.get("run_id"),
        "actor_kind": "human" if person else "service",
        "actor_id": by.removeprefix("person:"),
        "actor_verified": fact.get("verified", True),
        "origin": fact.get("origin", "emitter"),
        "keyid": "00" * 32,
        "leaf_sha256": hashlib.sha256(json.dumps([number, fact.get("leaf")]).encode()).hexdigest(),
        "raw": b"",
    }


def _batch_row(number: int, fact: Mapping[str, Any], at: int, ingest: int) -> Row:
    by = str(fact["by"])
    given = dict(fact.get("batch", {}))
    epoch, seq = given.get("epoch", f"epoch-of-{by}"), given.get("batch_seq", number)
    row: Row = {
        "producer": by,
        "epoch": epoch,
        "batch_seq": seq,
        "first_seq": seq,
        "event_count": 1,
        "header_sha256": _header(epoch, seq),
        "prev_header_sha256": _header(epoch, seq - 1),
        "merkle_root": "00" * 32,
        "schema_sha256": "00" * 32,
        "created_at": micros(moment(fact["created"])) if "created" in fact else at,
        "flags": 0,
        "payload_type": "",
        "header": b"",
        "keyid": "00" * 32,
        "signature": b"",
        "stream": "cases",
        "position": number,
        "logged_at": None,
        "ingest_time": ingest,
    }
    return {**row, **given}


def _header(epoch: str, seq: int) -> str:
    return hashlib.sha256(f"{epoch}/{seq}".encode()).hexdigest()


def _finding_row(number: int, fact: Mapping[str, Any], at: int, ingest: int) -> Row:
    return {
        "finding_id": f"{number:016x}",
        "producer": str(fact["by"]),
        "keyid": "00" * 32,
        "span_start": at,
        "detail": "",
        "opened_at": ingest,
        **fact["finding"],
    }


def _reject_row(number: int, given: Mapping[str, Any], at: int, ingest: int) -> Row:
    return {
        "reject_id": number,
        "detail": "",
        "stream": "cases",
        "position": number,
        "log_key": "somebody",
        "raw": b"",
        "raw_sha256": f"{number:064x}",
        "logged_at": at,
        "ingest_time": ingest,
        **given,
    }


def _add_run(rows: Rows, event: Row, run: dict[str, Any]) -> None:
    uses = {"input": run.pop("reads", []), "output": run.pop("writes", [])}
    for key in ("id", "job", "stage"):
        run.pop(key, None)
    body = filled(BODY_FIELDS["run"], {"state": "COMPLETE", **run})
    del body["inputs"], body["outputs"]
    said = {
        key: event[key] for key in ("event_id", "producer", "run_id", "event_time", "ingest_time")
    }
    said["origin"] = event["origin"]
    more = {key: event[key] for key in ("job_namespace", "job_name", "stage", "epoch")}
    rows.add("run_event", {**said, **more, **body})
    for direction, things in uses.items():
        for thing in things:
            use = filled(ArtifactUse, thing)
            fact = {**said, "direction": direction, **use, **use["artifact"]}
            del fact["artifact"]
            rows.add("run_io", fact)


def filled(cls: type, value: Any) -> Row:
    """Turn what a case says into a whole plain record of a model class.

    Raises:
        ConfigurationError: It names a field that is not.

    """
    if isinstance(value, str):
        value = _from_text(cls, value)
    defaults = {field.name: field.default for field in fields(cls)}
    kinds = field_types(cls)
    for name in value:
        if name not in kinds:
            raise ConfigurationError(f"{cls.__name__} has no field {name!r}")
    return {
        name: _convert(annotation, name, value[name])
        if name in value
        else (None if defaults[name] is MISSING else _plain(defaults[name]))
        for name, annotation in kinds.items()
    }


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return value.value if isinstance(value, StrEnum) else value


def _from_text(cls: type, text: str) -> Mapping[str, Any]:
    if cls is Artifact:
        return cast("Mapping[str, Any]", to_record(_artifact(text)))
    if cls is ArtifactUse:
        return {"artifact": text}
    if cls is Subject:
        try:
            return {"type": "artifact", "artifact": to_record(_artifact(text))}
        except LinesealError:
            kind, _, name = text.partition(":")
            return {"type": kind, "name": name}
    name = next(iter(field_types(cls)))
    return {name: text}


def _artifact(text: str) -> Artifact:
    reference, _, label = text.partition(" #")
    artifact = to_artifact(parse_reference(reference))
    if not label:
        return artifact
    return Artifact(
        kind=artifact.kind,
        namespace=artifact.namespace,
        name=artifact.name,
        version=artifact.version,
        digest=digest(label),
    )


def digest(label: str) -> str:
    """Return the digest that ``#label`` stands for."""
    return "sha256:" + hashlib.sha256(label.encode()).hexdigest()


def _convert(annotation: Any, name: str, value: Any) -> Any:
    kind, _, _ = unwrap(annotation)
    if value is None:
        return None
    if get_origin(kind) is tuple:
        (item, *_) = kind.__args__
        return [_convert(item, name, element) for element in value]
    if hasattr(kind, "__dataclass_fields__"):
        if isinstance(value, Mapping) and "artifact" in value and kind is Artifact:
            value = cast("Mapping[str, Any]", value)["artifact"]
        return filled(kind, value)
    if kind is str and isinstance(value, str) and value.startswith("#"):
        return digest(value[1:])
    if kind is int and isinstance(value, str):
        return micros(moment(value))
    return float(value) if kind is float else value


def micros(at: dt.datetime) -> int:
    """Return a naive UTC moment as microseconds."""
    return (at - _EPOCH) // dt.timedelta(microseconds=1)
