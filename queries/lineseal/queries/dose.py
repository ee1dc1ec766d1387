"""Which share of its rows came from the suspects? Worked out along certain hops, never guessed.

The rule (ADR-0024): a suspect has a dose of 1. What a run wrote has the share of the rows that the
run read, each weighed by the dose of what it was read from. A table keeps that share only when as
many rows were written as were read, or when all that was read came from the suspects: else nobody
knows which rows were kept. What is no data (a model, a report) has the share of what its run read.
Whatever is not known makes what follows from it unknown.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from lineseal.queries.evidence import Evidence
from lineseal.queries.graph import Edge, Lineage, RunKey, Traversal
from lineseal.queries.row_counts import Use, load_row_counts, profile_of
from lineseal.queries.rows import Row
from lineseal.queries.statements import load_statements
from lineseal.queries.suspects.suspects import Suspects
from lineseal.queries.times import Moment
from lineseal.queries.verdicts import CLEAN

DATA = frozenset({"dataset", "label_set", "feature_set", "embedding_set", "preference_set"})
"""Kinds that are made of rows."""
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Dose:
    """Hold a share between 0 and 1, or None and why it is not known."""

    share: float | None
    unknown: str | None = None


def add_doses(
    connection: duckdb.DuckDBPyConnection,
    traversal: Traversal,
    down: Lineage,
    evidence: Evidence,
    suspects: Suspects,
    moment: Moment,
    rows: Iterable[Row],
) -> None:
    """Add ``dose`` and ``dose_unknown`` to each of *rows*; 0 for what is clean."""
    found = {
        down.nodes[node].reference: dose
        for node, dose in doses(connection, traversal, down, evidence, suspects, moment).items()
    }
    for row in rows:
        other = Dose(0.0) if row["verdict"] == CLEAN else Dose(None, "its ancestry is not proven")
        dose = found.get(row["reference"], other)
        row["dose"] = None if dose.share is None else round(dose.share, _DIGITS)
        row["dose_unknown"] = dose.unknown


def doses(
    connection: duckdb.DuckDBPyConnection,
    traversal: Traversal,
    down: Lineage,
    evidence: Evidence,
    suspects: Suspects,
    moment: Moment,
) -> dict[int, Dose]:
    """Return the dose of every version that *down*, a walk downstream, has reached."""
    whole = _with_all_inputs(traversal, down)
    counts = _Counts(connection, whole, evidence, moment)
    work = _Work(whole, evidence, counts)
    for start in suspects.starts:
        reason = "it is no certain suspect" if start in suspects.doubts else None
        work.found[start] = Dose(None if reason else 1.0, reason)
    work.finish(down.depth)
    return {node: work.found[node] for node in down.depth}


def _with_all_inputs(traversal: Traversal, down: Lineage) -> Lineage:
    """Return the runs of *down* with everything they read, and every run that wrote a version."""
    whole = Lineage(depth=down.depth)
    for edge in traversal.edges("run_inputs", sorted(down.outputs)):
        whole.add_input(edge)
    for edge in traversal.writers(down.depth):
        whole.add_output(edge)
    whole.nodes = down.nodes | traversal.nodes(whole.readers.keys() - down.nodes.keys())
    return whole


class _Counts:
    """Knows how many rows each use has."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        whole: Lineage,
        evidence: Evidence,
        moment: Moment,
    ) -> None:
        known = Lineage(
            nodes=whole.nodes,
            inputs=whole.inputs,
            outputs={run: edges for run, edges in whole.outputs.items() if run in evidence.runs},
        )
        self._said: Mapping[Use, int] = load_row_counts(connection, known, evidence.runs, moment)
        self._written: dict[int, int] = {}
        for (_, direction, node), count in self._said.items():
            if direction == "output":
                self._written[node] = max(count, self._written.get(node, 0))
        # A profile of every version would be too much: only where nobody else said.
        unsaid = {
            edge.node
            for direction, by_run in (("input", known.inputs), ("output", known.outputs))
            for run, edges in by_run.items()
            for edge in edges
            if (run, direction, edge.node) not in self._said and edge.node not in self._written
        }
        statements = load_statements(connection, unsaid, moment) if unsaid else {}
        self._profiled = {node: profile_of(about) for node, about in statements.items()}

    def of(self, run: RunKey, direction: str, node: int) -> int | None:
        """Return the rows of a use: as the run said, else as many as the version has."""
        for count in (self._said.get((run, direction, node)), self._written.get(node)):
            if count is not None:
                return count
        profile = self._profiled.get(node)
        return None if profile is None or profile["rows"] is None else int(profile["rows"])


