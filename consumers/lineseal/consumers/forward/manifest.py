"""An hourly record that says which numbers the feed gave out, signed where there is a key.

A receiver that holds every number between two manifests and finds the digest equal has lost
nothing and was given nothing else. The digest is SHA-256 over lines ``SEQ UID`` in order.
"""

from __future__ import annotations

import hashlib
import json

from lineseal.consumers.forward.feed import Feed
from lineseal.consumers.forward.ocsf import Document, base, finished, stable_id
from lineseal.consumers.forward.severity import INFO
from lineseal.signing.envelope import sign_envelope
from lineseal.signing.signers import KeySigner

KIND = "manifest"
HOUR_US = 3600 * 1_000_000
PAYLOAD_TYPE = "application/vnd.lineseal.feed-manifest+json"
_ATTEST = (99, "Attest")


def add_manifest(feed: Feed, deployment: str, signer: KeySigner | None, now: int) -> bool:
    """Add a manifest when the newest one is an hour old and there are records since.

    Raises:
        KeyUnusable: The signer cannot sign.

    """
    newest, head = feed.newest(KIND), feed.head
    first = 1 if newest is None else newest.seq
    if head < first or (newest is not None and (now - newest.added_at < HOUR_US or head == first)):
        return False
    pairs = feed.uids(first, head)
    lines = "".join(f"{seq} {uid}\n" for seq, uid in pairs)
    content: Document = {
        "feed_id": feed.feed_id,
        "first_seq": first,
        "last_seq": head,
        "count": len(pairs),
        "sha256": hashlib.sha256(lines.encode()).hexdigest(),
        "made_at": now // 1000,
    }
    document = base(
        class_uid=3004,
        activity=_ATTEST,
        severity=INFO,
        time_us=now,
        uid=stable_id(feed.feed_id, KIND, str(head)),
        deployment=deployment,
        event_code=KIND,
        message=f"feed {feed.feed_id}: records {first} to {head} were given out",
        logged_us=now,
    )
    document["entity"] = {"type_id": 99, "type": "feed", "uid": feed.feed_id, "name": "feed"}
    document["unmapped"] = {KIND: content | _signature(content, signer)}
    return feed.append([(KIND, finished(document))], now) == 1


def _signature(content: Document, signer: KeySigner | None) -> Document:
    if signer is None:
        return {}
    payload = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    envelope = json.loads(sign_envelope(PAYLOAD_TYPE, payload, [signer]))
    return {"envelope": json.dumps(envelope, separators=(",", ":"))}
