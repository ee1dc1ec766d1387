"""Asks the product and the oracle the same questions about one history, and compares."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
from tests.property.lineage_oracle import EVER, Oracle
from tests.property.random_histories import History, draw, draw_together, fill, moment
from tests.property.sealed_history import deliver, is_deliverable

from lineseal.consumers.resolve import MAX_CANDIDATES
from lineseal.queries import api

_FEW, _MANY = 6, 16
"""Histories of one store, at most."""
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - the store keeps UTC without zone


class Disagreement(AssertionError):
    """Product and oracle say different things; the message has the seed and both answers."""


def stores(seeds: Sequence[int]) -> list[list[int]]:
    """Share histories out among stores: those of one store are judged as one larger history.

    What is missing without an end, or refused from nobody knows whom, touches every model of its
    store, so such histories lie only with their like; and every twentieth lies alone.
    """
    alone = [[seed] for seed in seeds if seed % 20 == 0]
    others = [seed for seed in seeds if seed % 20]
    wide = [seed for seed in others if _is_wide(draw(seed))]
    whole = [seed for seed in others if seed not in wide]
    return [*alone, *_cut(wide, _FEW), *_cut(whole, _MANY)]


def check(connection: duckdb.DuckDBPyConnection, seeds: Sequence[int]) -> Counter[str]:
    """Compare questions about the histories of *seeds*, in one store; count what was said.

    Raises:
        Disagreement: They differ.

    """
    history = draw(seeds[0]) if len(seeds) == 1 else draw_together(seeds)
    rng = random.Random(seeds[0] + 1)  # noqa: S311 - no secret
    connection.begin()
    try:
        fill(connection, history, twice=rng.random() < 0.3)
        counts = compare(connection, history, rng, len(seeds))
    finally:
        connection.rollback()
    return counts + hazards(history)


def check_delivered(folder: Path, seeds: Sequence[int]) -> Counter[str]:
    """Do the same, the history sealed and materialised in *folder*; none if it cannot be.

    Raises:
        Disagreement: They differ.

    """
    history = draw_together(seeds)
    history.cap = MAX_CANDIDATES
    if not is_deliverable(history) or not history.commits:
        return Counter()
    rng = random.Random(seeds[0] + 2)  # noqa: S311 - no secret
    store = deliver(folder, history, rng)
    with duckdb.connect(str(store), read_only=True) as connection:
        counts = compare(connection, history, rng, len(seeds))
    return Counter({"histories through the materialiser": len(seeds)}) + counts


def compare(
    connection: duckdb.DuckDBPyConnection, history: History, rng: random.Random, count: int
) -> Counter[str]:
    """Ask about a history of *count* parts that is in the store, now and at an earlier moment."""
    counts: Counter[str] = Counter(histories=count, stores=1)
    for number, (as_of, known_at) in enumerate(_moments(rng, history)):
        wanted = max(1, count // (2 if number == 0 else 4))
        counts += _compare(connection, history, rng, as_of, known_at, wanted)
    return counts


def hazards(history: History) -> Counter[str]:
    """Count what makes a history hard."""
    uses = [use for record in history.records for use in record.said.uses]
    first = min((batch.ingest for batch in history.batches if batch.ingest), default=0)
    return Counter(
        {
            "events": len(history.records),
            "batches lost": sum(batch.ingest is None for batch in history.batches),
            "batches forked": sum(batch.branch for batch in history.batches),
            "batches behind a final one": sum(
                other.final and other.epoch == batch.epoch and other.seq < batch.seq
                for other in history.batches
                for batch in history.batches
            ),
            "batches late": sum((batch.ingest or 0) > first for batch in history.batches),
            "losses reported": sum(bool(batch.lost) for batch in history.batches),
            "records refused": len(history.rejects),
            "uses without a version": sum(use.version is None for use in uses),
            "events imported": sum(record.said.imported for record in history.records),
            "registrations opaque": sum(record.opaque for record in history.records),
        }
    )


def _is_wide(history: History) -> bool:
    """Tell whether something is missing without an end, or refused from nobody knows whom."""
    if not history.commits:
        return True
    seen = Oracle(history, as_of=None, known_at=history.commits[-1], now=0)
    endless = any(EVER in gap[2:] or -EVER in gap[2:] for gap in seen.gaps)
    return endless or any(producer is None for producer, *_ in history.rejects)


def _cut(seeds: list[int], size: int) -> list[list[int]]:
    return [seeds[n : n + size] for n in range(0, len(seeds), size)]


def _moments(rng: random.Random, history: History) -> list[tuple[int | None, int | None]]:
    if not history.commits:
        return []
    as_of = rng.choice((None, rng.randint(0, history.commits[0] + 100)))
    return [(None, None), (as_of, rng.choice(history.commits))]


def _compare(
    connection: duckdb.DuckDBPyConnection,
    history: History,
    rng: random.Random,
    as_of: int | None,
    known_at: int | None,
    wanted: int,
) -> Counter[str]:
    now = known_at if known_at is not None else history.commits[-1] + rng.randint(0, 400)
    known = history.commits[-1] if known_at is None else known_at
    oracle = Oracle(history, as_of=as_of, known_at=known, now=now)
    nodes = oracle.nodes()
    asked: dict[str, Any] = {
        "as_of": None if as_of is None else moment(as_of).replace(tzinfo=dt.UTC),
        "known_at": None if known_at is None else moment(known_at).replace(tzinfo=dt.UTC),
        "clock": lambda: int((moment(now) - _EPOCH).total_seconds()) * 1_000_000,
    }
    where = f"seed {history.seed}, as of {as_of}, known at {known_at}"
    counts: Counter[str] = Counter(moments=1)
    models = [node for node in nodes if node[0].startswith("m")]
    for suspect in rng.sample(nodes, min(wanted, len(nodes))):
        name = oracle.reference(suspect)
        expected = {oracle.reference(m): oracle.verdict(suspect, m) for m in models}
        answer = api.impact(connection, name, all_models=True, **asked)
        _same(f"{where}: all models from {name}", _verdicts(answer.rows), expected)
        counts.update(expected.values())
        certain = oracle.downstream(suspect, certain=True)
        reached = {
            oracle.reference(node): ("affected" if node in certain else "possible", depth)
            for node, depth in oracle.downstream(suspect, certain=False).items()
        }
        rows = api.impact(connection, name, **asked).rows
        found = {row["reference"]: (row["verdict"], row["depth"]) for row in rows}
        _same(f"{where}: impact of {name}", found, reached)
        near = [m for m in models if m[0][1:] == suspect[0][1:]]
        for model in rng.sample(near, min(1, len(near))):
            subject = oracle.reference(model)
            trace = api.trace(connection, subject, suspect=name, **asked)
            _same(f"{where}: {subject} from {name}", trace.verdict, expected[subject])
        counts["questions"] += 2 + bool(near)
    for node in rng.sample(nodes, min(max(1, wanted // 2), len(nodes))):
        name = oracle.reference(node)
        answer = api.trace(connection, name, **asked)
        ancestry = {oracle.reference(one): depth for one, depth in oracle.upstream(node).items()}
        depths = {row["reference"]: row["depth"] for row in answer.rows}
        _same(f"{where}: trace of {name}", depths, ancestry)
        _same(f"{where}: is {name} proven", answer.complete, oracle.proven(node))
        counts["proven" if answer.complete else "not proven"] += 1
        counts["questions"] += 1
    return counts


def _verdicts(rows: Any) -> dict[str, str]:
    return {row["reference"]: row["verdict"] for row in rows}


def _same(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise Disagreement(f"{what}:\n  product {found}\n  oracle  {expected}")
