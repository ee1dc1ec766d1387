r"""Renders a canonical document in ArcSight's Common Event Format.

Escaping: header ``\`` and ``|``, extension ``\`` and ``=``; line breaks cannot occur, documents
hold none. A value is cut to its key's length *before* it is escaped, so that no escape is ever
cut in two. Empty values are left out and a blank follows the last pipe: parsers in use (Debian's
liblognorm among them) lose the first character, or the record, otherwise.

Version 0 of the header: liblognorm takes no other, and all our keys are of it. Source: CEF
implementation standard 27, extension dictionary.
"""

from __future__ import annotations

from typing import Any

from lineseal.consumers.forward.ocsf import Document
from lineseal.consumers.forward.severity import severity_of
from lineseal.consumers.forward.text import line

_HEADER = (63, 63, 31, 1023, 512)
"""Characters of vendor, product, version, class id, name."""
LENGTHS = {
    "externalId": 40,
    "deviceExternalId": 255,
    "act": 63,
    "cat": 1023,
    "outcome": 63,
    "msg": 1023,
    "reason": 1023,
    "suser": 1023,
    **{f"cs{number}": 4000 for number in range(1, 7)},
    **{f"cs{number}Label": 1023 for number in range(1, 7)},
    "cn1Label": 1023,
}


def to_cef(document: Document) -> str:
    """Return *document* (canonical, stamped) as one CEF line."""
    metadata = document["metadata"]
    product = metadata["product"]
    title = document.get("finding_info", {}).get("title") or f"Lineseal {metadata['event_code']}"
    fields = (
        *(product["vendor_name"], product["name"], product["version"]),
        *(metadata["event_code"], title),
    )
    header = "|".join(_header(text, limit) for text, limit in zip(fields, _HEADER, strict=True))
    severity = severity_of(document["severity_id"]).cef
    extension = " ".join(
        f"{key}={_value(key, value)}"
        for key, value in _extension(document).items()
        if value not in (None, "")
    )
    return f"CEF:0|{header}|{severity}| {extension}"


def _extension(document: Document) -> dict[str, Any]:
    metadata, own = document["metadata"], document.get("unmapped", {})
    pairs: dict[str, Any] = {
        "rt": document["time"],
        "externalId": metadata["uid"],
        "deviceExternalId": own.get("feed_id"),
        "cat": document["class_name"],
        "act": document.get("disposition", document["activity_name"]),
        "outcome": document.get("status"),
        "start": document.get("start_time"),
        "end": document.get("end_time"),
        "cnt": document.get("count"),
        "suser": document.get("actor", {}).get("user", {}).get("name") or own.get("decided_by"),
        "reason": document.get("comment"),
    }
    if "feed_seq" in own:
        pairs |= {"cn1Label": "feed_seq", "cn1": own["feed_seq"]}
    for number, (label, value) in enumerate(_custom(document), 1):
        if value:
            pairs |= {f"cs{number}Label": label, f"cs{number}": value}
    # Last: receivers are known to take the rest of a line for the last value.
    pairs["msg"] = document["message"]
    return pairs


def _custom(document: Document) -> tuple[tuple[str, Any], ...]:
    own = document.get("unmapped", {})
    info = document.get("finding_info", {})
    techniques = [each["technique"]["uid"] for each in info.get("attacks", [])]
    resources = document.get("resources") or [{}]
    verified, signed = own.get("actor_verified"), own.get("checkpoint")
    return (
        ("subject", resources[0].get("name") or document.get("entity", {}).get("name")),
        ("run_id", document["metadata"].get("correlation_uid")),
        ("technique", ",".join(techniques)),
        ("finding_uid", info.get("uid")),
        ("runbook", info.get("src_url")),
        ("checkpoint", signed["note"])
        if signed
        else ("actor_verified", None if verified is None else str(verified).lower()),
    )


def _header(text: str, limit: int) -> str:
    return line(text, limit).replace("\\", "\\\\").replace("|", "\\|").strip()


def _value(key: str, value: Any) -> str:
    text = line(str(value), LENGTHS.get(key, 1023)).strip()
    return text.replace("\\", "\\\\").replace("=", "\\=")
