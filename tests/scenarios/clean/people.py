"""Everyday decisions: overrides with a reason, access within policy, drills."""

from __future__ import annotations

from typing import Any

from tests.scenarios.company import (
    approved,
    day,
    evaluated,
    fraud,
    labels,
    listed,
    moment,
    ordinary,
    promoted,
    release,
    training,
    tx,
)
from tests.scenarios.play import Step, step
from tests.scenarios.story import Steps, clean

WRITERS = {"data_writers": ("ingest=dataset:lake/", "labeller=label_set:lake/")}
REASON = "the amount limit predates the new currency; ticket DATA-118, agreed with finance"


@clean("overrides")
def an_override_with_reason_and_second_person() -> Steps:
    """On a Monday morning dave lets three rows pass; bob agreed, and it ends in a week."""
    return [*ordinary(), _override(11, 10, REASON, expires_at=moment(18))]


@clean("overrides")
def three_overrides_in_three_weeks() -> Steps:
    """Three overrides, weeks apart, each in working hours and with its own reason."""
    reasons = [
        "merchant 4411 was renamed by the bank, ticket DATA-120",
        "public holiday in two regions, volumes confirmed by finance",
        "duplicate of the refund batch removed by hand, ticket DATA-131",
    ]
    return [*ordinary(), *[_override(11 + 7 * n, 11, why) for n, why in enumerate(reasons)]]


@clean("approvals")
def two_people_at_two_gates() -> Steps:
    """Bob approves the training dave asked for, alice the promotion."""
    return [
        *ordinary(),
        *approved(11, fraud(2), gate="training", by="bob"),
        *training(12, [tx(1), labels(1)], fraud(2)),
        *release(13, fraud(2)),
    ]


@clean("approvals")
def an_approval_that_expires_after_its_use() -> Steps:
    """Alice's approval of an hour is used within that hour; days later it has expired."""
    return [
        *ordinary(),
        *training(12, [tx(1), labels(1)], fraud(2)),
        *listed(13, fraud(2)),
        *evaluated(13, fraud(2)),
        *approved(13, fraud(2), gate="promotion", by="alice", hour=15, expires_at=moment(13, 18)),
        *promoted(13, fraud(2)),
        *training(19, [tx(1), labels(1)], fraud(3)),
    ]


@clean("containment")
def a_containment_drill() -> Steps:
    """Carol freezes transactions 1 and releases them two hours later; alice agreed."""
    lifted = {"action": "release", "reason": "drill over", "approved_by": "alice", "ticket": "D-1"}
    return [
        *ordinary(),
        step(day(11), "person:carol", "contain", tx(1), reason="drill", ticket="D-1"),
        step(day(11, 11), "person:carol", "contain", tx(1), **lifted),
    ]


@clean("containment")
def an_incident_is_opened_and_closed() -> Steps:
    """A false alarm: carol opens an incident and closes it with what was found."""
    closed = {"state": "closed", "cause": "a broken dashboard", "actions": ["dashboard repaired"]}
    return [
        *ordinary(),
        step(day(11), "person:carol", "record_incident", "IR-1", subjects=[tx(1)]),
        step(day(12), "person:carol", "record_incident", "IR-1", **closed),
    ]


@clean("access", policy=WRITERS)
def the_services_write_what_is_theirs() -> Steps:
    """The audit log shows ingest writing data and labeller writing labels, as policy says."""
    return [
        *ordinary(),
        _access(11, "ingest", "write", tx(1)),
        _access(11.1, "labeller", "write", labels(1)),
        _access(11.2, "trainer", "read", tx(1)),
    ]


@clean("access", policy={"data_writers": (*WRITERS["data_writers"], "contractor-7=dataset:lake/")})
def a_grant_is_used_and_taken_back() -> Steps:
    """A contractor within policy is granted the data, uses it, and loses it after a week."""
    given = {"granted_to": "contractor-7"}
    return [
        *ordinary(),
        _access(11, "ingest", "grant", tx(1), **given),
        _access(12, "contractor-7", "write", tx(1)),
        _access(18, "ingest", "revoke", tx(1), **given),
    ]


@clean("access", policy=WRITERS)
def a_stranger_is_turned_away() -> Steps:
    """A new colleague tries once to read the labels, is denied, and asks for a grant."""
    return [*ordinary(), _access(11, "newcomer", "read", labels(1), outcome="denied")]


def _access(at: float, who: str, action: str, what: Any, **values: Any) -> Step:
    return step(day(at), "cloud-audit", "record_access", who, action, what, **values)


def _override(at: float, hour: float, reason: str, **values: Any) -> Step:
    fields = {
        "before": "fail",
        "after": "pass",
        "reason": reason,
        "approved_by": "bob",
        "items_affected": 3,
        **values,
    }
    return step(day(at, hour), "person:dave", "override", tx(1), **fields)
