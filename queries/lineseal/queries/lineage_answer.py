"""Puts the answer about a lineage together, the same way whatever made its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lineseal.commandline.output import Answer
from lineseal.queries.times import Moment, format_time


def lineage_answer(
    query: str,
    subject: Any,
    moment: Moment,
    *,
    warnings: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    suspects: Sequence[str] | None,
    runs: Any,
    edges: Any,
    verdict: str | None = None,
) -> Answer:
    """Return the answer; it is complete when nothing warns. *suspects* are references."""
    return Answer(
        query=query,
        subject=subject,
        as_of=format_time(moment.as_of),
        known_at=format_time(moment.known_at),
        verdict=verdict,
        complete=not warnings,
        warnings=warnings,
        rows=rows,
        extra={"suspects": suspects, "runs": runs, "edges": edges},
    )
