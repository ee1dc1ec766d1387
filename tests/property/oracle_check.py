"""Asks the product and the oracle the same questions about one history, and compares."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
from tests.property.answer_check import (
    Asked,
    judge_cut,
    judge_impact,
    judge_models,
    judge_suspicion,
    judge_trace,
    judge_unborn,
)
from tests.property.chain_oracle import ALIVE, EVER, Chains
from tests.property.lineage_oracle import Oracle
from tests.property.random_histories import (
    COMMIT_STEP,
    History,
    draw,
    draw_together,
    fill,
    kind_of,
    moment,
)
from tests.property.remembered import remembered
from tests.property.sealed_history import deliver, is_deliverable
from tests.unit.queries.graph_builder import empty_store

from lineseal.consumers.resolve import MAX_CANDIDATES

_FEW, _MANY = 24, 64
"""Histories of one store, at most."""
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - the store keeps UTC without zone


class Moment(NamedTuple):
    """When a question is asked, in seconds as the histories count them."""

    as_of: int | None
    known_at: int | None
    now: int


def open_store() -> duckdb.DuckDBPyConnection:
    """Open an empty store in memory; its tables are small, so that more threads only wait."""
    connection = empty_store()
    connection.execute("SET threads = 1")
    return connection


def stores(seeds: Sequence[int]) -> list[list[int]]:
    """Share histories out among stores: those of one store are judged as one larger history.

    What is missing without an end, refused from nobody knows whom or forked touches most models of
    its store, so such histories lie only with their like; and every fortieth lies alone.
    """
    alone = [[seed] for seed in seeds if seed % 40 == 0]
    others = [seed for seed in seeds if seed % 40]
    wide = [seed for seed in others if _is_wide(draw(seed))]
    whole = [seed for seed in others if seed not in wide]
    return [*alone, *_cut(wide, _FEW), *_cut(whole, _MANY)]


def check(
    connection: duckdb.DuckDBPyConnection, seeds: Sequence[int], *, fast: bool = False
) -> Counter[str]:
    """Compare questions about the histories of *seeds*, in one store; count what was said.

    A statement that questions about one moment repeat is asked once when it is to be *fast*.

    Raises:
        Disagreement: They differ.

    """
    history = draw(seeds[0]) if len(seeds) == 1 else draw_together(seeds)
    rng = random.Random(seeds[0] + 1)  # noqa: S311 - no secret
    connection.begin()
    try:
        fill(connection, history, twice=rng.random() < 0.3)
        with remembered() if fast else nullcontext():
            counts = compare(connection, history, rng, len(seeds))
    finally:
        connection.rollback()
    arrived = sum(bool(draw(seed).commits) for seed in seeds)
    counts += Counter(histories=arrived, stores=1)
    counts["histories of which nothing arrived"] += len(seeds) - arrived
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
    counts: Counter[str] = Counter()
    for number, at in enumerate(_moments(rng, history)):
        wanted = max(1, count // (2 if number == 0 else 4))
        counts += _compare(connection, history, rng, at, wanted)
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
    """Tell whether what is wrong with a history reaches others without an end."""
    received = [batch for batch in history.batches if batch.ingest is not None]
    chains = Chains(received, history.rejects, now=0)
    endless = any(EVER in gap[2:] or -EVER in gap[2:] for gap in chains.gaps)
    unknown = any(producer is None for producer, *_ in history.rejects)
    return endless or unknown or bool(chains.forks) or any(map(chains.left_behind, received))


def _cut(seeds: list[int], size: int) -> list[list[int]]:
    return [seeds[n : n + size] for n in range(0, len(seeds), size)]


def _moments(rng: random.Random, history: History) -> list[Moment]:
    """Choose when to ask: now, and once in the past, often at the very edge of something."""
    if not history.commits:
        return []
    first, last = history.commits[0], history.commits[-1]
    edges = [record.said.at for record in history.records] or [0]
    as_of = rng.choice((None, rng.randint(0, first + 100), rng.choice(edges)))
    known_at = rng.choice(history.commits) + rng.choice((0, 0, rng.randrange(COMMIT_STEP)))
    now = last + rng.randint(0, 400)
    if rng.random() < 0.5:
        now = rng.choice(_ends_of_life(history) or [now]) - rng.choice((0, 1))
    return [Moment(None, None, now), Moment(as_of, known_at, known_at)]


def _ends_of_life(history: History) -> list[int]:
    """Give when each epoch that nothing closed stops being alive."""
    received = [batch for batch in history.batches if batch.ingest is not None]
    chains = Chains(received, [], now=0)
    return [
        max(min(batch.created, batch.ingest or 0) for batch in batches) + ALIVE
        for key, batches in chains.epochs.items()
        if key not in chains.named and not any(batch.final for batch in batches)
    ]


def _compare(
    connection: duckdb.DuckDBPyConnection,
    history: History,
    rng: random.Random,
    at: Moment,
    wanted: int,
) -> Counter[str]:
    known = history.commits[-1] if at.known_at is None else at.known_at
    oracle = Oracle(history, as_of=at.as_of, known_at=known, now=at.now)
    when: dict[str, Any] = {
        "as_of": None if at.as_of is None else moment(at.as_of).replace(tzinfo=dt.UTC),
        "known_at": None if at.known_at is None else moment(at.known_at).replace(tzinfo=dt.UTC),
        "clock": lambda: int((moment(at.now) - _EPOCH).total_seconds()) * 1_000_000,
    }
    asked = Asked(connection, oracle, when, f"seed {history.seed}, {at}")
    counts: Counter[str] = Counter(moments=1)
    nodes = oracle.nodes()
    models = [node for node in nodes if kind_of(node[0]) == "model"]
    for suspect in rng.sample(nodes, min(wanted, len(nodes))):
        counts += judge_models(asked, suspect, models)
        judge_impact(asked, suspect)
        near = [m for m in models if m[0][1:] == suspect[0][1:]]
        for model in rng.sample(near, min(1, len(near))):
            judge_suspicion(asked, suspect, model)
        counts["questions"] += 2 + bool(near)
    for node in rng.sample(nodes, min(max(1, wanted // 2), len(nodes))):
        counts["proven" if judge_trace(asked, node) else "not proven"] += 1
        judge_cut(asked, node, rng.randrange(3))
        counts["questions"] += 3
    unborn = sorted(oracle.appeared.keys() - set(nodes), key=oracle.reference)
    for node in unborn[:1]:
        judge_unborn(asked, node)
        counts["questions"] += 1
    return counts
