"""The forwarder's own alert: a sink is parked, so nothing reaches that receiver.

It goes into the feed like any alert, so every other sink carries it at once, and the parked one
as soon as it is let in again. It does not go into the store: the forwarder may be a process of
its own, and only one process writes the store.
"""

from __future__ import annotations

from lineseal.consumers.forward.feed import Feed
from lineseal.consumers.forward.finding import AlertChange, finding
from lineseal.consumers.forward.ocsf import stable_id

RULE_ID = "FWD-001"
KIND = "health"


def raise_parked(feed: Feed, deployment: str, sink: str, reason: str, at: int) -> None:
    """Add the alert that *sink* was parked at *at* (microseconds) because of *reason*."""
    alert = AlertChange(
        alert_id=stable_id(feed.feed_id, RULE_ID, sink, str(at)),
        revision=1,
        activity="open",
        status="open",
        rule_id=RULE_ID,
        title="A SIEM sink is parked: nothing reaches its receiver",
        severity="high",
        subject=f"sink:{sink}",
        first_seen=at,
        last_seen=at,
        changed_at=at,
        ingest_time=at,
        reasons=(reason,),
        runbook="docs/siem/README.md",
    )
    feed.append([(KIND, finding(alert, deployment))], at)
