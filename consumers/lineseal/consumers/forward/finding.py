"""An alert as an OCSF Detection Finding (2004).

One document per change of an alert: opening creates the finding, later changes update or close
it under the same ``finding_info.uid``. Source: OCSF 1.8.0 class 2004; the table ``alert_change``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineseal.consumers.forward.ocsf import PRODUCT, Document, base, finished, stable_id
from lineseal.consumers.forward.severity import severity_named

ATLAS_URL = "https://atlas.mitre.org/techniques/"
_ACTIVITY = {"open": (1, "Create"), "update": (2, "Update"), "close": (3, "Close")}
_STATUS = {"open": (1, "New"), "acknowledged": (2, "In Progress"), "closed": (4, "Resolved")}
_CONFIDENCE = {"low": (1, "Low"), "medium": (2, "Medium"), "high": (3, "High")}
_DETECTED = (15, "Detected")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChange:
    """Hold one change of an alert; names are those of ``alert_change``, times microseconds."""

    alert_id: str
    revision: int
    activity: str
    status: str
    rule_id: str
    title: str
    severity: str
    subject: str
    first_seen: int
    last_seen: int
    changed_at: int
    ingest_time: int
    rule_version: str = "1"
    rule_status: str = "stable"
    confidence: str = "high"
    count: int = 1
    techniques: Sequence[str] = ()
    owasp: Sequence[str] = ()
    reasons: Sequence[str] = ()
    evidence: Sequence[str] = ()
    batches: Sequence[Mapping[str, Any]] = ()
    context: str = "{}"
    runbook: str = ""
    decided_by: str | None = None
    decision_event_id: str | None = None
    decision_reason: str | None = None


def finding(alert: AlertChange, deployment: str) -> Document:
    """Return the canonical document of one change of an alert."""
    # A second opening of a closed alert is an update: a finding is created once.
    activity = "update" if alert.activity == "open" and alert.revision > 1 else alert.activity
    status_id, status = _STATUS.get(alert.status, (99, alert.status))
    confidence_id, confidence = _CONFIDENCE.get(alert.confidence, (99, alert.confidence))
    document = base(
        class_uid=2004,
        activity=_ACTIVITY.get(activity, (99, activity)),
        severity=severity_named(alert.severity),
        time_us=alert.changed_at,
        uid=stable_id(deployment, "alert", alert.alert_id, str(alert.revision)),
        deployment=deployment,
        event_code=alert.rule_id,
        message=f"{alert.title}: {alert.subject}",
        logged_us=alert.ingest_time,
    )
    document |= {
        "status_id": status_id,
        "status": status,
        "confidence_id": confidence_id,
        "confidence": confidence,
        "count": alert.count,
        "is_alert": activity == "open",
        "disposition_id": _DETECTED[0],
        "disposition": _DETECTED[1],
        "comment": alert.decision_reason,
        "start_time": alert.first_seen // 1000,
        "end_time": alert.last_seen // 1000,
        "finding_info": _info(alert),
        "resources": [{"name": alert.subject, "type": alert.subject.partition(":")[0]}],
        "evidences": [{"data": _evidence(alert)}],
        "unmapped": {
            "rule_version": alert.rule_version,
            "owasp": list(alert.owasp),
            "decided_by": alert.decided_by,
            "decision_event_id": alert.decision_event_id,
            "context": _context(alert.context),
        },
    }
    if alert.runbook:
        document["remediation"] = {"desc": "See the runbook", "references": [alert.runbook]}
    return finished(document)


def _info(alert: AlertChange) -> Document:
    experimental = alert.rule_status in ("experimental", "test")
    return {
        "uid": alert.alert_id,
        "title": alert.title,
        "desc": " ".join(alert.reasons),
        "analytic": {
            "type_id": 1,
            "type": "Rule",
            "uid": alert.rule_id,
            "name": alert.title,
            "version": alert.rule_version,
            "state_id": 3 if experimental else 1,
            "state": "Experimental" if experimental else "Active",
        },
        "attacks": [
            {"technique": {"uid": technique, "src_url": ATLAS_URL + technique}}
            for technique in alert.techniques
        ],
        "types": ["Data Poisoning"],
        "data_sources": [PRODUCT],
        "first_seen_time": alert.first_seen // 1000,
        "last_seen_time": alert.last_seen // 1000,
        "src_url": alert.runbook or None,
    }


def _evidence(alert: AlertChange) -> Document:
    return {"event_ids": list(alert.evidence), "batches": [dict(each) for each in alert.batches]}


def _context(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return {"text": text}
