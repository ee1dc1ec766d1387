"""Rules about checks: validations, evaluations, and the bytes on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lineseal.queries.gate.case import DATA, MODELS, Case, Check, passed, refused
from lineseal.queries.node import Node
from lineseal.queries.statements import NAME, Statement
from lineseal.schemas.errors import NotFound

PASS, WARN = "pass", "warn"
_BY_DIGEST = "digest"
_SHOWN = 19  # "sha256:" and twelve characters


def validations(case: Case) -> Iterator[Check]:
    """Judge validations of all data: the newest of each check has to have passed."""
    wanted = set(case.policy.validations)
    inputs = {node.id for node in case.inputs}
    for node in case.material.nodes:
        if node.kind not in DATA:
            continue
        newest = _newest_validations(case.about(node))
        bad = _failed(newest.items(), case)
        if node.id in inputs or node.id == case.subject.id:
            bad += [f"{name} did not check it" for name in sorted(wanted - newest.keys())]
        needs_one = case.policy.require_validation and node.id in inputs
        if needs_one and not newest and not bad:
            bad = ["nothing validated it"]
        for reason in bad:
            yield refused("validations", node.reference, reason)
        if newest and not bad:
            yield passed("validations", node.reference, f"passed {', '.join(sorted(newest))}")


def evaluation(case: Case) -> Iterator[Check]:
    """Judge evaluations of exactly these bytes: the newest of each suite has to have passed."""
    subject = case.subject
    if case.gate == "train" or subject.kind not in MODELS:
        return
    if subject.digest is None:
        reason = "no digest of it is recorded, so no evaluation can be of exactly these bytes"
        yield refused("evaluation", subject.reference, reason)
        return
    newest: dict[str, Statement] = {}
    for said in case.about(subject):
        exact = said.names == _BY_DIGEST and (said.fields.get("model") or {}).get("digest")
        if said.body == "evaluation" and exact:
            newest[said.fields["suite"]["name"]] = said
    bad = _failed(newest.items(), case)
    kinds = {said.fields["suite"]["kind"] for said in newest.values()}
    bad += [
        f"the suite {name} is missing" for name in case.policy.evaluations if name not in newest
    ]
    bad += [
        f"no suite of the kind {kind} is there"
        for kind in case.policy.evaluation_kinds
        if kind not in kinds
    ]
    if not newest and not bad:
        bad = [f"nobody evaluated exactly {subject.digest[:_SHOWN]}"]
    for reason in bad:
        yield refused("evaluation", subject.reference, reason)
    if not bad:
        suites = ", ".join(sorted(newest))
        yield passed("evaluation", subject.reference, f"exactly these bytes passed {suites}")


def digests(case: Case) -> Iterator[Check]:
    """Compare digests of bytes on somebody's disk with what is recorded.

    Raises:
        NotFound: Nothing in the ancestry has the REF that bytes were given for.

    """
    seen: set[int] = set()
    for reference, digest in case.given:
        node = _node(case, reference)
        seen.add(node.id)
        if node.digest == digest:
            reason = f"the bytes given are those that are recorded, {digest[:_SHOWN]}"
            yield passed("digests", node.reference, reason)
        elif node.digest is None:
            yield refused("digests", node.reference, "no digest of it is recorded to compare with")
        else:
            reason = f"the bytes given are {digest[:_SHOWN]}, recorded is {node.digest[:_SHOWN]}"
            yield refused("digests", node.reference, reason)
    if case.policy.require_file and case.subject.id not in seen:
        yield refused("digests", case.subject.reference, "its bytes were not given: use --file")


def _node(case: Case, reference: str) -> Node:
    if not reference:
        return case.subject
    for node in case.material.nodes:
        scope = f"{node.kind}:{node.namespace}/{node.name}"
        tails = {tail for tail in (node.version, node.digest) if tail}
        if reference in {node.reference, *(f"{scope}@{tail}" for tail in tails)}:
            return node
    raise NotFound(
        f"{reference} is not what {case.subject.reference} was made from",
        tuple(node.reference for node in case.material.nodes[:20]),
    )


def _newest_validations(statements: Iterable[Statement]) -> dict[str, Statement]:
    """Return the newest validation of each check that is about this very version."""
    return {
        f"{said.fields['check']['tool']}/{said.fields['check']['name']}": said
        for said in statements
        if said.body == "validation" and said.names != NAME
    }


def _failed(newest: Iterable[tuple[str, Statement]], case: Case) -> list[str]:
    good = {PASS, WARN} if case.policy.accept_warnings else {PASS}
    return sorted(
        f"{name} came out as '{said.fields['outcome']}'"
        for name, said in newest
        if said.untrusted is None and said.fields["outcome"] not in good
    ) + sorted(
        f"{name} proves nothing: the key it was signed with is suspended ({said.untrusted})"
        for name, said in newest
        if said.untrusted is not None
    )
