"""An approval counts only from somebody who may give it, explicitly, under their own key.

Evidence: one statement for each rule of ``approvals.py``, alone and after a good one.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from lineseal.queries.approvals import approval_faults
from lineseal.queries.statements import Statement

NOW = dt.datetime(2026, 1, 2)  # noqa: DTZ001 - the store keeps naive UTC
EARLIER = 1_767_225_600_000_000  # 2026-01-01 in microseconds
LATER = EARLIER + 10 * 86_400_000_000


def approval(names: str = "version", **changes: Any) -> Statement:
    """Make an approval that counts; *changes* replace its fields."""
    fields: dict[str, Any] = {
        "actor_verified": True,
        "actor_kind": "human",
        "actor_id": "alice",
        "approver": "alice",
        "decision": "approve",
        "gate": "promotion",
        "mode": "explicit",
        "requested_by": "trainer",
        "expires_at": None,
    }
    time = changes.pop("event_time", NOW - dt.timedelta(hours=1))
    return Statement(time, "event", "approval", names, fields | changes)


def faults(*statements: Statement, makers: frozenset[str] = frozenset()) -> list[str]:
    """Judge at the promotion gate."""
    return approval_faults(statements, gates=("promotion",), makers=set(makers), now=NOW)


def test_a_good_approval_is_enough() -> None:
    """By version or by digest."""
    assert faults(approval()) == faults(approval("digest")) == []


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (approval(actor_verified=False), "the approval of alice is only asserted"),
        (approval(actor_id="bob"), "the approval of alice is only asserted"),
        (approval(actor_kind="service"), "the approval of alice is only asserted"),
        (approval(mode="default"), "the approval of alice was given by default"),
        (approval(mode="timeout"), "the approval of alice was given by timeout"),
        (approval(requested_by="alice"), "alice approved what alice requested"),
        (
            approval(expires_at=EARLIER),
            "the approval of alice ended at 2026-01-01T00:00:00.000000Z",
        ),
        (approval(decision="abstain"), "alice decided 'abstain'"),
        (approval(names="name"), "nobody approved it"),
        (approval(gate="dataset"), "nobody approved it"),
    ],
)
def test_any_other_approval_says_why_it_does_not_count(statement: Statement, reason: str) -> None:
    """Alone it is a fault; beside one that counts it is none."""
    other = approval(actor_id="dora", approver="dora")

    (fault,) = faults(statement)

    assert fault.startswith(reason)
    assert faults(statement, other) == []


def test_nobody_approves_what_they_made() -> None:
    """Four eyes: who acted in the run that wrote it is no second person."""
    assert faults(approval(), makers=frozenset({"alice"})) == ["alice approved what alice made"]


def test_one_rejection_under_an_own_key_outweighs_every_approval() -> None:
    """Whoever else approved, and in whatever order they are recorded."""
    no = approval(actor_id="bob", approver="bob", decision="reject")

    assert faults(approval(), no) == faults(no, approval())
    assert faults(no)[0].startswith("bob rejected it on 2026-01-01T23:00:00")


def test_who_rejects_may_change_their_mind() -> None:
    """The newest decision of one person counts."""
    assert faults(approval(decision="reject"), approval(expires_at=LATER)) == []


def test_an_asserted_name_takes_back_neither_approval_nor_rejection() -> None:
    """A service that writes alice's name does not speak for alice."""
    forged_no = approval(actor_verified=False, decision="reject")
    forged_yes = approval(actor_verified=False)

    assert faults(approval(), forged_no) == []
    assert faults(approval(decision="reject"), forged_yes)[0].startswith("alice rejected it")
