"""Which data built this artifact version? Tells too whether a suspect got into it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from lineseal.commandline.output import Answer
from lineseal.queries import completeness
from lineseal.queries.ancestry import Ancestry, ancestry_of
from lineseal.queries.doubts import PROVEN_BUT_REFUSED, Holes, look_alikes, made_at
from lineseal.queries.graph import Direction, Lineage, Traversal
from lineseal.queries.lineage_answer import lineage_answer
from lineseal.queries.node import Node
from lineseal.queries.rows import edge_rows, first_writers, hops, node_row, run_rows
from lineseal.queries.times import Moment
from lineseal.queries.verdicts import AFFECTED, POSSIBLE, reached_for_certain, verdict
from lineseal.queries.wide.answers import is_wide, wide_trace


@dataclass(frozen=True, slots=True)
class Judgement:
    """Hold the verdict on a version, that on each suspect in its ancestry, and what is lacking."""

    verdict: str | None
    suspects: dict[int, str]
    warnings: list[str]


def appeared(suspects: Sequence[Node]) -> dt.datetime:
    """Return when the first of *suspects* may have been there."""
    return min(suspect.appeared_at for suspect in suspects)


def judge(ancestry: Ancestry, suspects: Sequence[Node], holes: Holes) -> Judgement:
    """Judge a version against *suspects*; *holes* are those since they appeared."""
    lineage, evidence, subject = ancestry.lineage, ancestry.evidence, ancestry.subject
    defects = set(ancestry.defects).union(*look_alikes(lineage, suspects).values())
    defects |= holes.until(made_at(lineage, evidence, subject.id))
    defects |= holes.refused(PROVEN_BUT_REFUSED)
    warnings = completeness.sentences(defects)
    certain = reached_for_certain(lineage, evidence, [subject.id], Direction.UPSTREAM)
    judged = {
        suspect.id: AFFECTED if suspect.id in certain else POSSIBLE
        for suspect in suspects
        if suspect.id in lineage.depth
    }
    overall = verdict(
        certain_path=AFFECTED in judged.values(), any_path=bool(judged), proven=not warnings
    )
    return Judgement(overall, judged, warnings)


def answer_trace(
    connection: duckdb.DuckDBPyConnection,
    subject: Node,
    suspects: Sequence[Node] | None,
    moment: Moment,
    *,
    max_depth: int | None,
    now: dt.datetime,
) -> Answer:
    """Walk upstream from *subject* and judge it against *suspects*, if any are given."""
    walked = Traversal(connection, moment).visit([subject.id], Direction.UPSTREAM, max_depth)
    if suspects is None and is_wide(connection, walked, moment):
        return wide_trace(connection, subject.reference, walked, moment, now=now)
    ancestry = ancestry_of(connection, subject, walked, moment, max_depth=max_depth, now=now)
    lineage, evidence = ancestry.lineage, ancestry.evidence
    judgement = Judgement(None, {}, ancestry.warnings)
    if suspects is not None:
        holes = Holes(connection, appeared(suspects), moment, now)
        judgement = judge(ancestry, suspects, holes)
    warnings, judged = judgement.warnings, judgement.suspects
    chosen = hops(lineage, evidence, Direction.UPSTREAM)
    wrote = first_writers(
        (edge for edges in lineage.writers.values() for edge in edges), evidence.runs
    )
    return lineage_answer(
        "trace",
        subject.reference,
        moment,
        verdict=judgement.verdict,
        warnings=warnings,
        rows=[
            node_row(
                lineage,
                node,
                hop=chosen.get(node),
                run=evidence.runs[wrote[node]] if node in wrote else None,
                registered=evidence.registered.get(node),
                verdict=judged.get(node),
            )
            for node in _by_depth(lineage)
        ],
        suspects=None if suspects is None else sorted(s.reference for s in suspects),
        runs=run_rows(evidence.runs),
        edges=edge_rows(lineage, evidence),
    )


def _by_depth(lineage: Lineage) -> list[int]:
    return sorted(lineage.depth, key=lambda node: (lineage.depth[node], lineage.rank[node]))
