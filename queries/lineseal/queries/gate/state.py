"""Rules about the state of the ancestry: proven or not, stopped or not, and its open alerts."""

from __future__ import annotations

from collections.abc import Iterator

from lineseal.queries.containment.holding import held
from lineseal.queries.containment.standing import QUARANTINE, Standing
from lineseal.queries.gate.case import Case, Check, Outcome, passed, refused
from lineseal.queries.node import Node


def ancestry(case: Case) -> Iterator[Check]:
    """Judge whether the ancestry is proven, as ADR-0005 says."""
    if not case.policy.require_proven_ancestry:
        return
    subject = case.subject.reference
    warnings = case.material.ancestry.warnings
    for warning in warnings:
        yield Check(rule="ancestry", outcome=Outcome.UNKNOWN, reference=subject, reason=warning)
    if not warnings:
        yield passed("ancestry", subject, "everything it was made from is proven")


def quarantine(case: Case) -> Iterator[Check]:
    """Find what is in quarantine."""
    orders = [one for one in case.orders if one.order.action == QUARANTINE]
    yield from _held(case, "quarantine", orders, "nothing it was made from is in quarantine")


def containment(case: Case) -> Iterator[Check]:
    """Find what is frozen or held, and whether the stage behind the gate is."""
    orders = [one for one in case.orders if one.order.action != QUARANTINE]
    stopped = [
        one
        for one in orders
        if one.order.about.type == "stage" and one.order.about.name in case.policy.stages
    ]
    for one in stopped:
        yield refused("containment", one.order.about.reference, one.sentence)
    rest = [one for one in orders if one not in stopped]
    otherwise = None if stopped else "nothing it was made from is frozen or held"
    yield from _held(case, "containment", rest, otherwise)


def alerts(case: Case) -> Iterator[Check]:
    """Find alerts on the ancestry that nobody closed."""
    if not case.policy.alert_severities:
        return
    about = _subjects(case)
    found = False
    for alert in case.alerts:
        subject = alert["subject"]
        # "person:alice at dataset:lake/tx" is about both.
        if subject in about or subject.rpartition(" at ")[2] in about:
            found = True
            reason = f"{alert['rule_id']} is {alert['status']}: {alert['title']} ({subject})"
            yield refused("alerts", f"alert:{alert['alert_id']}", reason)
    subject = case.subject.reference
    rules, behind = case.detections
    if case.policy.require_detections and (not rules or behind):
        what = "no detection ran on this store" if not rules else "detections are behind the store"
        reason = f"{what}: run 'lineseal detect'"
        yield Check(rule="alerts", outcome=Outcome.UNKNOWN, reference=subject, reason=reason)
    elif not found:
        severities = " or ".join(case.policy.alert_severities)
        yield passed("alerts", subject, f"no {severities} alert is open on what it was made from")


def _held(case: Case, rule: str, orders: list[Standing], otherwise: str | None) -> Iterator[Check]:
    found = held(case.material.ancestry, case.material.statements, orders)
    for standing, reference in found:
        yield refused(rule, reference or standing.order.about.reference, standing.sentence)
    if not found and otherwise:
        yield passed(rule, case.subject.reference, otherwise)


def _subjects(case: Case) -> set[str]:
    """Return everything an alert can be about that this ancestry has a part in."""
    material = case.material
    names: set[str] = set()
    for node in material.nodes:
        names |= _names(node)
        for said in case.about(node):
            if said.body == "registration":
                source = said.fields["source"] or {}
                supplier = said.fields["supplier"] or {}
                names |= {f"source:{text}" for text in (source.get("uri"), supplier.get("name"))}
            if said.body == "feedback":
                names.add(f"feedback_channel:{said.fields['channel']}")
    for run in material.runs:
        facts = material.ancestry.evidence.runs[run]
        names |= {f"producer:{facts.producer}", f"run:{facts.producer}/{facts.run_id}"}
        names |= {f"producer:{facts.producer}#{epoch}" for epoch in facts.epochs}
    return names


def _names(node: Node) -> set[str]:
    """Return the ways rules write a version, and its name alone: said of all its versions."""
    scope = f"{node.kind}:{node.namespace}/{node.name}"
    tails = (node.version, node.digest)
    return {scope, node.reference, *(f"{scope}@{tail}" for tail in tails if tail)}
