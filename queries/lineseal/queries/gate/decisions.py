"""Rules about decisions: approvals of the subject and its inputs, and what was taken back."""

from __future__ import annotations

from collections.abc import Iterator

from lineseal.queries.approvals import Approvals, judge_approvals, own_key, person_key
from lineseal.queries.containment.holding import origins
from lineseal.queries.containment.standing import About
from lineseal.queries.evidence import UNTRUSTED
from lineseal.queries.gate.case import DATA, MODELS, Case, Check, passed, refused
from lineseal.queries.node import Node
from lineseal.queries.statements import NAME, Statement

SUBJECT_GATES = {
    "train": ("training", "dataset"),
    "promote": ("promotion",),
    "rollback": ("rollback", "promotion"),
}
"""Gates whose approval is enough for the subject; a rollback may rest on the promotion's."""
INPUT_GATES = ("source", "dataset")


def people(case: Case) -> Iterator[Check]:
    """Judge whether enough people approved the subject, each with their own key."""
    subject, wanted = case.subject, case.policy.people
    if wanted == 0:
        return
    judged = _judge(case, subject, SUBJECT_GATES[case.gate], case.policy.approvers)
    yield _enough("people", subject.reference, judged, wanted)


def inputs(case: Case) -> Iterator[Check]:
    """Judge whether each input, or the source it came from, was approved."""
    wanted = case.policy.input_approvals
    if wanted == 0:
        return
    for node in case.inputs:
        judged = _judge(case, node, INPUT_GATES)
        if len(judged.people) < wanted and judged.rejected is None:
            judged = max([judged, *_of_origins(case, node)], key=lambda one: len(one.people))
        yield _enough("inputs", node.reference, judged, wanted)


def revoked(case: Case) -> Iterator[Check]:
    """Find what was taken back: a rejection, a retired input, a key that counts no more."""
    found = False
    for node in case.material.nodes:
        for sentence in _taken_back(case, node):
            found = True
            yield refused("revoked", node.reference, sentence)
    evidence = case.material.ancestry.evidence
    for run in case.material.runs:
        for reason, sentence in evidence.doubts(run):
            if reason in UNTRUSTED.values():
                found = True
                yield refused("revoked", f"run:{evidence.runs[run].run_id}", sentence)
    if not found:
        reason = "nothing it was made from was rejected, retired or signed with a revoked key"
        yield passed("revoked", case.subject.reference, reason)


def _judge(
    case: Case, node: Node, gates: tuple[str, ...], allowed: tuple[str, ...] = ()
) -> Approvals:
    makers = case.makers.get(node.id, set())
    return judge_approvals(
        case.about(node), gates=gates, makers=makers, now=case.now, allowed=allowed
    )


def _of_origins(case: Case, node: Node) -> Iterator[Approvals]:
    """Judge the sources and suppliers that registrations of the version name."""
    for (kind, name), statements in sorted(case.named.items()):
        about = About(type=kind, name=name)
        registrations = (said for said in case.about(node) if said.body == "registration")
        if any(name in origins(said.fields, about) for said in registrations):
            makers = case.makers.get(node.id, set())
            yield judge_approvals(statements, gates=INPUT_GATES, makers=makers, now=case.now)


def _enough(rule: str, reference: str, judged: Approvals, wanted: int) -> Check:
    names = ", ".join(judged.people)
    if judged.rejected is not None:
        return refused(rule, reference, judged.rejected)
    if len(judged.people) >= wanted:
        return passed(rule, reference, f"approved by {names}, each with a key of their own")
    faults = "; ".join(sorted(judged.faults))
    if wanted == 1 or not judged.people:
        return refused(rule, reference, faults or "nobody approved it")
    so_far = f"{len(judged.people)} of {wanted} people approved it with their own keys: {names}"
    return refused(rule, reference, "; ".join(part for part in (so_far, faults) if part))


def _taken_back(case: Case, node: Node) -> Iterator[str]:
    """Return what was said against a version; a newer decision of the same person counts."""
    newest: dict[tuple[str, str], Statement] = {}
    state: str | None = None
    for said in case.about(node):
        if said.body == "approval" and said.names != NAME and own_key(said):
            newest[person_key(said.fields["approver"]), said.fields["gate"]] = said
        if said.body == "registration":
            state = said.fields["state"] or state
    own_gates = SUBJECT_GATES[case.gate]
    for (_, gate), said in sorted(newest.items()):
        # What was decided about the subject at this very gate is for the rule "people".
        is_own = node.id == case.subject.id and gate in own_gates
        if said.fields["decision"] == "reject" and not is_own:
            yield f"{said.fields['approver']} rejected it at the {gate} gate"
    if case.gate == "train" and node.kind in DATA | MODELS and state == "retired":
        yield "it is retired"
