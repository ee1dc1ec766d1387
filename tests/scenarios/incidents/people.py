"""What people may not do: approve themselves, override in bursts, take what is not theirs."""

from __future__ import annotations

from typing import Any

from tests.scenarios.company import (
    approved,
    day,
    evaluated,
    fraud,
    intake,
    labels,
    listed,
    moment,
    ordinary,
    promoted,
    training,
    tx,
)
from tests.scenarios.play import Step, step
from tests.scenarios.story import Steps, incident

NO_VALID_APPROVAL = "an approval that does not count may be taken as none at all"
WRITERS = {"data_writers": ("ingest=dataset:lake/", "labeller=label_set:lake/")}


@incident(
    "self-approval",
    {"DP-018": "who asked for the promotion also approved it"},
    left_open={"DP-020": NO_VALID_APPROVAL},
)
def alice_approves_her_own_request() -> Steps:
    """Alice, who may promote, asks for the promotion of model 2 and approves it herself."""
    return _second_release(by="alice", requested_by="alice")


@incident(
    "self-approval",
    {"DP-018": "eve has no role at this gate"},
    left_open={"DP-020": NO_VALID_APPROVAL},
)
def somebody_without_the_role_approves() -> Steps:
    """Eve, in no list of approvers, approves a promotion that dave asked for."""
    return _second_release(by="eve", requested_by="dave")


@incident("quarantine bypass", {"DP-018": "the owner released their own data, no second person"})
def the_owner_releases_their_own_quarantine() -> Steps:
    """Transactions 2 belong to dave; dave takes them out of quarantine alone."""
    fields = {"owner": "dave", "reason": "looks fine to me"}
    return [
        *ordinary(),
        *intake(11, tx(2), owner="dave", submitted_by="dave"),
        step(day(11, 16), "checker", "quarantine", tx(2), reason="outliers", owner="dave"),
        step(
            day(12),
            "person:dave",
            "quarantine",
            tx(2),
            action="released",
            reviewer="dave",
            **fields,
        ),
    ]


@incident("self-approval", {"DP-018": "who submitted the data approved it"})
def the_curator_approves_their_own_data() -> Steps:
    """Bob hands transactions 2 in and, having the role, approves them; he also asked for it."""
    steps = intake(11, tx(2), submitted_by="bob", owner="bob")[:-1]
    return [*ordinary(), *steps, *approved(11, tx(2), requested_by="bob")]


@incident("insider", {"DP-019": "the reason is boiler-plate"})
def an_override_says_ok() -> Steps:
    """Dave lets a failed check pass; the reason given is: ok."""
    return [*ordinary(), _override(12, 10, "ok")]


@incident("insider", {"DP-019": "forty overrides by one person in half an hour, at night"})
def a_burst_of_overrides_at_night() -> Steps:
    """At three in the morning dave overrides forty rejections, each with a long reason."""
    reason = "reviewed with the vendor, the check is too strict for merchants of this region"
    return [*ordinary(), *[_override(12, 3 + n / 80, f"{reason} ({n})") for n in range(40)]]


@incident("insider", {"DP-038": "dave may not lift a freeze"})
def a_freeze_is_lifted_by_the_data_scientist() -> Steps:
    """Carol freezes transactions 1; dave, who is no containment officer, releases them."""
    lifted = {"action": "release", "reason": "we need the model this week"}
    return [
        *ordinary(),
        step(day(11), "person:carol", "contain", tx(1), reason="suspicious rows", ticket="IR-7"),
        step(day(12), "person:dave", "contain", tx(1), **lifted),
    ]


@incident("insider", {"DP-038": "a service orders a containment in an officer's name"})
def a_release_is_only_said_to_be_carols() -> Steps:
    """Carol freezes the model; the deployer's own event says that carol released it."""
    lifted = {"action": "release", "reason": "done", "ordered_by": "carol"}
    return [
        *ordinary(),
        step(day(11), "person:carol", "contain", fraud(1), reason="trigger found", ticket="IR-8"),
        step(day(12), "deployer", "contain", fraud(1), **lifted),
    ]


