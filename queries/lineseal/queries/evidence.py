"""What is known about the runs and versions of a lineage? Loads it once for a whole walk.

Facts of runs, chains of their producers, registrations. Judges nothing but single edges: one is
*certain* when it is exact and no gap of its run's producer overlaps the run (ADR-0005).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from lineseal.queries.catalog import query
from lineseal.queries.chains import Chains, Gap
from lineseal.queries.graph import Edge, Lineage, RunKey
from lineseal.queries.registrations import Registered, load_registered
from lineseal.queries.times import Moment

PRODUCER_GAP = "producer_gap"
UNTRUSTED = {
    "FORK": "forked",
    "REPLAY": "replayed",
    "KEY_COMPROMISED": "key_compromised",
}
"""Reason of a weak edge, by the code of the finding that its run's batch falls under."""
_WHY_UNTRUSTED = {
    "FORK": "its key was used for two histories and is suspended",
    "REPLAY": "it was sealed after the end of its epoch",
    "KEY_COMPROMISED": "its key counts as compromised from then on",
}


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


class Evidence:
    """Holds the facts around one lineage; ``now`` decides which epochs are alive."""

    def __init__(
        self,
        now: dt.datetime,
        runs: dict[RunKey, RunFacts],
        chains: Chains,
        registered: dict[int, Registered],
        untrusted: dict[RunKey, tuple[str, ...]] | None = None,
    ) -> None:
        """Find the gaps that overlap each run; *untrusted* are codes of findings by run."""
        self.now = now
        self.runs = runs
        self.chains = chains
        self.registered = registered
        self._untrusted = untrusted or {}
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

        self._weak = self._gaps.keys() | self._untrusted.keys()

    def of(self, runs: Iterable[RunKey]) -> Evidence:
        """Return what is known about some of the runs."""
        return Evidence(
            self.now,
            {run: self.runs[run] for run in runs},
            self.chains,
            self.registered,
            self._untrusted,
        )

    def gaps_during(self, run: RunKey) -> Sequence[Gap]:
        """Return the gaps of the run's producer that overlap the run."""
        return self._gaps.get(run, ())

    def is_weak(self, run: RunKey) -> bool:
        """Tell whether nothing the run read or wrote is certain."""
        return run in self._weak

    def doubts(self, run: RunKey) -> list[tuple[str, str]]:
        """Return reason and sentence of everything that makes all edges of the run weak."""
        found = [(PRODUCER_GAP, gap.sentence) for gap in self.gaps_during(run)]
        for code in self._untrusted.get(run, ()):
            label = self.runs[run].label
            sentence = f"{label} is recorded in a batch that proves nothing: {_WHY_UNTRUSTED[code]}"
            found.append((UNTRUSTED[code], sentence))
        return found

    def reasons(self, edge: Edge) -> tuple[str, ...]:
        """Return why the edge is not certain, sorted; empty when it is."""
        if edge.run not in self._weak:
            return edge.reasons
        return tuple(sorted({*edge.reasons, *(reason for reason, _ in self.doubts(edge.run))}))

    def is_certain(self, edge: Edge) -> bool:
        """Tell whether the edge is exact, no gap overlaps its run, and its batches count."""
        return edge.exact and edge.run not in self._weak


def load_evidence(
    connection: duckdb.DuckDBPyConnection, lineage: Lineage, moment: Moment, now: dt.datetime
) -> Evidence:
    """Load the facts around everything in *lineage*."""
    runs = load_runs(connection, lineage.runs, moment)
    producers = {run.producer for run in runs.values()}
    epochs = {epoch for run in runs.values() for epoch in run.epochs}
    chains = Chains.around(connection, moment, epochs, producers)
    registered = load_registered(
        connection, lineage.nodes.values(), moment, accused=bool(chains.accused)
    )
    untrusted = load_untrusted_runs(connection, runs, chains, moment)
    return Evidence(now, runs, chains, registered, untrusted)


def load_untrusted_runs(
    connection: duckdb.DuckDBPyConnection,
    runs: Mapping[RunKey, RunFacts],
    chains: Chains,
    moment: Moment,
) -> dict[RunKey, tuple[str, ...]]:
    """Load which runs rest on batches that prove nothing, with the codes that say why."""
    producers = {facts.producer for facts in runs.values()}
    if not chains.accused & producers:
        return {}
    codes: dict[tuple[str, str], tuple[str, ...]] = {}
    for producer, run_id, code in query("untrusted_runs").rows(
        connection, producers=sorted(producers), known_at=moment.known_at
    ):
        codes[producer, run_id] = (*codes.get((producer, run_id), ()), code)
    return {run: codes[facts.name] for run, facts in runs.items() if facts.name in codes}


def load_runs(
    connection: duckdb.DuckDBPyConnection, runs: Iterable[RunKey], moment: Moment
) -> dict[RunKey, RunFacts]:
    """Load the facts of *runs*."""
    runs = list(runs)
    if not runs:
        return {}
    rows = query("run_facts").rows(connection, runs=runs, known_at=moment.known_at)
    return {row[0]: RunFacts(*row) for row in rows}
