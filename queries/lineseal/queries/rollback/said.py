"""What is known about version after version of a model? Several in one walk, never all at once.

The newest version is often the good one, so it is looked at alone; after it ever more together.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from lineseal.queries.ancestry import Ancestry, load_ancestries
from lineseal.queries.makers import load_makers
from lineseal.queries.node import Node
from lineseal.queries.statements import Statement, load_statements
from lineseal.queries.times import Moment

_MORE = 8
_MOST_TOGETHER = 512


@dataclass(frozen=True, slots=True)
class Said:
    """Hold an ancestry, what was said about versions in it, and who made the subject."""

    ancestry: Ancestry
    statements: Mapping[int, Sequence[Statement]]
    makers: set[str]


def load_said(
    connection: duckdb.DuckDBPyConnection,
    subjects: Sequence[Node],
    moment: Moment,
    now: dt.datetime,
) -> Iterator[Said]:
    """Load it for one of *subjects* after the other; epochs count as alive at *now*."""
    size = 1
    while subjects:
        together = list(load_ancestries(connection, subjects[:size], moment, now))
        ids = {node for ancestry in together for node in ancestry.lineage.depth}
        statements = load_statements(connection, ids, moment)
        makers = load_makers(
            connection,
            {one.subject.id: one.lineage.writers.get(one.subject.id, ()) for one in together},
            {run: facts for one in together for run, facts in one.evidence.runs.items()},
            moment,
        )
        for ancestry in together:
            yield Said(ancestry, statements, makers.get(ancestry.subject.id, set()))
        subjects, size = subjects[size:], min(size * _MORE, _MOST_TOGETHER)
