"""What is known about the runs and versions of a lineage? Loads it once for a whole walk.

Facts of runs, chains of their producers, registrations. Judges nothing but single edges: one is
*certain* when it is exact and no gap of its run's producer overlaps the run (ADR-0005).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb

from lineseal.queries.catalog import query
from lineseal.queries.chains import Chains, Gap
from lineseal.queries.graph import Edge, Lineage, RunKey
from lineseal.queries.times import Moment

PRODUCER_GAP = "producer_gap"


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Hold one run; columns as in ``run_facts.sql``, times naive UTC, both ends included."""

    run: RunKey
    producer: str
    run_id: str
    job_namespace: str | None
    job_name: str | None
    stage: str | None
    state: str
    started_at: dt.datetime
    ended_at: dt.datetime
    epochs: list[str]

    @property
    def job(self) -> str | None:
        """Return the job as ``namespace/name``, None when no event names it."""
        return None if self.job_name is None else f"{self.job_namespace}/{self.job_name}"

    @property
    def name(self) -> tuple[str, str]:
        """Return what orders runs the same way in every store."""
        return self.producer, self.run_id

    @property
    def label(self) -> str:
        """Return how a sentence names this run."""
        return f"{self.job} (run {self.run_id})" if self.job else f"run {self.run_id}"


@dataclass(frozen=True, slots=True)
class Registered:
    """Say that an artifact version is registered."""

    opaque: bool
    owner: str | None


class Evidence:
    """Holds the facts around one lineage; ``now`` decides which epochs are alive."""

    def __init__(
        self,
        now: dt.datetime,
        runs: dict[RunKey, RunFacts],
        chains: Chains,
        registered: dict[int, Registered],
    ) -> None:
        """Find the gaps that overlap each run."""
        self.now = now
        self.runs = runs
        self.chains = chains
        self.registered = registered
        self._gaps = {
            key: gaps
            for key, run in runs.items()
            if run.producer in chains.gaps
            and (
                gaps := [
                    gap
                    for gap in chains.gaps[run.producer]
                    if gap.overlaps(run.started_at, run.ended_at)
                ]
            )
        }

    def gaps_during(self, run: RunKey) -> Sequence[Gap]:
        """Return the gaps of the run's producer that overlap the run."""
        return self._gaps.get(run, ())

    def reasons(self, edge: Edge) -> tuple[str, ...]:
        """Return why the edge is not certain, sorted; empty when it is."""
        if edge.run not in self._gaps:
            return edge.reasons
        return tuple(sorted({*edge.reasons, PRODUCER_GAP}))

    def is_certain(self, edge: Edge) -> bool:
        """Tell whether the edge is exact and no gap overlaps its run."""
        return edge.exact and edge.run not in self._gaps


def load_evidence(
    connection: duckdb.DuckDBPyConnection, lineage: Lineage, moment: Moment, now: dt.datetime
) -> Evidence:
    """Load the facts around everything in *lineage*."""
    runs = load_runs(connection, lineage.runs, moment)
    return Evidence(
        now=now,
        runs=runs,
        chains=Chains.load(connection, moment, {run.producer for run in runs.values()}),
        registered=load_registered(connection, lineage.nodes, moment),
    )


def load_runs(
    connection: duckdb.DuckDBPyConnection, runs: Iterable[RunKey], moment: Moment
) -> dict[RunKey, RunFacts]:
    """Load the facts of *runs*."""
    rows = query("run_facts").rows(connection, runs=list(runs), known_at=moment.known_at)
    return {row[0]: RunFacts(*row) for row in rows}


def load_registered(
    connection: duckdb.DuckDBPyConnection, ids: Iterable[int], moment: Moment
) -> dict[int, Registered]:
    """Load which of *ids* are registered."""
    rows = query("registrations").rows(connection, ids=list(ids), **moment.parameters)
    return {row[0]: Registered(row[1], row[2]) for row in rows}
