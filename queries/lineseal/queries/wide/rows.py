"""What are the rows of a large answer? The columns of ``rows``, made without a row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from lineseal.queries.columnar_rows import AS_JSON, ColumnarRows
from lineseal.queries.evidence import RunFacts
from lineseal.queries.walk import Numbers
from lineseal.queries.wide.facts import Facts, Flags, Half
from lineseal.queries.wide.hops import Hops

Column = tuple[pa.Field, Any]


def version_rows(
    facts: Facts,
    hops: Hops,
    *,
    order: Numbers,
    wrote: Numbers,
    others: Mapping[int, RunFacts],
    verdicts: Any,
    more: Mapping[str, Any],
) -> ColumnarRows:
    """Return a row for each version.

    Args:
        facts: What is known.
        hops: How each was reached.
        order: Places of the versions, as they are listed.
        wrote: Place of the run that wrote each; -1: none.
        others: Runs that are not among the facts and wrote the versions at these places.
        verdicts: One for each version, or null.
        more: Further columns.

    """
    named = {name: facts.versions.column(name).combine_chunks() for name in _NAMED}
    there = hops.there
    by_run = {
        "run_id": _of_run(facts, "run_id", wrote, named["run_id"], others, "run_id"),
        "job": _of_run(facts, "job", wrote, None, others, "job"),
        "producer": _of_run(facts, "producer", wrote, named["producer"], others, "producer"),
    }
    known = facts.registered
    registered = np.zeros(len(facts.versions), np.bool_)
    owners: dict[int, str] = {}
    places = facts.version_at.of(np.fromiter(known, np.int64)).tolist()
    for place, said in zip(places, known.values(), strict=True):
        registered[place] = True
        if said.owner is not None:
            owners[place] = said.owner
    columns: dict[str, Any] = {
        "depth": pa.array(facts.depths),
        **{name: named[name] for name in ("kind", "namespace", "name", "version", "digest")},
        **by_run,
        "via": _coded(hops.via, named["reference"]),
        "verdict": verdicts,
        "certain": pa.array(hops.certain, mask=~there),
        "reasons": _reasons(facts, hops.reasons),
        "registered": pa.array(registered),
        "owner": sparse(len(facts.versions), owners),
        "reference": named["reference"],
        **more,
    }
    return _table(columns, order)


def run_rows(facts: Facts) -> ColumnarRows:
    """Return every run, sorted by producer and run id."""
    names = ("producer", "run_id", "job", "stage", "state", "started_at", "ended_at")
    return ColumnarRows(facts.runs.select(names))


def edge_rows(facts: Facts, inputs: Half, outputs: Half) -> ColumnarRows:
    """Return every edge, sorted by run, direction and artifact."""
    runs = np.concatenate([inputs.runs, outputs.runs])
    versions = np.concatenate([inputs.versions, outputs.versions])
    direction = np.repeat(np.array([0, 1], np.int32), [len(inputs.runs), len(outputs.runs)])
    order = np.lexsort((versions, direction, runs))
    columns = {
        "producer": _coded(runs, facts.runs.column("producer").combine_chunks()),
        "run_id": _coded(runs, facts.runs.column("run_id").combine_chunks()),
        "direction": _coded(direction, pa.array(["input", "output"])),
        "reference": _coded(versions, facts.versions.column("reference").combine_chunks()),
        "certain": pa.array(np.concatenate([inputs.certain, outputs.certain])),
        "reasons": _reasons(facts, np.concatenate([inputs.reasons, outputs.reasons])),
    }
    return _table(columns, order)


def choice(chosen: Flags, yes: str, no: str) -> Any:
    """Return *yes* where *chosen* says so, else *no*."""
    return _coded(np.where(chosen, 1, 0), pa.array([no, yes]))


def sparse(count: int, values: Mapping[int, str | None]) -> Any:
    """Return a column that has a text at some places and null elsewhere."""
    texts = sorted({value for value in values.values() if value is not None})
    codes = {text: code for code, text in enumerate(texts)}
    found = np.full(count, -1, np.int64)
    for place, value in values.items():
        if value is not None:
            found[place] = codes[value]
    return _coded(found, pa.array(texts, pa.string()))


_NAMED = (
    "kind", "namespace", "name", "version", "digest", "producer", "run_id", "reference",
)  # fmt: skip


def _of_run(
    facts: Facts,
    column: str,
    wrote: Numbers,
    otherwise: Any,
    others: Mapping[int, RunFacts],
    attribute: str,
) -> Any:
    """Return what the runs that wrote the versions say, else what the versions say themselves."""
    found = facts.runs.column(column).combine_chunks()
    codes = wrote.copy()
    if otherwise is not None:
        alone = np.flatnonzero(wrote < 0)
        codes[alone] = len(found) + np.arange(len(alone))
        found = pa.concat_arrays([found, otherwise.take(pa.array(alone))])
    if others:
        places = np.fromiter(others, np.int64)
        codes[places] = len(found) + np.arange(len(places))
        said: list[str | None] = [getattr(run, attribute) for run in others.values()]
        found = pa.concat_arrays([found, pa.array(said, pa.string())])
    return _coded(codes, found)


def _coded(codes: Numbers | Any, words: Any) -> Any:
    """Return a column of *words* by their places; null where the place is below 0."""
    places = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(places, words)


def _reasons(facts: Facts, codes: Numbers) -> Any:
    used, places = np.unique(codes, return_inverse=True)
    words: Sequence[str] = [json.dumps(facts.reasons[code]) for code in used.tolist()]
    return _coded(places, pa.array(words, pa.string()))


def _table(columns: Mapping[str, Any], order: Numbers) -> ColumnarRows:
    fields = [
        pa.field(name, column.type, metadata=AS_JSON if name == "reasons" else None)
        for name, column in columns.items()
    ]
    table = pa.Table.from_arrays(list(columns.values()), schema=pa.schema(fields))
    if len(order) and not np.array_equal(order, np.arange(len(order))):
        table = table.take(pa.array(order))
    return ColumnarRows(table)
