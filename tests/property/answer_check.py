"""Asks one question of the product and compares every field of the answer with the oracle's.

Not compared: the wording of warnings, and what random histories have none of (jobs, owners,
environments, doses).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
from tests.property.graph_oracle import Edge, NodeKey
from tests.property.lineage_oracle import Oracle
from tests.property.random_histories import kind_of, moment

from lineseal.commandline.output import Answer
from lineseal.queries import api
from lineseal.schemas.errors import NotFound

Distance = dict[NodeKey, int]
_WORST = ("affected", "possible", "clean")


class Disagreement(AssertionError):
    """Product and oracle say different things; the message has the seed and both answers."""


@dataclass(frozen=True)
class Asked:
    """One moment of one store; ``when`` are the arguments that say so, ``where`` the words."""

    connection: duckdb.DuckDBPyConnection
    oracle: Oracle
    when: dict[str, Any]
    where: str

    def same(self, what: str, found: object, expected: object) -> None:
        """Raise a disagreement unless both are equal."""
        if found != expected:
            text = f"{self.where}: {what}:\n  product {found}\n  oracle  {expected}"
            raise Disagreement(text)

    def names(self, nodes: Iterable[NodeKey]) -> dict[str, NodeKey]:
        """Give nodes by their names."""
        return {self.oracle.reference(node): node for node in nodes}


def judge_models(asked: Asked, suspect: NodeKey, models: list[NodeKey]) -> Counter[str]:
    """Ask for a verdict on every model; count the verdicts and the reasons for doubt."""
    oracle, name = asked.oracle, asked.oracle.reference(suspect)
    what = f"all models from {name}"
    answer = api.impact(asked.connection, name, all_models=True, **asked.when)
    verdicts = {model: oracle.verdict(suspect, model) for model in models}
    reasons = {model: oracle.reasons(suspect, model) for model in models}
    asked.same(
        what,
        {row["reference"]: (row["verdict"], set(row["reasons"])) for row in answer.rows},
        {oracle.reference(m): (verdicts[m], reasons[m]) for m in models},
    )
    expected = set[str]().union(oracle.uncertain(suspect), *reasons.values())
    _check_head(asked, answer, what, name, expected)
    asked.same(f"worst of {what}", answer.verdict, min(["clean", *verdicts.values()], key=_rank))
    distance, names = oracle.downstream(suspect, certain=False), asked.names(models)
    for row in answer.rows:
        node = names[row["reference"]]
        _check_hop(asked, row, what, node, distance, up=False, with_reasons=False)
    counts = Counter(verdicts.values())
    counts.update(f"possible because {code}" for found in reasons.values() for code in found)
    return counts


def judge_impact(asked: Asked, suspect: NodeKey) -> None:
    """Ask what a suspect reached."""
    oracle, name = asked.oracle, asked.oracle.reference(suspect)
    what = f"impact of {name}"
    answer = api.impact(asked.connection, name, **asked.when)
    certain = oracle.downstream(suspect, certain=True)
    distance = oracle.downstream(suspect, certain=False)
    verdicts = {node: "affected" if node in certain else "possible" for node in distance}
    _check_head(asked, answer, what, name, oracle.impact_doubts(suspect))
    _check_rows(asked, answer, what, distance, verdicts, up=False)
    _check_edges(asked, answer, what, oracle.edges_below(suspect))


def judge_trace(asked: Asked, node: NodeKey) -> bool:
    """Ask what a version was made from; tell whether that is proven."""
    oracle, name = asked.oracle, asked.oracle.reference(node)
    what = f"trace of {name}"
    answer = api.trace(asked.connection, name, **asked.when)
    _check_head(asked, answer, what, name, oracle.unproven(node))
    _check_rows(asked, answer, what, oracle.upstream(node), {}, up=True)
    _check_edges(asked, answer, what, oracle.edges_above(node))
    return answer.complete


def judge_suspicion(asked: Asked, suspect: NodeKey, model: NodeKey) -> None:
    """Ask whether a suspect got into one model."""
    oracle, name = asked.oracle, asked.oracle.reference(model)
    what = f"{name} from {oracle.reference(suspect)}"
    answer = api.trace(asked.connection, name, suspect=oracle.reference(suspect), **asked.when)
    asked.same(what, answer.verdict, oracle.verdict(suspect, model))
    asked.same(f"suspects, {what}", answer.extra["suspects"], [oracle.reference(suspect)])
    _check_head(asked, answer, what, name, oracle.unclean(suspect, model))
    ancestry = oracle.upstream(model)
    certain = model in oracle.downstream(suspect, certain=True)
    met = {suspect: "affected" if certain else "possible"} if suspect in ancestry else {}
    _check_rows(asked, answer, what, ancestry, met, up=True)
    _check_edges(asked, answer, what, oracle.edges_above(model))


def judge_cut(asked: Asked, node: NodeKey, depth: int) -> None:
    """Ask for what is near only, in both directions: an answer says when more was cut off."""
    oracle, name = asked.oracle, asked.oracle.reference(node)
    for ask, distance, doubts in (
        (api.trace, oracle.upstream(node), oracle.unproven(node)),
        (api.impact, oracle.downstream(node, certain=False), oracle.impact_doubts(node)),
    ):
        what = f"{ask.__name__} of {name}, {depth} hops"
        answer = ask(asked.connection, name, max_depth=depth, **asked.when)
        near = {oracle.reference(one): hops for one, hops in distance.items() if hops <= depth}
        asked.same(what, {row["reference"]: row["depth"] for row in answer.rows}, near)
        cut = len(near) < len(distance)
        asked.same(f"is {what} complete", answer.complete, not cut and not doubts)


def judge_unborn(asked: Asked, node: NodeKey) -> None:
    """Ask about what nothing had named yet by the moment that is looked at."""
    name = asked.oracle.reference(node)
    try:
        found = api.trace(asked.connection, name, **asked.when).subject
    except NotFound:
        found = "nothing"
    asked.same(f"{name}, which had not appeared", found, "nothing")


def _rank(verdict: str) -> int:
    return _WORST.index(verdict)


def _check_head(
    asked: Asked, answer: Answer, what: str, subject: str, doubts: Iterable[str]
) -> None:
    """Compare what an answer says about itself; nothing that has a doubt is complete."""
    found = (answer.subject, answer.as_of, answer.known_at)
    times = [asked.when[key] for key in ("as_of", "known_at")]
    asked.same(f"head of {what}", found, (subject, *(time and _written(time) for time in times)))
    complete, doubts = answer.complete, sorted(doubts)
    asked.same(f"is {what} complete, with doubts {doubts}", complete, not doubts)
    asked.same(f"warnings of {what}, for {doubts}", bool(answer.warnings), bool(doubts))


def _check_rows(
    asked: Asked,
    answer: Answer,
    what: str,
    distance: Distance,
    verdicts: Mapping[NodeKey, str],
    *,
    up: bool,
) -> None:
    nodes = asked.names(distance)
    asked.same(
        what,
        sorted((row["reference"], row["verdict"]) for row in answer.rows),
        sorted((name, verdicts.get(node)) for name, node in nodes.items()),
    )
    for row in answer.rows:
        node = nodes[row["reference"]]
        _check_hop(asked, row, what, node, distance, up=up, with_reasons=True)


def _check_hop(
    asked: Asked,
    row: Mapping[str, Any],
    what: str,
    node: NodeKey,
    distance: Distance,
    *,
    up: bool,
    with_reasons: bool,
) -> None:
    """Compare who a row is about and how it was reached: by a shortest way, if any a certain one.

    Which one of several is not promised.
    """
    oracle = asked.oracle
    what = f"{row['reference']}, {what}"
    found = tuple(row[key] for key in ("kind", "namespace", "name", "version", "digest", "depth"))
    asked.same(what, found, (kind_of(node[0]), "lake", *node[:3], distance.get(node)))
    asked.same(f"registered, {what}", row["registered"], bool(oracle.registered(node)))
    ways = oracle.ways(node, distance, up=up) if distance.get(node) else []
    certain = any(way.certain for way in ways)
    wrote = min((edge[0] for edge in oracle.writing.get(node, [])), default=node[3])
    expected = {
        (
            oracle.reference(way.near),
            certain,
            way.why if with_reasons else (),
            *(wrote or (None, None) if up else way.run),
        )
        for way in ways
        if way.certain == certain
    } or {(None, None, (), *(wrote or (None, None)))}
    reasons = tuple(row["reasons"]) if with_reasons else ()
    hop = (row["via"], row["certain"], reasons, row["producer"], row["run_id"])
    if hop not in expected:
        asked.same(f"way to {what}", hop, expected)


def _check_edges(asked: Asked, answer: Answer, what: str, edges: Iterable[Edge]) -> None:
    oracle, edges = asked.oracle, list(edges)
    keys = ("producer", "run_id", "direction", "reference", "certain")
    asked.same(
        f"edges, {what}",
        sorted(
            (*(edge[key] for key in keys), tuple(edge["reasons"])) for edge in answer.extra["edges"]
        ),
        sorted(
            (*run, direction, oracle.reference(node), not why, tuple(sorted(why)))
            for edge in edges
            for run, direction, node, why in [(*edge[:3], oracle.weak(edge))]
        ),
    )
    fields = ("producer", "run_id", "started_at", "ended_at")
    asked.same(
        f"runs, {what}",
        [tuple(run[key] for key in fields) for run in answer.extra["runs"]],
        [
            (*run, *(_written(moment(at)) for at in oracle.span(run)))
            for run in sorted({edge[0] for edge in edges})
        ],
    )


def _written(time: Any) -> str:
    return f"{time.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
