"""Events accepted in columns and events accepted one by one are the same, whatever the bytes.

What is promised: the same rows in every table, the same refusals with the same code and the same
sentence, for honest events of all bodies and for everything a key's owner could seal; and
honest events do come in columns. Source: DESIGN 4.2, 7.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.property.hostile_events import events_of, sealed_bytes
from tests.unit.schemas.samples import header

from lineseal.consumers.apply import Arrival, apply
from lineseal.consumers.columnar import judge, libraries
from lineseal.consumers.columnar.judge import accept_in_columns
from lineseal.consumers.judge import RefusedEvent, judge_events
from lineseal.consumers.rows import Rows
from lineseal.consumers.write import TableWriter
from lineseal.schemas.codec import EVENT_SCHEMA_SHA256, encode_event
from lineseal.schemas.model import BODY_FIELDS
from lineseal.signing.keyring import KeyEntry
from lineseal.signing.merkle import leaf_hash
from lineseal.signing.verify import VerifiedBatch

PRODUCER = "train-eu"
ENTRY = KeyEntry(
    keyid="ab" * 32,
    algorithm="ed25519",
    public="00",
    producer=PRODUCER,
    roles=frozenset({"emit", "gateway", "override"}),
    actor="alice",
)


@pytest.fixture(autouse=True)
def _always_in_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also few events go the fast way here."""
    monkeypatch.setattr(judge, "WORTHWHILE", 1)


@pytest.fixture(scope="module")
def store() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give an empty store in memory."""
    with duckdb.connect(":memory:") as connection:
        folder = files("lineseal.schemas").joinpath("ddl")
        for script in sorted(folder.iterdir(), key=lambda path: path.name):
            connection.execute(script.read_text("utf-8"))
        yield connection


QUICK = settings(
    deadline=None,
    # Shrinking events this large takes minutes and shows nothing that the first one did not.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)


@settings(QUICK, max_examples=40)
@given(data=st.data())
def test_honest_events_of_any_body_come_in_columns_with_the_same_rows(
    store: duckdb.DuckDBPyConnection, data: st.DataObject
) -> None:
    """None of them needs the slow way, and no value differs."""
    events = data.draw(st.lists(events_of(PRODUCER), min_size=1, max_size=12))
    own = [encode_event(event) for event in events if event.producer == PRODUCER]
    batch = sealed(own, ENTRY)

    fast, slow, left = both_ways(store, [batch])

    assert fast == slow
    assert not any(left)


@settings(QUICK, max_examples=100)
@given(data=st.data())
def test_hostile_events_are_refused_with_the_same_code_and_words(
    store: duckdb.DuckDBPyConnection, data: st.DataObject
) -> None:
    """Two batches under keys with any roles: rows and refusals are the same."""
    batches = [
        sealed(data.draw(st.lists(sealed_bytes(PRODUCER), max_size=8)), data.draw(entries()))
        for _ in range(2)
    ]

    fast, slow, _ = both_ways(store, batches)

    assert fast == slow


def test_what_panics_in_the_decoder_is_judged_one_by_one(
    store: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its exception stands outside Exception; a real interrupt still gets through."""
    panic = type("PanicException", (BaseException,), {})
    real = libraries.avro.deserialize_array_threaded

    def panicking(events: list[bytes], schema: str, threads: int) -> Any:
        if b"\xff" * 20 in events:
            raise panic("called `Option::unwrap()` on a `None` value")
        return real(events, schema, threads)

    monkeypatch.setattr(libraries.avro, "deserialize_array_threaded", panicking)
    batch = sealed([b"\xff" * 20, b""], ENTRY)

    fast, slow, left = both_ways(store, [batch])

    assert fast == slow
    assert left == [[0, 1]]


def entries() -> st.SearchStrategy[KeyEntry]:
    """Keys of one producer with any roles, kinds and person."""
    return st.builds(
        KeyEntry,
        keyid=st.just("cd" * 32) | st.just("ef" * 32),
        algorithm=st.just("ed25519"),
        public=st.just("00"),
        producer=st.just(PRODUCER),
        roles=st.sets(st.sampled_from(["emit", "override", "gateway"]), min_size=1).map(frozenset),
        event_kinds=st.just(frozenset[str]())
        | st.sets(st.sampled_from(list(BODY_FIELDS)), min_size=1).map(frozenset),
        actor=st.none() | st.just("alice"),
    )


def sealed(events: Sequence[bytes], entry: KeyEntry) -> VerifiedBatch:
    """Make the batch that verifying would have given."""
    return VerifiedBatch(
        header=header(producer=PRODUCER, count=len(events), schema_sha256=EVENT_SCHEMA_SHA256),
        header_bytes=b"header",
        header_sha256="12" * 32,
        payload_type="type",
        keyid=entry.keyid,
        signature=b"signature",
        signatures=(),
        judged_at=0,
        entry=entry,
        events=tuple(events),
        leaves=tuple(map(leaf_hash, events)),
    )


Outcome = tuple[dict[str, list[str]], list[list[tuple[int, str, str]]]]


def both_ways(
    store: duckdb.DuckDBPyConnection, batches: Sequence[VerifiedBatch]
) -> tuple[Outcome, Outcome, list[list[int]]]:
    """Return what comes of *batches* in columns, one by one, and what was left over for that."""
    arrivals = [
        Arrival(stream="s", position=n, log_key=PRODUCER, logged_at=n or None, ingest_time=7)
        for n in range(len(batches))
    ]
    rows = Rows()
    left = accept_in_columns(batches, arrivals, rows)
    everything = [list(range(len(batch.events))) for batch in batches]
    fast = _outcome(store, batches, arrivals, left, rows)
    slow = _outcome(store, batches, arrivals, everything, Rows())
    return fast, slow, left


def _outcome(
    store: duckdb.DuckDBPyConnection,
    batches: Sequence[VerifiedBatch],
    arrivals: Sequence[Arrival],
    one_by_one: Sequence[Sequence[int]],
    rows: Rows,
) -> Outcome:
    refused: list[list[tuple[int, str, str]]] = []
    for batch, arrival, indexes in zip(batches, arrivals, one_by_one, strict=True):
        accepted, errors = judge_events(batch, indexes)
        rows.extend(apply(batch, accepted, arrival))
        refused.append([_said(error) for error in errors])
    store.execute("BEGIN")
    try:
        TableWriter(store).insert_all(rows)
        tables = {
            name: sorted(map(repr, store.table(name).fetchall()))
            for name in ("event", "run_event", "run_io", "batch", *BODY_FIELDS)
            if name != "run"
        }
    finally:
        store.execute("ROLLBACK")
    return tables, refused


def _said(refused: RefusedEvent) -> tuple[int, str, str]:
    return refused.index, refused.error.code, str(refused.error)