@incident("insider", {"DP-037": "mallory is in no policy for this data"}, policy=WRITERS)
def a_stranger_writes_training_data() -> Steps:
    """The store's audit log shows that mallory wrote to the transactions."""
    return [*ordinary(), step(day(11), "cloud-audit", "record_access", "mallory", "write", tx(1))]


@incident("insider", {"DP-037": "the grantee is in no policy for this data"}, policy=WRITERS)
def a_stranger_is_granted_the_labels() -> Steps:
    """The labeller's administrator grants mallory the labels."""
    grant = step(
        day(11),
        "cloud-audit",
        "record_access",
        "labeller",
        "grant",
        labels(1),
        granted_to="mallory",
    )
    used = step(day(12), "cloud-audit", "record_access", "mallory", "read", labels(1))
    return [*ordinary(), grant, used]


@incident(
    "insider",
    {"DP-037": "granted half a year ago, never used, never revoked"},
    policy={"data_writers": ("ingest=*", "labeller=*", "contractor-7=dataset:lake/")},
    now="200d",
)
def a_grant_is_never_used() -> Steps:
    """A contractor within policy is granted the transactions and never touches them."""
    grant = step(
        day(7), "cloud-audit", "record_access", "ingest", "grant", tx(1), granted_to="contractor-7"
    )
    return [*ordinary(), grant]


@incident(
    "insider",
    {"DP-024": "neither the schedule nor a request started it"},
)
def a_retraining_is_started_by_hand() -> Steps:
    """Mallory starts a training of model 2 by hand; policy knows schedules and requests."""
    return [*ordinary(), *training(12, [tx(1), labels(1)], fraud(2), trigger="manual:mallory")]


@incident(
    "insider",
    {"DP-024": "a training inside a freeze window"},
    policy={"freeze_windows": ("2026-01-12T00:00:00/2026-01-16T00:00:00",)},
)
def a_training_runs_in_the_freeze_window() -> Steps:
    """The scheduler trains on 13 January, in the week in which nothing may be trained."""
    return [*ordinary(), *training(12, [tx(1), labels(1)], fraud(2))]


@incident("insider", {"DP-025": "a key changed without any record of approval"})
def a_key_is_enrolled_without_approval() -> Steps:
    """The platform's service enrols a new key for the trainer; nobody approved it."""
    change = {"action": "enrolled", "reason": "new host", "changed_by": "platform"}
    return [*ordinary(), step(day(11), "platform", "record_key_change", "5e" * 32, **change)]


@incident(
    "self-approval",
    {"DP-020": "a default or a time-out is no approval"},
    left_open={"DP-018": "nobody approved, which may be read as a missing approver"},
)
def the_approval_is_only_a_timeout() -> Steps:
    """Nobody answered for a day, so the workflow approved model 2 by time-out."""
    return _second_release(by="alice", requested_by="dave", mode="timeout")


@incident("self-approval", {"DP-020": "the approval had expired when the model was promoted"})
def the_approval_had_expired() -> Steps:
    """Alice's approval holds until noon of the day before the promotion."""
    steps = _second_release(by="alice", requested_by="dave", expires_at=moment(14, 12))[:-1]
    return [*steps, *promoted(15, fraud(2))]


def _second_release(**approval: Any) -> Steps:
    return [
        *ordinary(),
        *training(12, [tx(1), labels(1)], fraud(2)),
        *listed(13, fraud(2)),
        *evaluated(13, fraud(2)),
        *approved(13, fraud(2), gate="promotion", **approval),
        *promoted(13, fraud(2)),
    ]


def _override(at: float, hour: float, reason: str) -> Step:
    values = {"before": "fail", "after": "pass", "reason": reason, "items_affected": 3}
    return step(day(at, hour), "person:dave", "override", tx(1), **values)
