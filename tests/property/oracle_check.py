"""Asks the product and the oracle the same questions about one history, and compares."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from typing import Any

import duckdb
from tests.property.lineage_oracle import Oracle
from tests.property.random_histories import History, draw, fill, moment

from lineseal.queries import api

_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - the store keeps UTC without zone


class Disagreement(AssertionError):
    """Product and oracle say different things; the message has the seed and both answers."""


def check(connection: duckdb.DuckDBPyConnection, seed: int) -> Counter[str]:
    """Compare every question about the history of *seed*; count the verdicts.

    Raises:
        Disagreement: They differ.

    """
    history = draw(seed)
    rng = random.Random(seed + 1)  # noqa: S311 - no secret
    counts: Counter[str] = Counter(histories=1)
    connection.begin()
    try:
        fill(connection, history, twice=rng.random() < 0.3)
        for as_of, known_at in _moments(rng, history):
            counts += _compare(connection, history, rng, as_of, known_at)
    finally:
        connection.rollback()
    return counts


def _moments(rng: random.Random, history: History) -> list[tuple[int | None, int | None]]:
    if not history.commits:
        return []
    as_of = rng.choice((None, rng.randint(0, 900)))
    return [(None, None), (as_of, rng.choice(history.commits))]


def _compare(
    connection: duckdb.DuckDBPyConnection,
    history: History,
    rng: random.Random,
    as_of: int | None,
    known_at: int | None,
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
    models = [node for node in nodes if node[0] == "m"]
    for suspect in rng.sample(nodes, min(2, len(nodes))):
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
        for model in models[:2]:
            subject = oracle.reference(model)
            trace = api.trace(connection, subject, suspect=name, **asked)
            _same(f"{where}: {subject} from {name}", trace.verdict, expected[subject])
    for node in rng.sample(nodes, min(2, len(nodes))):
        name = oracle.reference(node)
        answer = api.trace(connection, name, **asked)
        ancestry = {oracle.reference(one): depth for one, depth in oracle.upstream(node).items()}
        depths = {row["reference"]: row["depth"] for row in answer.rows}
        _same(f"{where}: trace of {name}", depths, ancestry)
        _same(f"{where}: is {name} proven", answer.complete, oracle.proven(node))
        counts["proven" if answer.complete else "not proven"] += 1
    return counts


def _verdicts(rows: Any) -> dict[str, str]:
    return {row["reference"]: row["verdict"] for row in rows}


def _same(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise Disagreement(f"{what}:\n  product {found}\n  oracle  {expected}")
