"""Finds where a read or a write could mean more versions than the graph lists.

Such a use leads to the unknown version of its name (ADR-0004, "Too many candidates"). A walk that
meets another version of that name may have missed it, and must say so: upstream what was written
so, downstream what was read so.
"""

from __future__ import annotations

import duckdb

from lineseal.queries.catalog import query
from lineseal.queries.completeness import Defect, Vertex, make_defect
from lineseal.queries.graph import Direction, Lineage, Traversal
from lineseal.queries.held import held_graph
from lineseal.queries.times import Moment


def crowded(
    connection: duckdb.DuckDBPyConnection, direction: Direction, moment: Moment
) -> list[int]:
    """Return the unknown versions that stand for too many, of those a walk may pass by."""
    held = held_graph(connection, moment)
    if held is not None and not held.crowded:
        return []
    upstream = direction is Direction.UPSTREAM
    rows = query("crowded_names").rows(connection, **moment.parameters)
    return [node_id for node_id, written in rows if written is upstream]


def crowds(
    connection: duckdb.DuckDBPyConnection, lineage: Lineage, direction: Direction, moment: Moment
) -> dict[Vertex, set[Defect]]:
    """Find the versions of a walk in *direction* that a use of too many may have meant."""
    ids = crowded(connection, direction, moment)
    if not ids:
        return {}
    upstream = direction is Direction.UPSTREAM
    unknown = {
        (node.kind, node.namespace, node.name): node
        for node in Traversal(connection, moment).nodes(ids).values()
    }
    found: dict[Vertex, set[Defect]] = {}
    for node_id, node in lineage.nodes.items():
        crowd = unknown.get((node.kind, node.namespace, node.name))
        if crowd is not None and crowd.id != node_id:
            done, ask = ("written", "trace") if upstream else ("read", "impact")
            sentence = (
                f"more runs may have {done} {node.reference}: what they named could be any of too "
                f"many versions; see 'lineseal {ask} {crowd.reference}'"
            )
            found[node_id] = {make_defect("too_many_candidates", sentence)}
    return found
