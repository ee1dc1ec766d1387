"""Who made these versions? The people who acted in the runs that wrote them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import duckdb

from lineseal.queries.catalog import query
from lineseal.queries.evidence import RunFacts
from lineseal.queries.graph import Edge, RunKey
from lineseal.queries.times import Moment


def load_makers(
    connection: duckdb.DuckDBPyConnection,
    writers: Mapping[int, Iterable[Edge]],
    facts: Mapping[RunKey, RunFacts],
    moment: Moment,
) -> dict[int, set[str]]:
    """Load the makers of every version that has any, by the edges from runs that wrote it."""
    wrote = {(facts[edge.run].name, node) for node, edges in writers.items() for edge in edges}
    runs = sorted({name for name, _ in wrote})
    rows = query("run_people").rows(
        connection,
        producers=[producer for producer, _ in runs],
        run_ids=[run_id for _, run_id in runs],
        **moment.parameters,
    )
    people: dict[tuple[str, str], set[str]] = {}
    for producer, run_id, person in rows:
        people.setdefault((producer, run_id), set()).add(person)
    makers: dict[int, set[str]] = {}
    for name, node in wrote:
        if name in people:
            makers.setdefault(node, set()).update(people[name])
    return makers
