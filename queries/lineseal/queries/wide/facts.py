"""What is known about the runs and versions of a large walk? In columns, sorted by their names.

Only what is doubtful becomes objects: edges that are not exact, and runs of producers with a gap or
a finding. Everything that ``completeness`` finds about the whole it finds about that part.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from lineseal.queries import completeness
from lineseal.queries.catalog import query
from lineseal.queries.chains import Chains
from lineseal.queries.completeness import Defect, make_defect
from lineseal.queries.evidence import Evidence, load_runs, load_untrusted_runs
from lineseal.queries.graph import MEANING, Lineage, Traversal, lineage_of
from lineseal.queries.registrations import Registered, load_registered
from lineseal.queries.relation import Edges
from lineseal.queries.times import Moment
from lineseal.queries.walk import Numbers, Walked, distinct

Flags = npt.NDArray[np.bool_]


class Index:
    """Finds the places of numbers in a column that holds each once."""

    def __init__(self, numbers: Numbers) -> None:
        """Sort them."""
        self._order = np.argsort(numbers)
        self._sorted = numbers[self._order]

    def of(self, numbers: Numbers) -> Numbers:
        """Return the place of each; all of them must be there."""
        places: Numbers = self._order[np.searchsorted(self._sorted, numbers)]
        return places


@dataclass(frozen=True, slots=True)
class Half:
    """Hold the edges of one direction by the places of their runs and versions.

    ``certain`` as in ``Evidence.is_certain``; ``reasons`` are codes of ``Facts.reasons``.
    """

    runs: Numbers
    versions: Numbers
    certain: Flags
    reasons: Numbers


@dataclass(frozen=True, slots=True)
class Facts:
    """Hold what is known about one walk.

    ``versions`` and ``runs`` are the columns of ``nodes_in_order.sql`` and ``runs_in_order.sql``.
    ``weak`` says of which runs nothing is certain, ``doubts`` why: codes of ``reasons``.
    """

    walked: Walked
    versions: Any
    runs: Any
    version_at: Index
    run_at: Index
    depths: Numbers
    weak: Flags
    doubts: Numbers
    reasons: tuple[tuple[str, ...], ...]
    defects: frozenset[Defect]
    chains: Chains
    registered: dict[int, Registered]

    def half(self, edges: Edges) -> Half:
        """Return *edges* by places, and judged."""
        runs = self.run_at.of(edges.runs)
        return Half(
            runs,
            self.version_at.of(edges.versions),
            (edges.bits == 0) & ~self.weak[runs],
            self.doubts[runs] * len(MEANING) + edges.bits,
        )


def load_facts(
    connection: duckdb.DuckDBPyConnection, walked: Walked, moment: Moment, now: dt.datetime
) -> Facts:
    """Load the facts around everything that was visited; epochs count as alive at *now*."""
    numbers = distinct(np.concatenate([walked.near.runs, walked.far.runs]))
    known_at = moment.known_at
    versions = query("nodes_in_order").table(connection, ids=walked.ids, known_at=known_at)
    runs = query("runs_in_order").table(connection, runs=numbers, known_at=known_at)
    version_at, run_at = Index(_numbers(versions, 0)), Index(_numbers(runs, 0))
    chained = runs.column("chain").combine_chunks().dictionary_encode()
    kinds: list[list[str]] = [json.loads(chain) for chain in chained.dictionary.to_pylist()]
    chains = Chains.around(
        connection,
        moment,
        {epoch for kind in kinds for epoch in kind[1:]},
        {kind[0] for kind in kinds},
    )
    registered = load_registered(connection, walked.ids, moment, accused=bool(chains.accused))
    spoiled = chains.gaps.keys() | chains.findings.keys()
    is_spoiled = np.array([kind[0] in spoiled for kind in kinds], np.bool_)
    of_spoiled = is_spoiled[np.asarray(chained.indices)] if kinds else np.zeros(0, np.bool_)
    doubtful = _numbers(runs, 0)[of_spoiled]
    part = _doubtful_part(connection, walked, moment, doubtful)
    evidence = _evidence(connection, part, chains, moment, now)
    found = completeness.merge(
        completeness.weak_links(part, evidence), completeness.unclosed_chains(part, evidence)
    )
    defects = _epoch_faults(chains, kinds, now).union(*found.values())
    weak, doubts, reasons = _doubts(evidence, doubtful, run_at, len(runs))
    depths = np.zeros(len(versions), np.int64)
    depths[version_at.of(walked.ids)] = walked.depths
    return Facts(
        walked, versions, runs, version_at, run_at, depths, weak, doubts, reasons,
        frozenset(defects), chains, registered,
    )  # fmt: skip


def _numbers(table: Any, column: int) -> Numbers:
    return np.asarray(table.column(column), np.int64)


def _doubtful_part(
    connection: duckdb.DuckDBPyConnection, walked: Walked, moment: Moment, doubtful: Numbers
) -> Lineage:
    """Return edges that are not exact, and all of *doubtful* runs."""

    def part(edges: Edges) -> Edges:
        wanted = edges.bits != 0
        return edges.where(wanted | np.isin(edges.runs, doubtful) if len(doubtful) else wanted)

    near, far = part(walked.near), part(walked.far)
    none = np.empty(0, np.int64)
    lineage = lineage_of(Walked(walked.direction, none, none, near, far, none, none))
    ids = lineage.readers.keys() | lineage.writers.keys()
    lineage.nodes = Traversal(connection, moment).nodes(ids) if ids else {}
    return lineage


def _evidence(
    connection: duckdb.DuckDBPyConnection,
    part: Lineage,
    chains: Chains,
    moment: Moment,
    now: dt.datetime,
) -> Evidence:
    runs = load_runs(connection, part.runs, moment)
    untrusted = load_untrusted_runs(connection, runs, chains, moment)
    return Evidence(now, runs, chains, {}, untrusted)


def _epoch_faults(chains: Chains, kinds: Iterable[list[str]], now: dt.datetime) -> set[Defect]:
    return {
        make_defect(*fault)
        for producer, *epochs in kinds
        for epoch in epochs
        for fault in chains.epochs[producer, epoch].faults(now)
    }


def _doubts(
    evidence: Evidence, doubtful: Numbers, run_at: Index, count: int
) -> tuple[Flags, Numbers, tuple[tuple[str, ...], ...]]:
    """Return which runs are weak, why, and what the codes of reasons mean."""
    weak, doubts = np.zeros(count, np.bool_), np.zeros(count, np.int64)
    said: dict[frozenset[str], int] = {frozenset(): 0}
    for run, place in zip(doubtful.tolist(), run_at.of(doubtful).tolist(), strict=True):
        weak[place] = evidence.is_weak(run)
        why = frozenset(reason for reason, _ in evidence.doubts(run))
        doubts[place] = said.setdefault(why, len(said))
    reasons: list[tuple[str, ...]] = []
    for why in said:
        reasons += [tuple(sorted({*own, *why})) for _, own in MEANING]
    return weak, doubts, tuple(reasons)
