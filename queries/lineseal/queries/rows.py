"""How does a lineage look as rows? Flat, in one order, with nothing in them that a rebuild changes.

A row tells how its version was reached: ``via`` is the version one hop nearer the subject, and
``certain`` and ``reasons`` are about that hop. Of several ways the shortest counts, then a
certain one, then the first in the order of their names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from lineseal.queries.evidence import Evidence, RunFacts
from lineseal.queries.graph import Direction, Edge, Lineage, RunKey
from lineseal.queries.registrations import Registered
from lineseal.queries.times import format_time

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Hop:
    """Say how a version was reached: from which one, through which run, and how surely."""

    via: int
    run: RunKey
    certain: bool
    reasons: tuple[str, ...]


def hops(lineage: Lineage, evidence: Evidence, direction: Direction) -> dict[int, Hop]:
    """Choose one hop for every version that is not a start."""
    upstream = direction is Direction.UPSTREAM
    nearer, here = (
        (lineage.outputs, lineage.readers) if upstream else (lineage.inputs, lineage.writers)
    )
    doors = {run: _door(lineage, evidence, edges) for run, edges in nearer.items()}
    distance = lineage.depth
    chosen: dict[int, Hop] = {}
    for node, depth in distance.items():
        ways = [
            (edge, doors[edge.run])
            for edge in here.get(node, ())
            if edge.run in doors and distance[doors[edge.run].node] == depth - 1
        ]
        if ways:
            edge, door = ways[0]
            if len(ways) > 1:
                edge, door = min(ways, key=lambda way: _preference(lineage, evidence, *way))
            certain = evidence.is_certain(edge) and evidence.is_certain(door)
            reasons: tuple[str, ...] = ()
            if not certain:
                reasons = tuple(sorted({*evidence.reasons(edge), *evidence.reasons(door)}))
            chosen[node] = Hop(door.node, edge.run, certain, reasons)
    return chosen


def _door(lineage: Lineage, evidence: Evidence, edges: Sequence[Edge]) -> Edge:
    """Choose the edge by which a run was entered: nearest, certain, first by name."""
    if len(edges) == 1:
        return edges[0]
    return min(
        edges,
        key=lambda edge: (
            lineage.depth[edge.node],
            not evidence.is_certain(edge),
            lineage.rank[edge.node],
        ),
    )


def _preference(lineage: Lineage, evidence: Evidence, edge: Edge, door: Edge) -> Any:
    certain = evidence.is_certain(edge) and evidence.is_certain(door)
    return (not certain, lineage.rank[door.node], evidence.runs[edge.run].name)


def first_writers(edges: Iterable[Edge], runs: Mapping[RunKey, RunFacts]) -> dict[int, RunKey]:
    """Return for each version the run that wrote it; of several the first by name."""
    chosen: dict[int, RunKey] = {}
    for edge in edges:
        other = chosen.setdefault(edge.node, edge.run)
        if other != edge.run and runs[edge.run].name < runs[other].name:
            chosen[edge.node] = edge.run
    return chosen


def node_row(
    lineage: Lineage,
    node: int,
    *,
    hop: Hop | None,
    run: RunFacts | None,
    registered: Registered | None,
    verdict: str | None,
) -> Row:
    """Make the row of one version; *run* is the run that wrote it."""
    named = lineage.nodes[node]
    return {
        "depth": lineage.depth.get(node),
        **named.to_row(),
        "run_id": run.run_id if run else named.run_id,
        "job": run.job if run else None,
        "producer": run.producer if run else named.producer,
        "via": lineage.nodes[hop.via].reference if hop else None,
        "verdict": verdict,
        "certain": hop.certain if hop else None,
        "reasons": list(hop.reasons) if hop else [],
        "registered": registered is not None,
        "owner": registered.owner if registered else None,
        "reference": named.reference,
    }


def edge_rows(lineage: Lineage, evidence: Evidence) -> list[Row]:
    """Return every edge of the lineage, sorted by run, direction and artifact."""
    ordered = sorted(evidence.runs.values(), key=lambda facts: facts.name)
    place = {facts.run: place for place, facts in enumerate(ordered)}
    found = [
        (place[edge.run], direction, lineage.rank[edge.node], edge)
        for direction, edges_by_run in (("input", lineage.inputs), ("output", lineage.outputs))
        for edges in edges_by_run.values()
        for edge in edges
    ]
    # A run has one edge of a direction to a version, so edges themselves are never compared.
    found.sort(key=itemgetter(0, 1, 2))
    return [
        {
            "producer": evidence.runs[edge.run].producer,
            "run_id": evidence.runs[edge.run].run_id,
            "direction": direction,
            "reference": lineage.nodes[edge.node].reference,
            "certain": evidence.is_certain(edge),
            "reasons": list(evidence.reasons(edge)),
        }
        for _, direction, _, edge in found
    ]


def run_rows(runs: Mapping[RunKey, RunFacts]) -> list[Row]:
    """Return every run, sorted by producer and run id."""
    return [
        {
            "producer": facts.producer,
            "run_id": facts.run_id,
            "job": facts.job,
            "stage": facts.stage,
            "state": facts.state,
            "started_at": format_time(facts.started_at),
            "ended_at": format_time(facts.ended_at),
        }
        for facts in sorted(runs.values(), key=lambda facts: facts.name)
    ]