@dataclass
class _Work:
    """Works out doses, from what is read to what is written."""

    whole: Lineage
    evidence: Evidence
    counts: _Counts
    found: dict[int, Dose] = field(default_factory=dict[int, Dose])

    def finish(self, wanted: Mapping[int, int]) -> None:
        """Find the dose of each of *wanted*; what is in a circle has none."""
        waiting = {node: self._sources(node, wanted) for node in wanted if node not in self.found}
        followers: dict[int, list[int]] = {}
        for node, sources in waiting.items():
            for source in sources:
                followers.setdefault(source, []).append(node)
        ready = [node for node, sources in waiting.items() if not sources]
        while ready:
            node = ready.pop()
            self.found[node] = self._dose(node)
            for follower in followers.get(node, ()):
                waiting[follower].discard(node)
                if not waiting[follower]:
                    ready.append(follower)
        for node in waiting:
            self.found.setdefault(node, Dose(None, "it was made from itself"))

    def _sources(self, node: int, wanted: Mapping[int, int]) -> set[int]:
        return {
            edge.node
            for writer in self.whole.writers.get(node, ())
            for edge in self.whole.inputs.get(writer.run, ())
            if edge.node in wanted and edge.node not in self.found
        }

    def _dose(self, node: int) -> Dose:
        writers = self.whole.writers.get(node, ())
        if len(writers) != 1:
            return Dose(None, f"{len(writers)} runs wrote it")
        (writer,) = writers
        label = self.evidence.runs[writer.run].label
        rank = self.whole.rank
        inputs = sorted(self.whole.inputs.get(writer.run, ()), key=lambda edge: rank[edge.node])
        if not all(self.evidence.is_certain(edge) for edge in (writer, *inputs)):
            return Dose(None, f"{label} read or wrote something that is not certain")
        return self._of_run(writer, inputs, label)

    def _of_run(self, writer: Edge, inputs: Sequence[Edge], label: str) -> Dose:
        """Weigh what a run read, every edge of which is certain."""
        shares: list[tuple[Edge, float]] = []
        for edge in inputs:
            reference = self.whole.nodes[edge.node].reference
            dose = self.found.get(edge.node, Dose(0.0))
            if dose.share is None:
                return Dose(None, f"that of {reference} is not known")
            if self.whole.nodes[edge.node].kind in DATA:
                shares.append((edge, dose.share))
            elif dose.share:
                return Dose(None, f"{label} read {reference}, which is not made of rows")
        if shares and all(share == 1.0 for _, share in shares):
            return Dose(1.0)
        return self._weigh(writer, shares, label)

    def _weigh(self, writer: Edge, shares: Sequence[tuple[Edge, float]], label: str) -> Dose:
        weights: list[tuple[int, float]] = []
        for edge, share in shares:
            rows = self.counts.of(writer.run, "input", edge.node)
            if rows is None:
                reference = self.whole.nodes[edge.node].reference
                return Dose(None, f"nobody said how many rows of {reference} were read by {label}")
            weights.append((rows, share))
        total = sum(rows for rows, _ in weights)
        if total == 0:
            return Dose(None, f"{label} read no rows")
        if self.whole.nodes[writer.node].kind in DATA:
            written = self.counts.of(writer.run, "output", writer.node)
            if written != total:
                said = "nobody said how many" if written is None else f"{written:,}"
                return Dose(None, f"{label} read {total:,} rows and wrote {said}")
        # Exactly rounded, so that the order of the inputs does not matter.
        return Dose(math.fsum(rows * share for rows, share in weights) / total)
