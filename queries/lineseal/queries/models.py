"""Which models did a suspect reach? One verdict for every model version in the store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from lineseal.commandline.output import Answer
from lineseal.queries import completeness
from lineseal.queries.catalog import query
from lineseal.queries.completeness import Defect, Downstream
from lineseal.queries.crowds import crowds
from lineseal.queries.dose import add_doses
from lineseal.queries.doubts import PROVEN_BUT_REFUSED, Holes, look_alikes, made_at
from lineseal.queries.evidence import Evidence, load_evidence, load_runs
from lineseal.queries.graph import Direction, Lineage, Traversal
from lineseal.queries.promotions import environments
from lineseal.queries.registrations import load_registered
from lineseal.queries.rows import Row, first_writers, hops, node_row
from lineseal.queries.suspects.origins import origins_untold
from lineseal.queries.suspects.suspects import Suspects
from lineseal.queries.times import Moment, format_time
from lineseal.queries.verdicts import (
    AFFECTED,
    CLEAN,
    POSSIBLE,
    reached_for_certain,
    worst,
)

MODEL = "model"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Hold the verdict on one model and what keeps it from being clean."""

    verdict: str
    reason: str
    defects: Sequence[Defect] = ()


def answer_models(
    connection: duckdb.DuckDBPyConnection,
    suspects: Suspects,
    moment: Moment,
    *,
    max_depth: int | None,
    now: dt.datetime,
    deployed: bool = False,
    dose: bool = False,
) -> Answer:
    """Judge every model version that was known at *moment*; flags as for ``answer_impact``."""
    traversal = Traversal(connection, moment)
    down = traversal.walk(suspects.starts, Direction.DOWNSTREAM, max_depth)
    evidence = load_evidence(connection, down, moment, now)
    models = [
        row[0] for row in query("kind_versions").rows(connection, kind=MODEL, **moment.parameters)
    ]
    promoted = environments(connection, models, moment)
    if deployed:
        models = [model for model in models if promoted.get(model) is not None]
    judged = _judge_reached(down, evidence, suspects, models)
    rest = [model for model in models if model not in judged]
    cut = completeness.cuts(down, max_depth)
    holes = Holes(connection, suspects.since, moment, now)
    judged |= _judge_rest(connection, traversal, rest, moment, now, cut, suspects, holes)
    crowded = crowds(connection, down, Direction.DOWNSTREAM, moment)
    warnings = completeness.sentences(
        {defect for item in judged.values() for defect in item.defects}
        | {defect for found in crowded.values() for defect in found}
        | {defect for found in suspects.doubts.values() for defect in found}
        | holes.until(None)
        | holes.refused()
    )
    rows = _rows(connection, traversal, down, evidence, judged, promoted, moment)
    if dose:
        add_doses(connection, traversal, down, evidence, suspects, moment, rows)
    return Answer(
        query="impact",
        subject=suspects.subject,
        as_of=format_time(moment.as_of),
        known_at=format_time(moment.known_at),
        verdict=worst(item.verdict for item in judged.values()),
        complete=not warnings,
        warnings=warnings,
        rows=rows,
        extra={"suspects": suspects.references},
    )


def _judge_reached(
    down: Lineage, evidence: Evidence, suspects: Suspects, models: Collection[int]
) -> dict[int, Judgement]:
    certain = reached_for_certain(down, evidence, suspects.certain, Direction.DOWNSTREAM)
    links = completeness.merge(completeness.weak_links(down, evidence), suspects.doubts)
    weak = Downstream(down, links)
    judged: dict[int, Judgement] = {}
    for model in models:
        if model in certain:
            hops_away = down.depth[model]
            reason = (
                f"a certain path of {hops_away} hop{'' if hops_away == 1 else 's'} leads here"
                if hops_away
                else "it is the suspect itself"
            )
            judged[model] = Judgement(AFFECTED, reason)
        elif model in down.depth:
            defects = weak.of(model)
            judged[model] = Judgement(
                POSSIBLE, f"a path leads here, but not for certain: {_first(defects)}", defects
            )
    return judged


def _judge_rest(
    connection: duckdb.DuckDBPyConnection,
    traversal: Traversal,
    models: Sequence[int],
    moment: Moment,
    now: dt.datetime,
    cut: completeness.Defects,
    suspects: Suspects,
    holes: Holes,
) -> dict[int, Judgement]:
    up = traversal.walk(models, Direction.UPSTREAM)
    evidence = load_evidence(connection, up, moment, now)
    unproven = Downstream(
        up,
        completeness.merge(
            completeness.weak_links(up, evidence),
            completeness.unclosed_chains(up, evidence),
            completeness.open_leaves(up, evidence),
            look_alikes(up, suspects.nodes),
            origins_untold(connection, up, suspects, moment),
            crowds(connection, up, Direction.UPSTREAM, moment),
        ),
    )
    refused = holes.refused(PROVEN_BUT_REFUSED)
    everywhere = sorted({defect for found in cut.values() for defect in found} | refused)
    judged: dict[int, Judgement] = {}
    for model in models:
        own = {*unproven.of(model), *holes.until(made_at(up, evidence, model))}
        defects = [*everywhere, *sorted(own)]
        if defects:
            reason = f"no path is known, but none is ruled out: {_first(defects)}"
            judged[model] = Judgement(POSSIBLE, reason, defects)
        else:
            judged[model] = Judgement(CLEAN, "no path leads here, and its ancestry is proven")
    return judged


def _first(defects: Sequence[Defect]) -> str:
    more = len(defects) - 1
    return defects[0].sentence + (f" (and {more} more)" if more else "")


def _rows(
    connection: duckdb.DuckDBPyConnection,
    traversal: Traversal,
    down: Lineage,
    evidence: Evidence,
    judged: dict[int, Judgement],
    promoted: Mapping[int, str | None],
    moment: Moment,
) -> list[Row]:
    ids = list(judged)
    lineage = Lineage(
        nodes=down.nodes | traversal.nodes(set(ids) - down.nodes.keys()), depth=down.depth
    )
    chosen = hops(down, evidence, Direction.DOWNSTREAM)
    writers = traversal.writers(ids)
    used = {edge.run for edge in writers} | {hop.run for hop in chosen.values()}
    runs = load_runs(connection, used, moment)
    wrote = first_writers(writers, runs)
    wrote.update({node: hop.run for node, hop in chosen.items()})
    registered = load_registered(connection, [lineage.nodes[node] for node in ids], moment)
    rows: list[Row] = []
    for node in sorted(ids, key=lineage.rank.__getitem__):
        item = judged[node]
        row = node_row(
            lineage,
            node,
            hop=chosen.get(node),
            run=runs[wrote[node]] if node in wrote else None,
            registered=registered.get(node),
            verdict=item.verdict,
        )
        codes = sorted({code for defect in item.defects for code in defect.codes})
        row |= {"reasons": codes, "reason": item.reason, "environment": promoted.get(node)}
        rows.append(row)
    return rows
