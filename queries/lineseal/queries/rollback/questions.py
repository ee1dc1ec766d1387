"""Which questions about rolling back are there? One ``Question`` for each command."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import duckdb

from lineseal.commandline.output import Answer
from lineseal.queries.question import Question
from lineseal.queries.rollback.answer import last_good


@dataclass(frozen=True, slots=True, kw_only=True)
class LastGoodParams:
    """Say of which model; see ``answer.last_good``."""

    reference: str
    without: list[str] = field(default_factory=list[str])
    before: str | None = None
    as_of: str | None = None
    known_at: str | None = None


def _last_good(connection: duckdb.DuckDBPyConnection, params: LastGoodParams) -> Answer:
    return last_good(connection, **asdict(params))


LAST_GOOD = Question(name="last-good", params=LastGoodParams, run=_last_good)
