"""Records what Cleanlab and Great Expectations found as validations.

Counts, scores and the numbers of the suspicious rows go out, never the rows themselves. Sources:
``CleanLearning.get_label_issues`` and ``Datalab.get_issues`` of cleanlab 2.9; the validation
results of Great Expectations 1.24 and their JSON. Neither library is imported here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from lineseal.producers.artifacts import ArtifactLike, FilePath
from lineseal.producers.emitter import Emitter
from lineseal.schemas.errors import InvalidDocument
from lineseal.schemas.model import Evidence
from lineseal.signing.files import replace_private

_MARK = ("is_", "_issue")


def record_cleanlab(
    emitter: Emitter,
    artifact: ArtifactLike,
    issues: Any,
    *,
    accepted_share: float = 0.0,
    suspects: FilePath | None = None,
    reviewed_by: str | None = None,
) -> list[str]:
    """Record one validation for each kind of issue that Cleanlab looked for; return their ids.

    Args:
        emitter: Whom to emit through.
        artifact: The data that was looked at.
        issues: What ``get_label_issues`` or ``get_issues`` returned (a data frame with columns
            ``is_..._issue``), or the mask of ``find_label_issues``.
        accepted_share: Up to this share of suspicious rows, that included, the outcome is ``warn``
            and above it ``fail``; without any it is ``pass``.
        suspects: A file to write the suspicious rows' numbers to, by kind, as JSON; the validation
            names it with its digest.
        reviewed_by: Who looked at the outcome.

    """
    try:
        found = dict(_masks(issues))
        evidence = None if suspects is None else _written(Path(suspects), found)
    except Exception as error:  # noqa: BLE001 - the job goes on
        emitter.refuse(error)
        return []
    ids = [
        emitter.validate(
            artifact,
            tool="cleanlab",
            name=f"{kind}_issue",
            outcome=_outcome(len(rows), count, accepted_share),
            rows_checked=count,
            rows_rejected=len(rows),
            metrics=_scores(issues, kind),
            suspects=evidence,
            reviewed_by=reviewed_by,
        )
        for kind, (rows, count) in found.items()
    ]
    return [each for each in ids if each is not None]


def record_expectations(
    emitter: Emitter, artifact: ArtifactLike, result: Any, *, reviewed_by: str | None = None
) -> list[str]:
    """Record one validation for each suite in a result of Great Expectations; return their ids.

    ``rows_rejected`` is that of the expectation that most rows failed: rows that failed several are
    not told apart. An expectation that raised an exception makes the outcome ``error``.

    Args:
        emitter: Whom to emit through.
        artifact: The data that was checked.
        result: A ``CheckpointResult``, an ``ExpectationSuiteValidationResult``, or the mapping that
            their JSON holds.
        reviewed_by: Who looked at the outcome.

    """
    try:
        values = [_suite(suite) for suite in _suites(result)]
    except Exception as error:  # noqa: BLE001 - the job goes on
        emitter.refuse(error)
        return []
    ids = [emitter.validate(artifact, **value, reviewed_by=reviewed_by) for value in values]
    return [each for each in ids if each is not None]


def _masks(issues: Any) -> Iterator[tuple[str, tuple[list[int], int]]]:
    """Yield each kind of issue: the numbers of its rows, from 0, and how many rows there are."""
    columns: list[str] = [str(name) for name in getattr(issues, "columns", ())]
    if not columns:
        if getattr(getattr(issues, "dtype", None), "kind", "") != "b":
            raise InvalidDocument("a mask of booleans or a table of issues is needed")
        yield "label", (_true(issues), len(issues))
        return
    kinds = [name for name in columns if name.startswith(_MARK[0]) and name.endswith(_MARK[1])]
    if not kinds:
        raise InvalidDocument("the table of issues has no column is_..._issue")
    for name in kinds:
        yield name[len(_MARK[0]) : -len(_MARK[1])], (_true(issues[name]), len(issues))


def _true(values: Iterable[Any]) -> list[int]:
    return [number for number, value in enumerate(values) if bool(value)]


def _scores(issues: Any, kind: str) -> dict[str, float]:
    """Return the mean of the scores of one kind: ``label_quality`` or ``KIND_score``."""
    columns = getattr(issues, "columns", ())
    names = [name for name in (f"{kind}_quality", f"{kind}_score") if name in columns]
    return {f"mean_{name}": float(issues[name].mean()) for name in names if len(issues)}


def _outcome(suspicious: int, count: int, accepted_share: float) -> str:
    if not suspicious:
        return "pass"
    return "warn" if suspicious <= accepted_share * count else "fail"


def _written(path: Path, found: Mapping[str, tuple[list[int], int]]) -> Evidence:
    data = json.dumps({kind: rows for kind, (rows, _) in found.items()}, sort_keys=True).encode()
    replace_private(path, data)
    return Evidence(name=str(path), digest=f"sha256:{hashlib.sha256(data).hexdigest()}")


def _suites(result: Any) -> list[Mapping[str, Any]]:
    runs: Any = getattr(result, "run_results", None)
    if runs is None and isinstance(result, Mapping):
        runs = cast("Mapping[str, Any]", result).get("run_results")
    if isinstance(runs, Mapping):
        by_id: Mapping[Any, Any] = runs
        return [_plain(each) for each in by_id.values()]
    return [_plain(result)]


def _plain(result: Any) -> Mapping[str, Any]:
    plain: Any = result if isinstance(result, Mapping) else result.to_json_dict()
    if not isinstance(plain, Mapping) or "success" not in plain or "results" not in plain:
        raise InvalidDocument("this is no validation result of Great Expectations")
    return cast("Mapping[str, Any]", plain)


def _suite(suite: Mapping[str, Any]) -> dict[str, Any]:
    results: list[Any] = suite["results"] or []
    meta: Mapping[str, Any] = suite.get("meta") or {}
    counted: list[Mapping[str, Any]] = [each.get("result") or {} for each in results]
    raised = any((each.get("exception_info") or {}).get("raised_exception") for each in results)
    statistics: Mapping[str, Any] = suite.get("statistics") or {}
    return {
        "tool": "great_expectations",
        "name": str(suite.get("suite_name") or meta.get("expectation_suite_name") or "suite"),
        "tool_version": meta.get("great_expectations_version"),
        "outcome": "error" if raised else "pass" if suite["success"] else "fail",
        "rows_checked": _most(counted, "element_count"),
        "rows_rejected": _most(counted, "unexpected_count"),
        "metrics": {key: value for key, value in statistics.items() if value is not None},
    }


def _most(results: Iterable[Mapping[str, Any]], key: str) -> int | None:
    return max((each[key] for each in results if isinstance(each.get(key), int)), default=None)
