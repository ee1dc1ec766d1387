"""What must be made again without the bad input? Says in which order.

Everything downstream of it would be too much: a version that a newer one of its name replaced need
not be made again, unless something that is still the newest was made from it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from graphlib import CycleError, TopologicalSorter
from typing import Any

from lineseal.queries.evidence import Evidence, RunFacts
from lineseal.queries.graph import Lineage, RunKey

Row = dict[str, Any]


def retrain_order(
    down: Lineage, evidence: Evidence, starts: Collection[int], newest: Collection[int]
) -> list[Row]:
    """Return the runs to repeat, first things first; equal input gives equal order.

    Args:
        down: A walk downstream from the bad input.
        evidence: The facts around it.
        starts: The bad input.
        newest: Versions that nothing newer of their name replaces.

    """
    wanted = _needed(down, starts, {node for node in newest if node in down.depth})
    before = {
        run: {
            writer.run
            for edge in down.inputs.get(run, ())
            for writer in down.writers.get(edge.node, ())
            if writer.run in wanted and writer.run != run
        }
        for run in wanted
    }
    return [
        {
            "order": place,
            "job": evidence.runs[run].job,
            "stage": evidence.runs[run].stage,
            "run_id": evidence.runs[run].run_id,
            "producer": evidence.runs[run].producer,
            "writes": sorted(_names(down, run)),
        }
        for place, run in enumerate(_sorted(before, evidence), start=1)
    ]


def _needed(down: Lineage, starts: Collection[int], targets: set[int]) -> set[RunKey]:
    """Walk back from the targets to the bad input and return every run on the way."""
    runs: set[RunKey] = set()
    seen = set(starts)
    frontier = targets - seen
    while frontier:
        seen |= frontier
        crossed = {edge.run for node in frontier for edge in down.writers.get(node, ())}
        runs |= crossed
        frontier = {edge.node for run in crossed for edge in down.inputs.get(run, ())} - seen
    return runs


def _sorted(before: dict[RunKey, set[RunKey]], evidence: Evidence) -> list[RunKey]:
    """Sort by what needs what; runs that need nothing of each other by time."""
    in_time = sorted(before, key=lambda run: _when(evidence.runs[run]))
    sorter = TopologicalSorter({run: before[run] for run in in_time})
    try:
        sorter.prepare()
    except CycleError:
        # Runs that feed each other have no order of their own: the one they ran in is left.
        return in_time
    ordered: list[RunKey] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=lambda run: _when(evidence.runs[run]))
        ordered += ready
        sorter.done(*ready)
    return ordered


def _when(facts: RunFacts) -> tuple[dt.datetime, tuple[str, str]]:
    return facts.started_at, facts.name


def _names(down: Lineage, run: RunKey) -> set[str]:
    return {down.nodes[edge.node].reference for edge in down.outputs.get(run, ())}
