"""Which questions about containment are there? One ``Question`` for each command that asks."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import duckdb

from lineseal.commandline.output import Answer
from lineseal.queries.containment.answer import reach, standing_orders
from lineseal.queries.question import Question


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainmentParams:
    """Say whose orders count and when; see ``answer.standing_orders``."""

    officers: list[str] = field(default_factory=list[str])
    as_of: str | None = None
    known_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachParams:
    """Say what an order would be about; see ``answer.reach``."""

    subject: str


def _containment(connection: duckdb.DuckDBPyConnection, params: ContainmentParams) -> Answer:
    return standing_orders(connection, **asdict(params))


def _reach(connection: duckdb.DuckDBPyConnection, params: ReachParams) -> Answer:
    return reach(connection, params.subject)


CONTAINMENT = Question(name="containment", params=ContainmentParams, run=_containment)
REACH = Question(name="containment-reach", params=ReachParams, run=_reach)
