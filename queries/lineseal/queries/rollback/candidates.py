"""Is this version of a model good? Names every reason why it is not.

Good is: no path from a suspect and a proven ancestry (ADR-0005), nothing in it quarantined or
frozen, an approval that counts. A version that was retired when a newer one replaced it may be
good.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import duckdb

from lineseal.queries.approvals import approval_faults
from lineseal.queries.containment.holding import held
from lineseal.queries.containment.standing import Standing
from lineseal.queries.makers import load_makers
from lineseal.queries.material import Material
from lineseal.queries.node import Node
from lineseal.queries.times import format_time
from lineseal.queries.upstream import answer_trace
from lineseal.queries.verdicts import AFFECTED, CLEAN

GATES = ("promotion", "rollback")


def version_faults(
    connection: duckdb.DuckDBPyConnection,
    material: Material,
    suspects: Sequence[Node],
    orders: Sequence[Standing],
    *,
    before: dt.datetime | None,
    now: dt.datetime,
) -> list[str]:
    """Return why the material's subject is not good, the gravest first; empty when it is."""
    subject = material.ancestry.subject
    faults = _lineage_faults(connection, material, suspects, now)
    faults += _too_new(material, before)
    faults += [standing.sentence for standing, _ in held(material, orders)]
    about = material.statements.get(subject.id, [])
    ancestry = material.ancestry
    everyone = load_makers(connection, ancestry.lineage, ancestry.evidence, material.moment)
    makers = everyone.get(subject.id, set())
    faults += approval_faults(about, gates=GATES, makers=makers, now=now)
    return faults


def _lineage_faults(
    connection: duckdb.DuckDBPyConnection,
    material: Material,
    suspects: Sequence[Node],
    now: dt.datetime,
) -> list[str]:
    if not suspects:
        return [f"its ancestry is not proven: {text}" for text in material.ancestry.warnings]
    subject, moment = material.ancestry.subject, material.moment
    answer = answer_trace(
        connection,
        subject,
        suspects,
        moment,
        max_depth=None,
        now=now,
        ancestry=material.ancestry,
    )
    if answer.verdict == AFFECTED:
        return ["a certain path leads here from what must not be in it"]
    if answer.verdict == CLEAN:
        return []
    held = {suspect.id for suspect in suspects} & material.ancestry.lineage.depth.keys()
    path = ["a path leads here from what must not be in it, but not for certain"] if held else []
    return path + [f"its ancestry is not proven: {text}" for text in answer.warnings]


def _too_new(material: Material, before: dt.datetime | None) -> list[str]:
    if before is None:
        return []
    late = [node.reference for node in material.nodes if node.appeared_at >= before]
    if not late:
        return []
    more = f" (and {len(late) - 1} more)" if len(late) > 1 else ""
    return [f"{late[0]} appeared at or after {format_time(before)}{more}"]
