"""What an OpenLineage event says besides its run: checks, owners, decisions of people.

* Each data-quality assertion is a ``Validation`` of the data set that carries it.
* An ``ownership`` facet, and every event about a data set or job alone, is a ``Registration``.
* The ``hitl_summary`` of Airflow's human-in-the-loop operators is an ``Approval`` once there is an
  answer; with mode ``default`` when nobody answered and the default was taken, with mode
  ``timeout`` when there was none. A name in it is asserted by Airflow, never proven.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from lineseal.producers.adapters.openlineage import names
from lineseal.producers.adapters.openlineage.datasets import Dataset
from lineseal.producers.adapters.openlineage.reading import Facets, Node
from lineseal.producers.adapters.openlineage.run_facets import owner_of
from lineseal.producers.text import fit
from lineseal.schemas.model import (
    Approval,
    Check,
    Decision,
    DecisionMode,
    Evidence,
    Gate,
    Job,
    LifecycleState,
    Outcome,
    Pair,
    Registration,
    Source,
    Subject,
    Validation,
)

NOBODY = "nobody"
_ASSERTION_FACETS = ("dataQualityAssertions", "greatExpectations_assertions")
"""The second one is what OpenLineage's own action for Great Expectations writes."""
_FALLBACK = "fallback to defaults"
_YES = frozenset({"approve", "approved", "accept", "yes", "ok"})
_NO = frozenset({"reject", "rejected", "deny", "denied", "no"})


def validations(datasets: Sequence[Dataset], tool: str) -> Iterator[Validation]:
    """Yield one check for each assertion about a data set."""
    for dataset in datasets:
        rows = dataset.facets["dataQualityMetrics"].whole("rowCount")
        for assertion in _assertions(dataset.facets):
            success = assertion.flag("success")
            yield Validation(
                artifact=dataset.artifact,
                check=Check(tool=tool, name=_check_name(assertion)),
                outcome=_outcome(success, assertion.text("severity")),
                rows_checked=rows,
            )


def registration_of(dataset: Dataset, attributes: Sequence[Pair] = ()) -> Registration:
    """Say who owns a data set, where it lies, and that it is gone when it was dropped."""
    facets = dataset.facets
    uri = facets["dataSource"].text("uri")
    change = facets["lifecycleStateChange"].text("lifecycleStateChange")
    return Registration(
        subject=Subject(type="artifact", artifact=dataset.artifact),
        owner=owner_of(facets["ownership"]),
        state=LifecycleState.RETIRED if change == "DROP" else None,
        source=None if uri is None else Source(uri=fit(uri)),
        attributes=tuple(attributes),
    )


def owned(datasets: Sequence[Dataset], writes: Sequence[str]) -> Iterator[Registration]:
    """Yield a registration for each data set whose owner is named and whose name *writes* fits."""
    for dataset in datasets:
        named = owner_of(dataset.facets["ownership"]) is not None
        if named and names.fits(dataset.artifact.namespace, dataset.artifact.name, writes):
            yield registration_of(dataset)


def job_registration(job: Job, facets: Facets, attributes: Sequence[Pair] = ()) -> Registration:
    """Say who owns a job and where its source lies."""
    location = facets["sourceCodeLocation"]
    uri = location.text("repoUrl") or location.text("url")
    revision = location.text("version")
    return Registration(
        subject=Subject(type="job", name=_job_name(job)),
        owner=owner_of(facets["ownership"]),
        source=None
        if uri is None
        else Source(uri=fit(uri), revision=None if revision is None else fit(revision)),
        attributes=tuple(attributes),
    )


def approval_of(run: Facets, job: Job, evidence: Evidence) -> Approval | None:
    """Return what was decided in Airflow, if somebody or nobody decided already."""
    summary = _summary(run["airflow"].node("task"))
    decision = _decision(summary)
    if decision is None:
        return None
    answered_by = summary.node("responded_by_user")
    person = names.identifier(answered_by.text("name") or answered_by.text("id"), summary.notes)
    if person is None:
        person = names.identifier(summary.text("responded_by_user"), summary.notes)
    mode = DecisionMode.EXPLICIT
    if summary.text("error_type") is not None:
        person, mode = None, DecisionMode.TIMEOUT
    elif person is None or person.lower() == _FALLBACK:
        person, mode = None, DecisionMode.DEFAULT
    reason = summary.text("subject")
    return Approval(
        subject=Subject(type="job", name=_job_name(job)),
        gate=Gate.PROMOTION,
        decision=decision,
        approver=person or NOBODY,
        mode=mode,
        reason=None if reason is None else fit(reason),
        evidence=(evidence,),
    )


def _assertions(facets: Facets) -> Iterator[Node]:
    for name in _ASSERTION_FACETS:
        yield from facets[name].nodes("assertions")


def _summary(task: Node) -> Node:
    value: Any = task.value.get("hitl_summary")
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    return Node(value, task.notes)


def _decision(summary: Node) -> Decision | None:
    if summary.text("error_type") is not None:
        return Decision.REJECT
    approved = summary.flag("approved")
    if approved is not None:
        return Decision.APPROVE if approved else Decision.REJECT
    chosen = {str(option).strip().lower() for option in summary.items("chosen_options")}
    if chosen and chosen <= _YES:
        return Decision.APPROVE
    if chosen and chosen <= _NO:
        return Decision.REJECT
    if chosen:
        summary.notes.add("human_answer_is_no_decision")
    return None


def _check_name(assertion: Node) -> str:
    name = names.identifier(assertion.text("name"), assertion.notes)
    if name is not None:
        return name
    said = assertion.text("assertion") or assertion.text("expectationType") or "assertion"
    column = assertion.text("column")
    full = said if column is None else f"{said}({column})"
    return names.identifier(full, assertion.notes) or "assertion"


def _outcome(success: bool | None, severity: str | None) -> Outcome:
    if success is None:
        return Outcome.ERROR
    if success:
        return Outcome.PASS
    return Outcome.WARN if (severity or "").lower().startswith("warn") else Outcome.FAIL


def _job_name(job: Job) -> str:
    return f"{job.namespace}/{job.name}"[:1000].rstrip()
