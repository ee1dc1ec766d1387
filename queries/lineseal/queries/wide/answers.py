"""Answers ``trace`` and ``impact`` about many thousand versions: the same bytes, in columns.

What asks for more than the plain question (a suspect's verdict, doses) or meets names with too many
candidates is answered by objects, however long that takes.
"""

from __future__ import annotations

import datetime as dt

import duckdb
import numpy as np
import pyarrow as pa

from lineseal.commandline.output import Answer
from lineseal.queries import completeness
from lineseal.queries.columnar_rows import ColumnarRows, compute
from lineseal.queries.completeness import Defect
from lineseal.queries.crowds import crowded
from lineseal.queries.doubts import Holes
from lineseal.queries.evidence import Evidence, load_runs
from lineseal.queries.graph import Lineage, Traversal, objects
from lineseal.queries.lineage_answer import lineage_answer
from lineseal.queries.promotions import environments
from lineseal.queries.rows import first_writers
from lineseal.queries.suspects.suspects import Suspects
from lineseal.queries.times import Moment
from lineseal.queries.verdicts import AFFECTED, POSSIBLE
from lineseal.queries.walk import Walked
from lineseal.queries.wide.facts import Facts, load_facts
from lineseal.queries.wide.hops import certain_ids, choose_hops, first_runs
from lineseal.queries.wide.rows import choice, edge_rows, run_rows, sparse, version_rows

MANY = 2_000
"""Versions from which on an answer is made in columns."""


def is_wide(connection: duckdb.DuckDBPyConnection, walked: Walked, moment: Moment) -> bool:
    """Tell whether the answer about a walk is made in columns."""
    return (
        len(walked.ids) >= MANY
        and not len(walked.cut_runs)
        and not crowded(connection, walked.direction, moment)
    )


def wide_impact(
    connection: duckdb.DuckDBPyConnection,
    traversal: Traversal,
    walked: Walked,
    suspects: Suspects,
    moment: Moment,
    *,
    now: dt.datetime,
    deployed: bool,
) -> Answer:
    """Say how sure each version downstream is; as ``downstream.answer_impact``."""
    facts = load_facts(connection, walked, moment, now)
    near, far = facts.half(walked.near), facts.half(walked.far)
    holes = Holes(connection, suspects.since, moment, now)
    defects = facts.defects.union(*suspects.doubts.values())
    warnings = completeness.sentences(defects | holes.until(None) | holes.refused())
    hops = choose_hops(facts, near, far)
    certain = np.zeros(len(facts.versions), np.bool_)
    certain[facts.version_at.of(certain_ids(facts, near, far, suspects.certain))] = True
    writers = traversal.writers(suspects.starts)
    known = load_runs(connection, {edge.run for edge in writers}, moment)
    started = first_writers(writers, known)
    starts = facts.version_at.of(np.fromiter(started, np.int64)).tolist()
    promoted = environments(connection, walked.ids, moment)
    places = facts.version_at.of(np.fromiter(promoted, np.int64)).tolist()
    environment = dict(zip(places, promoted.values(), strict=True))
    rows = version_rows(
        facts,
        hops,
        order=np.arange(len(facts.versions)),
        wrote=hops.run,
        others={
            place: known[run]
            for place, run in zip(starts, started.values(), strict=True)
            if hops.run[place] < 0
        },
        verdicts=choice(certain, AFFECTED, POSSIBLE),
        more={"environment": sparse(len(facts.versions), environment)},
    )
    if deployed:
        rows = ColumnarRows(rows.table.filter(compute.is_valid(rows.table.column("environment"))))
    return lineage_answer(
        "impact",
        suspects.subject,
        moment,
        warnings=warnings,
        rows=rows,
        suspects=suspects.references,
        runs=run_rows(facts),
        edges=edge_rows(facts, near, far),
    )


def wide_trace(
    connection: duckdb.DuckDBPyConnection,
    reference: str,
    walked: Walked,
    moment: Moment,
    *,
    now: dt.datetime,
) -> Answer:
    """Tell what a version was made from; as ``upstream.answer_trace`` without suspects."""
    facts = load_facts(connection, walked, moment, now)
    near, far = facts.half(walked.near), facts.half(walked.far)
    found = _open_leaves(connection, facts, moment, now)
    warnings = completeness.sentences(facts.defects | found)
    count = len(facts.versions)
    rows = version_rows(
        facts,
        choose_hops(facts, near, far),
        order=np.lexsort((np.arange(count), facts.depths)),
        wrote=first_runs(near, count),
        others={},
        verdicts=pa.nulls(count, pa.string()),
        more={},
    )
    return lineage_answer(
        "trace",
        reference,
        moment,
        warnings=warnings,
        rows=rows,
        suspects=None,
        runs=run_rows(facts),
        edges=edge_rows(facts, far, near),
    )


def _open_leaves(
    connection: duckdb.DuckDBPyConnection, facts: Facts, moment: Moment, now: dt.datetime
) -> set[Defect]:
    """Find open leaves among the versions that no run wrote from inputs, and what is opaque."""
    walked = facts.walked
    made = walked.near.versions[np.isin(walked.near.runs, walked.far.runs)]
    opaque = [node for node, said in facts.registered.items() if said.opaque]
    leaves = np.setdiff1d(walked.ids, made)
    part = Lineage(nodes=Traversal(connection, moment).nodes([*leaves.tolist(), *opaque]))
    # What is opaque and no leaf must not be taken for one.
    found = walked.near.where(np.isin(walked.near.versions, np.array(opaque, np.int64)))
    for edge in objects(found):
        part.add_output(edge)
    left = walked.far.where(np.isin(walked.far.runs, found.runs))
    for edge in objects(left):
        part.add_input(edge)
    evidence = Evidence(now, {}, facts.chains, facts.registered)
    return set[Defect]().union(*completeness.open_leaves(part, evidence).values())
