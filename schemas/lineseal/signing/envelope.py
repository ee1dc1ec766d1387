"""Says what exactly is signed, and how a signed thing looks to other DSSE tools.

The signature of a batch covers the DSSE pre-authentication encoding of its header; ``to_dsse``
turns a batch into the standard JSON envelope with the same signature, which any DSSE verifier
accepts. Keyrings and enrolment requests are such JSON envelopes on disk.

Source: DSSE protocol 1.0.0 and envelope.md (secure-systems-lab/dsse).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from lineseal.schemas.model import BatchSignature, SignedBatch
from lineseal.signing.signers import KeySigner

MAX_ENVELOPE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Envelope:
    """Hold a decoded DSSE envelope; nothing about it is verified."""

    payload_type: str
    payload: bytes
    signatures: tuple[BatchSignature, ...]


def pae(payload_type: str, payload: bytes) -> bytes:
    """Build the pre-authentication encoding: the bytes that are signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def to_dsse(batch: SignedBatch) -> dict[str, Any]:
    """Turn a sealed batch into the standard DSSE JSON envelope; its events stay outside."""
    return _to_json(Envelope(batch.payload_type, batch.header, batch.signatures))


def sign_envelope(payload_type: str, payload: bytes, signers: Sequence[KeySigner]) -> bytes:
    """Sign *payload* with each signer and render the envelope as JSON text.

    Raises:
        KeyUnusable: A signer cannot sign.

    """
    message = pae(payload_type, payload)
    signatures = tuple(BatchSignature(keyid=s.keyid, sig=s.sign(message)) for s in signers)
    document = _to_json(Envelope(payload_type, payload, signatures))
    return (json.dumps(document, indent=1) + "\n").encode()


def read_envelope(data: bytes) -> Envelope:
    """Decode the JSON text of an envelope.

    Raises:
        ValueError: It is over 16 MiB or not such an envelope; the message says why.

    """
    if len(data) > MAX_ENVELOPE_BYTES:
        raise ValueError(f"it is {len(data)} bytes, more than {MAX_ENVELOPE_BYTES}")
    document = strict_json(data)
    try:
        payload_type, payload = document["payloadType"], _from_base64(document["payload"])
        signatures = tuple(
            BatchSignature(keyid=_text(item["keyid"]), sig=_from_base64(item["sig"]))
            for item in document["signatures"]
        )
        return Envelope(_text(payload_type), payload, signatures)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise ValueError(f"it is not a DSSE envelope: {error!r}") from error


def strict_json(data: bytes) -> dict[str, Any]:
    """Parse one JSON object; keys must be unique and numbers finite.

    Raises:
        ValueError: It is not such an object.

    """
    try:
        document = json.loads(
            data.decode(), object_pairs_hook=_unique, parse_constant=_refuse_constant
        )
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error
    if not isinstance(document, dict):
        raise ValueError("the JSON is not an object")  # noqa: TRY004 - a bad value, not a bug
    return cast("dict[str, Any]", document)


def _to_json(envelope: Envelope) -> dict[str, Any]:
    return {
        "payload": base64.b64encode(envelope.payload).decode(),
        "payloadType": envelope.payload_type,
        "signatures": [
            {"keyid": item.keyid, "sig": base64.b64encode(item.sig).decode()}
            for item in envelope.signatures
        ],
    }


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is expected")
    return value


def _from_base64(value: Any) -> bytes:
    # DSSE: verifiers accept the standard and the URL-safe alphabet.
    return base64.b64decode(_text(value).translate({45: "+", 95: "/"}), validate=True)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("the JSON has a key twice")
    return result


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"the JSON holds {name}")
