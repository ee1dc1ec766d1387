"""Which question does a gate ask of the store? One ``Question``."""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb

from lineseal.commandline.output import Answer
from lineseal.queries.gate.answer import gate
from lineseal.queries.question import Question


@dataclass(frozen=True, slots=True, kw_only=True)
class GateParams:
    """Say what to judge where; see ``answer.gate``."""

    name: str
    reference: str
    policy: str | None = None
    given: list[str] = field(default_factory=list[str])
    officers: list[str] = field(default_factory=list[str])


def _gate(connection: duckdb.DuckDBPyConnection, params: GateParams) -> Answer:
    return gate(
        connection,
        params.name,
        params.reference,
        policy=params.policy,
        given=params.given,
        officers=params.officers,
    )


GATE = Question(name="gate", params=GateParams, run=_gate)
