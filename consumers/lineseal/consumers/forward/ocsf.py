"""What all canonical documents share: OCSF 1.8.0 with the profile ``security_control``.

A document is plain data, harmless (see ``text``), without its place in the feed; ``stamped`` adds
that. Source: OCSF 1.8.0, base event and metadata.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from lineseal.consumers.forward.severity import Severity
from lineseal.consumers.forward.text import harmless, is_cut
from lineseal.schemas.model import Subject
from lineseal.schemas.reference import format_reference

OCSF_VERSION = "1.8.0"
PROFILE = "security_control"
PRODUCT = "Lineseal"
_NAMESPACE = uuid.UUID("6d1f5b0e-3b0a-5f0c-9d57-3f8f4f2a7c11")

Document = dict[str, Any]


def stable_id(*parts: str) -> str:
    """Return the UUIDv5 of *parts*: the same wherever and whenever it is computed."""
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(parts)))


def base(
    *,
    class_uid: int,
    activity: tuple[int, str],
    severity: Severity,
    time_us: int,
    uid: str,
    deployment: str,
    event_code: str,
    message: str,
    logged_us: int | None = None,
    correlation: str | None = None,
) -> Document:
    """Return the fields that every class has. Times are microseconds UTC, OCSF's milliseconds."""
    number, caption = activity
    return {
        "class_uid": class_uid,
        "class_name": _CLASSES[class_uid],
        "category_uid": class_uid // 1000,
        "category_name": _CATEGORIES[class_uid // 1000],
        "activity_id": number,
        "activity_name": caption,
        "type_uid": class_uid * 100 + number,
        "type_name": f"{_CLASSES[class_uid]}: {caption}",
        "severity_id": severity.ocsf,
        "severity": severity.caption,
        "time": time_us // 1000,
        "message": message,
        "metadata": {
            "version": OCSF_VERSION,
            "product": {
                "name": PRODUCT,
                "vendor_name": PRODUCT,
                "version": version("lineseal"),
            },
            "profiles": [PROFILE],
            "uid": uid,
            "event_code": event_code,
            "correlation_uid": correlation,
            "tenant_uid": deployment,
            "logged_time": None if logged_us is None else logged_us // 1000,
        },
    }


def finished(document: Mapping[str, Any]) -> Document:
    """Return *document* harmless, and marked when a text or list in it was too long."""
    done: Document = harmless(document)
    if is_cut(document):
        done["metadata"]["is_truncated"] = True
    return done


def stamped(document: Mapping[str, Any], feed_id: str, feed_seq: int) -> Document:
    """Return *document* with its place in the feed, by which a receiver sees what is missing."""
    return {
        **document,
        "metadata": {**document["metadata"], "sequence": feed_seq},
        "unmapped": {**document.get("unmapped", {}), "feed_id": feed_id, "feed_seq": feed_seq},
    }


def entity_of(subject: Subject) -> Document:
    """Return what a decision is about as an OCSF managed entity."""
    thing = subject.artifact
    if thing is None:
        return {"type_id": 99, "type": subject.type, "name": subject.name or subject.type}
    name = format_reference(thing.kind, thing.namespace, thing.name, thing.version, thing.digest)
    return {
        "type_id": 99,
        "type": str(thing.kind),
        "name": name,
        "uid": thing.digest or name,
        "version": thing.version,
    }


_CLASSES = {2004: "Detection Finding", 3004: "Entity Management"}
_CATEGORIES = {2: "Findings", 3: "Identity & Access Management"}
