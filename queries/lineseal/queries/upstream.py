"""Which data built this artifact version? Tells too whether a suspect got into it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import duckdb

from lineseal.commandline.output import Answer
from lineseal.queries import completeness
from lineseal.queries.ancestry import Ancestry, load_ancestry
from lineseal.queries.doubts import PROVEN_BUT_REFUSED, Holes, look_alikes, made_at
from lineseal.queries.graph import Direction, Lineage
from lineseal.queries.node import Node
from lineseal.queries.rows import edge_rows, first_writers, hops, node_row, run_rows
from lineseal.queries.times import Moment, format_time
from lineseal.queries.verdicts import AFFECTED, POSSIBLE, reached_for_certain, verdict


def answer_trace(
    connection: duckdb.DuckDBPyConnection,
    subject: Node,
    suspects: Sequence[Node] | None,
    moment: Moment,
    *,
    max_depth: int | None,
    now: dt.datetime,
    ancestry: Ancestry | None = None,
) -> Answer:
    """Walk upstream from *subject* and judge it against *suspects*, if any are given.

    *ancestry* is that of the subject at the moment, where it is loaded already.
    """
    if ancestry is None:
        ancestry = load_ancestry(connection, subject, moment, max_depth=max_depth, now=now)
    lineage, evidence = ancestry.lineage, ancestry.evidence
    defects = set(ancestry.defects)
    for found in look_alikes(lineage, suspects or ()).values():
        defects |= found
    if suspects is not None:
        since = min(suspect.appeared_at for suspect in suspects)
        holes = Holes(connection, since, moment, now)
        defects |= holes.until(made_at(lineage, evidence, subject.id))
        defects |= holes.refused(PROVEN_BUT_REFUSED)
    warnings = completeness.sentences(defects)
    judged: dict[int, str] = {}
    overall: str | None = None
    if suspects is not None:
        certain = reached_for_certain(lineage, evidence, [subject.id], Direction.UPSTREAM)
        judged = {
            suspect.id: AFFECTED if suspect.id in certain else POSSIBLE
            for suspect in suspects
            if suspect.id in lineage.depth
        }
        overall = verdict(
            certain_path=AFFECTED in judged.values(), any_path=bool(judged), proven=not warnings
        )
    chosen = hops(lineage, evidence, Direction.UPSTREAM)
    wrote = first_writers(
        (edge for edges in lineage.writers.values() for edge in edges), evidence.runs
    )
    return Answer(
        query="trace",
        subject=subject.reference,
        as_of=format_time(moment.as_of),
        known_at=format_time(moment.known_at),
        verdict=overall,
        complete=not warnings,
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
        extra={
            "suspects": None if suspects is None else sorted(s.reference for s in suspects),
            "runs": run_rows(evidence.runs),
            "edges": edge_rows(lineage, evidence),
        },
    )


def _by_depth(lineage: Lineage) -> list[int]:
    return sorted(lineage.depth, key=lambda node: (lineage.depth[node], lineage.rank[node]))
