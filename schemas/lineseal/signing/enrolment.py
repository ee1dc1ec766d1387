"""Gets a key into the keyring: a request that proves possession, and the rules for admitting it.

A request is a DSSE JSON envelope signed by the very key it is about, so nobody can enrol a key
they do not hold; it names deployment and producer, so it is good for nothing else. Admission
refuses weak keys, a second active key for a producer unless it is asked for (whoever holds it
speaks as the producer), a key that is known already (one key speaks for one producer only, and a
revoked key never comes back), root keys, and the role ``override`` for anything but a person.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from lineseal.schemas.errors import BadIdentifier, KeyringError
from lineseal.schemas.guard import check_identifier
from lineseal.schemas.model import BODY_FIELDS
from lineseal.signing.envelope import pae, read_envelope, sign_envelope, strict_json
from lineseal.signing.keyring import ROLES, KeyEntry, Keyring
from lineseal.signing.keys import PublicKey, public_key_from_hex
from lineseal.signing.signers import KeySigner

ENROLMENT_PAYLOAD_TYPE: Final = "application/vnd.lineseal.enrolment.v1+json"
ENROLMENT_FORMAT: Final = 1
PERSON_PREFIX: Final = "person:"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentRequest:
    """Ask that a key may speak for a producer.

    Attributes:
        deployment: The deployment whose keyring it is meant for.
        producer: The producer; ``person:NAME`` for a person.
        public: The key.
        roles: Roles asked for.
        event_kinds: Body names asked for; empty means all.
        actor: The person it belongs to, or None for a service.

    """

    deployment: str
    producer: str
    public: PublicKey
    roles: frozenset[str]
    event_kinds: frozenset[str] = frozenset()
    actor: str | None = None

    def to_entry(self, *, not_before: int, not_after: int | None = None) -> KeyEntry:
        """Return the keyring entry that grants the request from *not_before* (microseconds)."""
        return KeyEntry(
            keyid=self.public.keyid,
            algorithm=self.public.algorithm,
            public=self.public.hex,
            producer=self.producer,
            roles=self.roles,
            event_kinds=self.event_kinds,
            actor=self.actor,
            not_before=not_before,
            not_after=not_after,
        )


def write_request(request: EnrolmentRequest, signer: KeySigner) -> bytes:
    """Render a request as the JSON text of a DSSE envelope signed by its own key.

    Raises:
        KeyringError: The request asks for what no request may ask.
        KeyUnusable: The signer failed.

    """
    _check_request(request)
    document = {
        "format": ENROLMENT_FORMAT,
        "deployment": request.deployment,
        "producer": request.producer,
        "public": request.public.hex,
        "roles": sorted(request.roles),
        "event_kinds": sorted(request.event_kinds),
        "actor": request.actor,
    }
    payload = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    return sign_envelope(ENROLMENT_PAYLOAD_TYPE, payload, [signer])


def read_request(data: bytes) -> EnrolmentRequest:
    """Read a request and check its proof of possession.

    Raises:
        WeakKey: The key is one of the weak ones.
        KeyringError: It is damaged, not signed by its own key, or asks for what no request may.

    """
    try:
        envelope = read_envelope(data)
        if envelope.payload_type != ENROLMENT_PAYLOAD_TYPE:
            raise KeyringError("the file is a signed envelope, but not an enrolment request")
        request = _from_document(strict_json(envelope.payload))
    except (KeyError, TypeError, ValueError) as error:
        raise KeyringError(f"the enrolment request is damaged: {error!r}") from error
    message = pae(envelope.payload_type, envelope.payload)
    if not any(request.public.verifies(item.sig, message) for item in envelope.signatures):
        raise KeyringError("the enrolment request is not signed by the key it is about")
    _check_request(request)
    return request


def admit(
    keyring: Keyring, request: EnrolmentRequest, *, at: int, additional: bool = False
) -> None:
    """Check that *request* may be granted in *keyring*.

    Args:
        keyring: The newest keyring.
        request: What is asked for.
        at: The moment it would be granted, microseconds UTC.
        additional: Grant it although the producer has an active key.

    Raises:
        KeyringError: It is meant for another deployment, its key is in the keyring already or
            is a root key, or the producer has an active key.

    """
    keyid = request.public.keyid
    if request.deployment != keyring.deployment:
        raise KeyringError(
            f"the request is for the deployment {request.deployment!r}, "
            f"this keyring is of {keyring.deployment!r}"
        )
    if any(keyid == root.keyid for root in keyring.roots):
        raise KeyringError(f"key {keyid} is a root key; it must not seal events")
    if keyring.knows(keyid):
        holder = keyring.entry(keyid).producer
        if holder == request.producer:
            raise KeyringError(f"key {keyid} is enrolled for {holder!r} already")
        raise KeyringError(
            f"key {keyid} speaks for {holder!r}; one key speaks for one producer only"
        )
    if not additional:
        _check_only_key(keyring, request.producer, at)


def _check_only_key(keyring: Keyring, producer: str, at: int) -> None:
    for entry in keyring.entries:
        if entry.producer == producer and entry.status(at) in ("active", "not yet valid"):
            name = producer.removeprefix(PERSON_PREFIX)
            person = " --person" if name != producer else ""
            raise KeyringError(
                f"{producer!r} has the active key {entry.keyid}; 'lineseal keys rotate "
                f"{name}{person}' replaces it, and --additional lets both count"
            )


def _check_request(request: EnrolmentRequest) -> None:
    try:
        check_identifier(request.producer, "producer")
        check_identifier(request.deployment, "deployment")
        if request.actor is not None:
            check_identifier(request.actor, "actor")
    except BadIdentifier as error:
        raise KeyringError(str(error)) from error
    if not request.roles or not request.roles <= ROLES:
        raise KeyringError(f"a key needs roles out of {', '.join(sorted(ROLES))}")
    unknown = request.event_kinds - set(BODY_FIELDS)
    if unknown:
        raise KeyringError(f"no event kind {min(unknown)!r}; there are {', '.join(BODY_FIELDS)}")
    person = None if request.actor is None else PERSON_PREFIX + request.actor
    if request.producer.startswith(PERSON_PREFIX) and person is None:
        raise KeyringError(f"the producer {request.producer!r} needs the person as its actor")
    if person not in (None, request.producer):
        raise KeyringError(f"a key of {request.actor!r} has the producer {person!r}")
    if "override" in request.roles and person is None:
        raise KeyringError("the role override belongs to a person's key; use --person")


def _from_document(document: dict[str, Any]) -> EnrolmentRequest:
    if document["format"] != ENROLMENT_FORMAT:
        raise ValueError("unknown format")
    actor = document["actor"]
    return EnrolmentRequest(
        deployment=_text(document["deployment"]),
        producer=_text(document["producer"]),
        public=public_key_from_hex(_text(document["public"])),
        roles=frozenset(_text(item) for item in document["roles"]),
        event_kinds=frozenset(_text(item) for item in document["event_kinds"]),
        actor=None if actor is None else _text(actor),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is expected")
    return value
