"""Is this model affected, possibly affected, or clean? The three words of ADR-0005.

``affected`` needs one path of certain edges; ``clean`` needs that no path exists and that the
ancestry is proven; everything else is ``possible``.
"""

from __future__ import annotations

from collections.abc import Iterable

from lineseal.queries.evidence import Evidence
from lineseal.queries.graph import Direction, Lineage

AFFECTED = "affected"
POSSIBLE = "possible"
CLEAN = "clean"

SEVERITY = {AFFECTED: 0, POSSIBLE: 1, CLEAN: 2, None: 3}
"""Order of verdicts, the worst first."""


def verdict(*, certain_path: bool, any_path: bool, proven: bool) -> str:
    """Return the verdict on one artifact version."""
    if certain_path:
        return AFFECTED
    return CLEAN if proven and not any_path else POSSIBLE


def worst(verdicts: Iterable[str]) -> str:
    """Return the worst of *verdicts*; clean when there are none."""
    return min(verdicts, key=lambda item: SEVERITY[item], default=CLEAN)


def reached_for_certain(
    lineage: Lineage, evidence: Evidence, starts: Iterable[int], direction: Direction
) -> set[int]:
    """Return every version that a path of certain edges joins to one of *starts*.

    The starts themselves are among them, if the lineage holds them.
    """
    upstream = direction is Direction.UPSTREAM
    near = lineage.writers if upstream else lineage.readers
    far = lineage.inputs if upstream else lineage.outputs
    reached = {node for node in starts if node in lineage.depth}
    frontier = list(reached)
    runs = {run for run in lineage.runs if not evidence.is_weak(run)}
    while frontier:
        crossed = {
            edge.run
            for node in frontier
            for edge in near.get(node, ())
            if edge.exact and edge.run in runs
        }
        runs -= crossed
        frontier = []
        for run in crossed:
            for edge in far.get(run, ()):
                if edge.exact and edge.node not in reached:
                    reached.add(edge.node)
                    frontier.append(edge.node)
    return reached
