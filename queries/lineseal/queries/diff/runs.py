"""Did the jobs run differently? Compares code, environment, parameters, job by job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lineseal.queries.diff.changes import Row, change_row, compare
from lineseal.queries.graph import RunKey
from lineseal.queries.material import Material


def run_changes(before: Material, after: Material) -> Iterator[Row]:
    """Yield what differs between the runs of each job in the two ancestries.

    Of several runs of one job the newest speaks for it. A job without a name is its own run.
    """
    old, new = _by_job(before), _by_job(after)
    for job in sorted(old.keys() | new.keys()):
        if job not in old or job not in new:
            yield change_row(
                "job", job, _run_id(before, old.get(job)), _run_id(after, new.get(job))
            )
            continue
        yield from _run(job, before, old[job], after, new[job])


def _run(job: str, before: Material, old: RunKey, after: Material, new: RunKey) -> Iterator[Row]:
    was, is_ = before.details[old], after.details[new]
    made, makes = before.ancestry.evidence.runs[old], after.ancestry.evidence.runs[new]
    yield from compare("code", _fields(was.code), _fields(is_.code), where=job)
    yield from compare("environment", _fields(was.environment), _fields(is_.environment), where=job)
    yield from compare("parameter", _pairs(was.parameters), _pairs(is_.parameters), where=job)
    yield from compare(
        "producer", {"producer": made.producer}, {"producer": makes.producer}, where=job
    )


def _run_id(material: Material, run: RunKey | None) -> str | None:
    return None if run is None else material.ancestry.evidence.runs[run].run_id


def _by_job(material: Material) -> dict[str, RunKey]:
    runs = material.ancestry.evidence.runs
    ordered = sorted(material.runs, key=lambda run: (runs[run].ended_at, runs[run].name))
    return {runs[run].job or f"run {runs[run].run_id}": run for run in ordered}


def _fields(record: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (record or {}).items() if value is not None}


def _pairs(pairs: list[dict[str, str]]) -> dict[str, str]:
    """Return a map; values of a key that stands several times are joined in their order."""
    found: dict[str, str] = {}
    for pair in pairs:
        key, value = pair["key"], pair["value"]
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found
