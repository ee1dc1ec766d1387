"""Renders a canonical document in the Elastic Common Schema.

Only fields of ECS and one object of our own, ``lineseal``. Source: ECS 9.4.0.
"""

from __future__ import annotations

from typing import Any

from lineseal.consumers.forward.ocsf import Document
from lineseal.consumers.forward.severity import severity_of
from lineseal.consumers.forward.text import harmless, iso_time

ECS_VERSION = "9.4.0"
FRAMEWORK = "MITRE ATLAS"
_FINDING = 2004


def to_ecs(document: Document) -> dict[str, Any]:
    """Return *document* (canonical, stamped or not) as one ECS document."""
    metadata, own = document["metadata"], document.get("unmapped", {})
    is_finding = document["class_uid"] == _FINDING
    severity = severity_of(document["severity_id"])
    event = {
        "kind": "alert" if is_finding else "event",
        "category": ["intrusion_detection" if is_finding else "configuration"],
        "type": ["info" if is_finding else "change"],
        "id": metadata["uid"],
        "code": metadata.get("event_code"),
        "action": str(document.get("disposition") or document["activity_name"]).lower(),
        "provider": metadata["product"]["name"],
        "module": "lineseal",
        "dataset": "lineseal.alert" if is_finding else "lineseal.decision",
        "severity": severity.ocsf,
        "risk_score": severity.risk,
        "sequence": metadata.get("sequence"),
        "reason": document.get("comment"),
        "outcome": "unknown" if is_finding else "success",
    }
    for field, time in (("start", "start_time"), ("end", "end_time")):
        if time in document:
            event[field] = iso_time(document[time])
    user = document.get("actor", {}).get("user", {}).get("name") or own.get("decided_by")
    rendered = {
        "@timestamp": iso_time(document["time"]),
        "ecs": {"version": ECS_VERSION},
        "message": document["message"],
        "event": event,
        "observer": {
            "vendor": metadata["product"]["vendor_name"],
            "product": metadata["product"]["name"],
            "version": metadata["product"]["version"],
        },
        "user": {"name": user},
        "related": {"user": [user] if user else []},
        "lineseal": _own(document),
    }
    if is_finding:
        rendered |= _rule(document)
    kept: dict[str, Any] = harmless(rendered)
    return kept


def _rule(document: Document) -> dict[str, Any]:
    info = document["finding_info"]
    analytic = info["analytic"]
    techniques = [each["technique"] for each in info.get("attacks", [])]
    rule = {
        "id": analytic["uid"],
        "name": analytic["name"],
        "version": analytic.get("version"),
        "ruleset": "lineseal",
        "reference": info.get("src_url"),
        "description": info.get("desc"),
    }
    if not techniques:
        return {"rule": rule}
    technique = {
        "id": [each["uid"] for each in techniques],
        "reference": [each["src_url"] for each in techniques if "src_url" in each],
    }
    return {"rule": rule, "threat": {"framework": FRAMEWORK, "technique": technique}}


def _own(document: Document) -> dict[str, Any]:
    own = dict(document.get("unmapped", {}))
    # Free-form: as an object it would make a mapping of its own in every index.
    context = own.pop("context", None)
    if context:
        own["context"] = str(context)
    return own | {
        "class_uid": document["class_uid"],
        "severity": document["severity"],
        "status": document.get("status"),
        "tenant": document["metadata"].get("tenant_uid"),
        "run_id": document["metadata"].get("correlation_uid"),
        "finding_uid": document.get("finding_info", {}).get("uid"),
        "subject": _subject(document),
        "truncated": document["metadata"].get("is_truncated"),
    }


def _subject(document: Document) -> str:
    if document["class_uid"] == _FINDING:
        resources = document.get("resources") or [{}]
        return str(resources[0].get("name", ""))
    return str(document["entity"].get("name", ""))
