"""Is this version of a model good? Names every reason why it is not.

Good is: no path from a suspect and a proven ancestry (ADR-0005), nothing in it quarantined or
frozen, an approval that counts. A version that was retired when a newer one replaced it may be
good.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from lineseal.queries.ancestry import Ancestry
from lineseal.queries.approvals import approval_faults
from lineseal.queries.containment.holding import held
from lineseal.queries.containment.standing import Standing
from lineseal.queries.doubts import Holes
from lineseal.queries.node import Node
from lineseal.queries.rollback.said import Said
from lineseal.queries.times import format_time
from lineseal.queries.upstream import judge
from lineseal.queries.verdicts import AFFECTED, CLEAN

GATES = ("promotion", "rollback")


def version_faults(
    said: Said,
    suspects: Sequence[Node],
    holes: Holes | None,
    orders: Sequence[Standing],
    *,
    before: dt.datetime | None,
    now: dt.datetime,
) -> list[str]:
    """Return why the subject is not good, the gravest first; empty when it is.

    *holes* are those since the suspects appeared, if there are any.
    """
    ancestry = said.ancestry
    faults = _lineage_faults(ancestry, suspects, holes)
    faults += _too_new(ancestry, before)
    faults += [standing.sentence for standing, _ in held(ancestry, said.statements, orders)]
    about = said.statements.get(ancestry.subject.id, [])
    faults += approval_faults(about, gates=GATES, makers=said.makers, now=now)
    return faults


def _lineage_faults(ancestry: Ancestry, suspects: Sequence[Node], holes: Holes | None) -> list[str]:
    if holes is None:
        return [f"its ancestry is not proven: {text}" for text in ancestry.warnings]
    found = judge(ancestry, suspects, holes)
    if found.verdict == AFFECTED:
        return ["a certain path leads here from what must not be in it"]
    if found.verdict == CLEAN:
        return []
    path = "a path leads here from what must not be in it, but not for certain"
    unproven = [f"no path is ruled out: {text}" for text in found.warnings]
    return [path, *unproven] if found.suspects else unproven


def _too_new(ancestry: Ancestry, before: dt.datetime | None) -> list[str]:
    if before is None:
        return []
    late = [node.reference for node in ancestry.nodes if node.appeared_at >= before]
    if not late:
        return []
    more = f" (and {len(late) - 1} more)" if len(late) > 1 else ""
    return [f"{late[0]} appeared at or after {format_time(before)}{more}"]
