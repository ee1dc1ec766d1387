"""Signs what detections found for the topic of alerts, and verifies it.

A record is a DSSE envelope under a key with the role ``detect``. Its payload is one change of one
alert, or one tick: the moment that absence was judged at. Records of a deployment form a chain:
each names the SHA-256 of the payload before it, so a missing or changed one is seen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from lineseal.schemas.errors import BadSignature, Malformed, OutOfScope, WrongDeployment, WrongType
from lineseal.signing.envelope import pae, read_envelope, sign_envelope, strict_json
from lineseal.signing.keyring import Keyring
from lineseal.signing.signers import KeySigner

ALERT_PAYLOAD_TYPE: Final = "application/vnd.lineseal.alert.v1+json"
ALERT_ROLE: Final = "detect"
NO_PREVIOUS: Final = "0" * 64


def sign_alert_record(
    signer: KeySigner, *, deployment: str, previous_sha256: str, content: Mapping[str, Any]
) -> tuple[bytes, str]:
    """Sign one record; return its bytes and the SHA-256 (64 hex) the next one names.

    Args:
        signer: Holds a key with the role ``detect``.
        deployment: Whose store it was found in.
        previous_sha256: What the call before returned; ``NO_PREVIOUS`` for the first.
        content: ``{"alert": {...}}`` or ``{"tick": TIME}``; JSON values only.

    Raises:
        KeyUnusable: The signer cannot sign.

    """
    document = {"deployment": deployment, "previous_sha256": previous_sha256, **content}
    payload = json.dumps(
        document, sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":")
    ).encode()
    data = sign_envelope(ALERT_PAYLOAD_TYPE, payload, [signer])
    return data, hashlib.sha256(payload).hexdigest()


def verify_alert_record(
    data: bytes, keyring: Keyring, *, deployment: str, at: int
) -> tuple[dict[str, Any], str]:
    """Verify one record; return its content and the SHA-256 of its payload.

    Args:
        data: As read from the topic.
        keyring: The keys to trust.
        deployment: The deployment it must belong to.
        at: Moment of judgement, microseconds UTC.

    Raises:
        Malformed, WrongType, WrongDeployment: It is no such record of this deployment.
        UnknownKey, BadSignature, OutOfScope, KeyNotYetValid, KeyExpired, KeyRevoked: Nothing
            proves that detections of this deployment wrote it.

    """
    try:
        envelope = read_envelope(data)
    except ValueError as error:
        raise Malformed(str(error)) from error
    if envelope.payload_type != ALERT_PAYLOAD_TYPE or len(envelope.signatures) != 1:
        raise WrongType("it is no record of an alert under one signature")
    (signature,) = envelope.signatures
    entry = keyring.entry(signature.keyid)
    if not entry.key.verifies(signature.sig, pae(envelope.payload_type, envelope.payload)):
        raise BadSignature(f"the signature does not verify under key {signature.keyid}")
    keyring.authorise(signature.keyid, producer=entry.producer, at=at)
    if ALERT_ROLE not in entry.roles:
        raise OutOfScope(f"key {entry.keyid} has not the role {ALERT_ROLE}")
    try:
        content = strict_json(envelope.payload)
    except ValueError as error:
        raise Malformed(str(error)) from error
    if content.get("deployment") != deployment:
        raise WrongDeployment("the record belongs to another deployment")
    return content, hashlib.sha256(envelope.payload).hexdigest()
