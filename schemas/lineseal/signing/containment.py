"""Says, under signature, what must not be read: the list that jobs check offline.

Whoever holds the store makes it of the orders that stand and of what is in quarantine, signs it
with a key of the role ``log`` and numbers it with the time, so that a later list always has the
higher version, also after a store was made anew. It is a DSSE envelope with a JSON payload.
Source: DESIGN 5; ADR-0030.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from lineseal.schemas.errors import (
    BadSignature,
    ContainmentRollback,
    ContractError,
    Malformed,
    OutOfScope,
    WrongDeployment,
)
from lineseal.schemas.model import Artifact, Kind
from lineseal.signing.envelope import pae, read_envelope, sign_envelope, strict_json
from lineseal.signing.files import locked_folder, replace_public
from lineseal.signing.keyring import Keyring
from lineseal.signing.signers import KeySigner

CONTAINMENT_PAYLOAD_TYPE: Final = "application/vnd.lineseal.containment.v1+json"
CONTAINMENT_ROLE: Final = "log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contained:
    """Hold one thing that must not be read, and why.

    Attributes:
        type: artifact, source, stage, producer, feedback_channel or supplier.
        reference: How people write it: a REF, or ``type:name``.
        name: The name, of anything but an artifact.
        action: freeze, hold or quarantine.
        reason: Why.
        ordered_by: Who ordered it.
        since: Event time of the order, microseconds UTC.
        event_id: The order.
        artifacts: Every artifact it means, as far as the store knows: one without version and
            digest means all versions.

    """

    type: str
    reference: str
    name: str | None
    action: str
    reason: str
    ordered_by: str
    since: int
    event_id: str
    artifacts: tuple[Artifact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainmentList:
    """Hold one list; *version* only grows, *at* is when it was signed, microseconds UTC."""

    deployment: str
    version: int
    at: int
    contained: tuple[Contained, ...]


def sign_containment_list(containment: ContainmentList, signer: KeySigner) -> bytes:
    """Sign a list as the bytes of a file.

    Raises:
        KeyUnusable: The signer cannot sign.

    """
    payload = {
        "deployment": containment.deployment,
        "version": containment.version,
        "at": containment.at,
        "contained": [_to_json(each) for each in containment.contained],
    }
    data = json.dumps(payload, ensure_ascii=True, separators=(",", ":")).encode()
    return sign_envelope(CONTAINMENT_PAYLOAD_TYPE, data, [signer])


def read_containment_list(
    data: bytes, keyring: Keyring, *, deployment: str, now: int
) -> ContainmentList:
    """Verify the bytes of a list, then decode them.

    Args:
        data: The file.
        keyring: The keys to trust.
        deployment: Whose list it must be.
        now: When its key has to be valid, microseconds UTC: a list is signed anew after a key
            was changed.

    Raises:
        ContractError: It is none, of another deployment, or not signed by a valid key with the
            role ``log``.

    """
    try:
        envelope = read_envelope(data)
    except ValueError as error:
        raise Malformed(f"this is no containment list: {error}") from error
    if envelope.payload_type != CONTAINMENT_PAYLOAD_TYPE or len(envelope.signatures) != 1:
        raise Malformed("this is no containment list: another payload type, or not one signature")
    (signature,) = envelope.signatures
    entry = keyring.entry(signature.keyid)
    if CONTAINMENT_ROLE not in entry.roles:
        raise OutOfScope(f"key {entry.keyid} has not the role {CONTAINMENT_ROLE}")
    if not entry.key.verifies(signature.sig, pae(envelope.payload_type, envelope.payload)):
        raise BadSignature(f"the list's signature does not verify under key {entry.keyid}")
    keyring.authorise(entry.keyid, producer=entry.producer, at=now)
    found = _decode(envelope.payload)
    if found.deployment != deployment:
        raise WrongDeployment(f"the list is of another deployment than {deployment!r}")
    return found


def install_containment_list(
    path: Path, data: bytes, keyring: Keyring, *, deployment: str, now: int
) -> ContainmentList:
    """Verify a list and put it at *path* in one step, unless a newer one is there.

    Raises:
        ContractError: As ``read_containment_list``.
        ContainmentRollback: The list there is newer, or another one of the same version.
        ConfigurationError: The folder cannot be written.

    """
    found = read_containment_list(data, keyring, deployment=deployment, now=now)
    with locked_folder(path.parent):
        present = present_version(path, keyring, deployment=deployment, now=now)
        if found.version < present:
            raise ContainmentRollback(
                f"the list has version {found.version}, older than {present} in {path}"
            )
        replace_public(path, data)
    return found


def present_version(path: Path, keyring: Keyring, *, deployment: str, now: int) -> int:
    """Return the version of the list at *path*; -1 when there is none that verifies."""
    try:
        data = path.read_bytes()
        return read_containment_list(data, keyring, deployment=deployment, now=now).version
    except (OSError, ContractError):
        return -1


def _to_json(each: Contained) -> dict[str, Any]:
    return {
        "type": each.type,
        "reference": each.reference,
        "name": each.name,
        "action": each.action,
        "reason": each.reason,
        "ordered_by": each.ordered_by,
        "since": each.since,
        "event_id": each.event_id,
        "artifacts": [
            [str(one.kind), one.namespace, one.name, one.version, one.digest]
            for one in each.artifacts
        ],
    }


def _decode(payload: bytes) -> ContainmentList:
    try:
        document = strict_json(payload)
        return ContainmentList(
            deployment=_text(document["deployment"]),
            version=_number(document["version"]),
            at=_number(document["at"]),
            contained=tuple(_contained(item) for item in document["contained"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Malformed(f"this is no containment list: {type(error).__name__}") from error


def _contained(item: Mapping[str, Any]) -> Contained:
    return Contained(
        type=_text(item["type"]),
        reference=_text(item["reference"]),
        name=_optional(item["name"]),
        action=_text(item["action"]),
        reason=_text(item["reason"]),
        ordered_by=_text(item["ordered_by"]),
        since=_number(item["since"]),
        event_id=_text(item["event_id"]),
        artifacts=tuple(_artifact(one) for one in item["artifacts"]),
    )


def _artifact(item: object) -> Artifact:
    kind, namespace, name, version, digest = cast("list[Any]", item)
    return Artifact(
        kind=Kind(_text(kind)),
        namespace=_text(namespace),
        name=_text(name),
        version=_optional(version),
        digest=_optional(digest),
    )


def _optional(value: Any) -> str | None:
    return None if value is None else _text(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is expected")
    return value


def _number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("a number from 0 is expected")
    return value
