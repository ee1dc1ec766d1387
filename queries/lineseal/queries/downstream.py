"""What did these artifact versions reach? Each version reached gets a verdict and its hop."""

from __future__ import annotations

import datetime as dt

import duckdb

from lineseal.commandline.output import Answer
from lineseal.queries import completeness
from lineseal.queries.crowds import crowds
from lineseal.queries.dose import add_doses
from lineseal.queries.doubts import Holes
from lineseal.queries.evidence import Evidence, load_evidence, load_runs
from lineseal.queries.graph import Direction, Lineage, Traversal
from lineseal.queries.lineage_answer import lineage_answer
from lineseal.queries.promotions import environments
from lineseal.queries.rows import Row, edge_rows, first_writers, hops, node_row, run_rows
from lineseal.queries.suspects.suspects import Suspects
from lineseal.queries.times import Moment
from lineseal.queries.verdicts import AFFECTED, POSSIBLE, reached_for_certain
from lineseal.queries.wide.answers import is_wide, wide_impact


def answer_impact(
    connection: duckdb.DuckDBPyConnection,
    suspects: Suspects,
    moment: Moment,
    *,
    max_depth: int | None,
    now: dt.datetime,
    deployed: bool = False,
    dose: bool = False,
) -> Answer:
    """Walk downstream from *suspects* and say how sure each version reached is.

    With *deployed* only what is in an environment is a row; with *dose* each row tells which share
    of its rows came from the suspects.
    """
    traversal = Traversal(connection, moment)
    walked = traversal.visit(suspects.starts, Direction.DOWNSTREAM, max_depth)
    if not dose and is_wide(connection, walked, moment):
        return wide_impact(
            connection, traversal, walked, suspects, moment, now=now, deployed=deployed
        )
    lineage = traversal.lineage(walked)
    evidence = load_evidence(connection, lineage, moment, now)
    defects = {
        defect
        for found in completeness.merge(
            suspects.doubts,
            completeness.weak_links(lineage, evidence),
            completeness.unclosed_chains(lineage, evidence),
            completeness.cuts(lineage, max_depth),
            crowds(connection, lineage, Direction.DOWNSTREAM, moment),
        ).values()
        for defect in found
    }
    holes = Holes(connection, suspects.since, moment, now)
    warnings = completeness.sentences(defects | holes.until(None) | holes.refused())
    rows = _rows(connection, traversal, lineage, evidence, suspects, moment)
    if deployed:
        rows = [row for row in rows if row["environment"] is not None]
    if dose:
        add_doses(connection, traversal, lineage, evidence, suspects, moment, rows)
    return lineage_answer(
        "impact",
        suspects.subject,
        moment,
        warnings=warnings,
        rows=rows,
        suspects=suspects.references,
        runs=run_rows(evidence.runs),
        edges=edge_rows(lineage, evidence),
    )


def _rows(
    connection: duckdb.DuckDBPyConnection,
    traversal: Traversal,
    lineage: Lineage,
    evidence: Evidence,
    suspects: Suspects,
    moment: Moment,
) -> list[Row]:
    certain = reached_for_certain(lineage, evidence, suspects.certain, Direction.DOWNSTREAM)
    chosen = hops(lineage, evidence, Direction.DOWNSTREAM)
    writers = traversal.writers(suspects.starts)
    unknown = {edge.run for edge in writers} - evidence.runs.keys()
    runs = evidence.runs | load_runs(connection, unknown, moment)
    wrote = first_writers(writers, runs)
    wrote.update({node: hop.run for node, hop in chosen.items()})
    promoted = environments(connection, list(lineage.nodes), moment)
    return [
        node_row(
            lineage,
            node,
            hop=chosen.get(node),
            run=runs[wrote[node]] if node in wrote else None,
            registered=evidence.registered.get(node),
            verdict=AFFECTED if node in certain else POSSIBLE,
        )
        | {"environment": promoted.get(node)}
        for node in sorted(lineage.nodes, key=lineage.rank.__getitem__)
    ]
