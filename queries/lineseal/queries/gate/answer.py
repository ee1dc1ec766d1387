"""Does a gate let this version through? Runs every rule and says all reasons at once.

``approved``: every rule passed. ``refused``: a rule found something. ``incomplete``: nothing was
found, but something that would have to be known is not. The reasons are a function of the facts:
in the order of the rules, then sorted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import duckdb

from lineseal.commandline.output import Answer
from lineseal.queries.gate import assurance, decisions, state
from lineseal.queries.gate.case import Case, Check, Outcome, load_case
from lineseal.queries.gate.policy import parse_policies
from lineseal.queries.lookup import find_one
from lineseal.queries.material import material_of
from lineseal.queries.times import Moment, from_microseconds
from lineseal.schemas.errors import QueryError
from lineseal.schemas.ids import now_us

APPROVED, REFUSED, INCOMPLETE = "approved", "refused", "incomplete"

RULES: tuple[Callable[[Case], Iterator[Check]], ...] = (
    state.quarantine,
    state.containment,
    decisions.revoked,
    assurance.digests,
    decisions.inputs,
    assurance.validations,
    assurance.evaluation,
    decisions.people,
    state.alerts,
    state.ancestry,
)
"""Every rule, in the order of the answer."""


def gate(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    reference: str,
    *,
    policy: str | None = None,
    given: Sequence[str] = (),
    officers: Sequence[str] = (),
    clock: Callable[[], int] = now_us,
) -> Answer:
    """Judge one version at a gate.

    Args:
        connection: The open store.
        name: train, promote or rollback.
        reference: REF of the version.
        policy: Text of a policy file; None means the defaults.
        given: Digests of bytes on disk, as ``REF=sha256:HEX``; without REF the subject's.
        officers: People who may order containment; empty: anybody under their own key.
        clock: Microseconds since 1970 UTC.

    Raises:
        ConfigurationError: The policy cannot be read.
        InvalidReference, NotFound, Ambiguous: A REF means nothing, or more than one version.
        QueryError: There is no such gate.

    """
    policies = parse_policies(policy)
    if name not in policies.of:
        raise QueryError(f"there is no gate {name!r}; gates are: {', '.join(policies.of)}")
    moment, now = Moment(), from_microseconds(clock())
    subject = find_one(connection, reference, moment)
    case = load_case(
        connection,
        material_of(connection, subject, moment, now),
        gate=name,
        policy=policies.of[name],
        given=[_split(text) for text in given],
        officers=officers,
        now=now,
    )
    checks = [check for rule in RULES for check in sorted(rule(case))]
    unknown = [check for check in checks if check.outcome is Outcome.UNKNOWN]
    return Answer(
        query="gate",
        subject=reference,
        verdict=_verdict(checks),
        complete=not unknown,
        warnings=[f"{check.reference}: {check.reason}" for check in unknown],
        rows=[
            subject.to_row()
            | {
                "rule": check.rule,
                "outcome": check.outcome.value,
                "reference": check.reference,
                "reason": check.reason,
            }
            for check in checks
        ],
        extra={"gate": name, "policy_digest": policies.digest, "version": subject.to_row()},
    )


def reasons(answer: Answer) -> list[str]:
    """Return why a gate did not let it through, for the record; empty when it did."""
    return [
        f"{row['rule']}: {row['reference']}: {row['reason']}"
        for row in answer.rows
        if row["outcome"] != Outcome.PASSED
    ]


def _verdict(checks: Iterable[Check]) -> str:
    outcomes = {check.outcome for check in checks}
    if Outcome.REFUSED in outcomes:
        return REFUSED
    return INCOMPLETE if Outcome.UNKNOWN in outcomes else APPROVED


def _split(text: str) -> tuple[str, str]:
    reference, _, digest = text.rpartition("=")
    return reference, digest
