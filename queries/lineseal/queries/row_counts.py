"""How many rows of a version did a run read or write? What runs said, joined to the graph.

A count is what a run said of a use, else what the registered profile of the version says. None
means that nobody said: no share is ever worked out from a guess.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import duckdb

from lineseal.queries.catalog import query
from lineseal.queries.evidence import RunFacts
from lineseal.queries.graph import Edge, Lineage, RunKey
from lineseal.queries.statements import Statement
from lineseal.queries.times import Moment

Use = tuple[RunKey, str, int]
"""A run, a direction (input, output) and an artifact version."""

_Named = tuple[str | None, str | None, int]


def load_row_counts(
    connection: duckdb.DuckDBPyConnection,
    lineage: Lineage,
    runs: Mapping[RunKey, RunFacts],
    moment: Moment,
) -> dict[Use, int]:
    """Load the row counts of every edge of *lineage*, with its *runs*, that a run said."""
    numbers = {runs[run].name: run for run in lineage.runs}
    said: defaultdict[tuple[RunKey, str, str, str, str], list[_Named]] = defaultdict(list)
    for producer, run_id, direction, kind, space, name, version, digest, rows in query("uses").rows(
        connection,
        producers=[producer for producer, _ in numbers],
        run_ids=[run_id for _, run_id in numbers],
        **moment.parameters,
    ):
        if rows is not None:
            key = (numbers[producer, run_id], direction, kind, space, name)
            said[key].append((version, digest, rows))
    counts: dict[Use, int] = {}
    for edge, direction in _edges(lineage):
        node = lineage.nodes[edge.node]
        for version, digest, rows in said[
            edge.run, direction, node.kind, node.namespace, node.name
        ]:
            if _means(version, node.version) and _means(digest, node.digest):
                use = (edge.run, direction, edge.node)
                counts[use] = max(rows, counts.get(use, 0))
    return counts


def _edges(lineage: Lineage) -> Iterable[tuple[Edge, str]]:
    for direction, edges_by_run in (("input", lineage.inputs), ("output", lineage.outputs)):
        for edges in edges_by_run.values():
            for edge in edges:
                yield edge, direction


def _means(said: str | None, is_: str | None) -> bool:
    """Tell whether what a run named can be this version: it named nothing, or the same."""
    return said is None or is_ is None or said == is_


def profile_of(statements: Iterable[Statement]) -> dict[str, Any] | None:
    """Return the newest registered profile among *statements* (the oldest first)."""
    profiles = [
        said.fields["profile"]
        for said in statements
        if said.body == "registration" and said.fields["profile"] is not None
    ]
    return profiles[-1] if profiles else None
