"""A signed checkpoint of the store's log as an OCSF Entity Management event (3004).

Whoever has it in the SIEM can tell later that the store was rolled back or rewritten: the signed
text is in ``unmapped.checkpoint.note``, one checkpoint covers all before it. Source: DESIGN 7;
C2SP tlog-checkpoint; docs/evidence.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from lineseal.consumers.forward.ocsf import Document, base, finished, stable_id
from lineseal.consumers.forward.severity import INFO

KIND = "checkpoint"
_ATTEST = (99, "Attest")


@dataclass(frozen=True, slots=True)
class Signed:
    """Hold one row of the table ``checkpoint``; the time is microseconds UTC."""

    note: str
    origin: str
    tree_size: int
    root_sha256: str
    keyid: str
    signed_at: int


def checkpoint(signed: Signed, deployment: str) -> Document:
    """Return the canonical document of a checkpoint."""
    document = base(
        class_uid=3004,
        activity=_ATTEST,
        severity=INFO,
        time_us=signed.signed_at,
        uid=stable_id(deployment, KIND, signed.origin, str(signed.tree_size), signed.root_sha256),
        deployment=deployment,
        event_code=KIND,
        message=f"log {signed.origin}: {signed.tree_size} entries were signed for",
        logged_us=signed.signed_at,
    )
    document["entity"] = {"type_id": 99, "type": "log", "uid": signed.origin, "name": signed.origin}
    document["unmapped"] = {
        KIND: {
            "note": signed.note,
            "tree_size": signed.tree_size,
            "root_sha256": signed.root_sha256,
            "keyid": signed.keyid,
        }
    }
    return finished(document)
