"""Nobody enrols a key they do not hold, and no key gets more than its kind may have.

What is promised: a request is signed by its own key and good for one producer in one deployment
only; weak, known, revoked and root keys are refused; the role override belongs to people.
Source: DESIGN 4.3; attacks A8, A36.

Evidence: a good request of each kind, and one wrong request for every rule.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineseal.schemas.errors import KeyringError, WeakKey
from lineseal.signing.enrolment import (
    ENROLMENT_PAYLOAD_TYPE,
    EnrolmentRequest,
    admit,
    read_request,
    write_request,
)
from lineseal.signing.envelope import sign_envelope

from .test_keys import ED25519_DER_PREFIX, weak_encodings
from .world import DEPLOYMENT, PRODUCER, ed25519_signer, entry_for, keyring_of, p256_signer

SIGNER = ed25519_signer(5)
SERVICE = EnrolmentRequest(
    deployment=DEPLOYMENT,
    producer=PRODUCER,
    public=SIGNER.public,
    roles=frozenset({"emit"}),
    event_kinds=frozenset({"run", "registration"}),
)
PERSON = replace(
    SERVICE,
    producer="person:alice",
    actor="alice",
    roles=frozenset({"emit", "override"}),
    event_kinds=frozenset[str](),
)


@pytest.mark.parametrize("request_", [SERVICE, PERSON], ids=["service", "person"])
def test_a_request_becomes_what_it_asks_for(request_: EnrolmentRequest) -> None:
    """Written, read, admitted: the entry grants exactly that."""
    read = read_request(write_request(request_, SIGNER))

    admit(keyring_of(), read, at=3)
    entry = read.to_entry(not_before=3, not_after=4)

    assert read == request_
    assert entry == entry_for(
        SIGNER,
        producer=request_.producer,
        actor=request_.actor,
        roles=request_.roles,
        event_kinds=request_.event_kinds,
        not_before=3,
        not_after=4,
    )


def test_a_request_proves_possession() -> None:
    """Signed by any other key, also by one of the same kind, it is refused."""
    with pytest.raises(KeyringError, match="not signed by the key"):
        read_request(write_request(SERVICE, ed25519_signer(6)))
    with pytest.raises(KeyringError, match="not signed by the key"):
        read_request(write_request(SERVICE, p256_signer()))


@pytest.mark.parametrize("raw", weak_encodings(), ids=bytes.hex)
def test_a_weak_key_is_refused(raw: bytes) -> None:
    """All fourteen, whoever signs for them."""
    document = _document() | {"public": (ED25519_DER_PREFIX + raw).hex()}

    with pytest.raises(WeakKey):
        read_request(_signed(document))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"roles": frozenset[str]()}, "needs roles"),
        ({"roles": frozenset({"root"})}, "needs roles"),
        ({"roles": frozenset({"emit", "override"})}, "belongs to a person"),
        ({"event_kinds": frozenset({"gossip"})}, "no event kind 'gossip'"),
        ({"producer": "person:alice"}, "needs the person"),
        ({"actor": "alice"}, "has the producer 'person:alice'"),
        ({"actor": "alice", "producer": "person:bob"}, "has the producer 'person:alice'"),
        ({"producer": "a\u200bb"}, "U\\+200B"),
        ({"deployment": ""}, "deployment is empty"),
        ({"actor": " "}, "actor is empty"),
    ],
)
def test_a_request_for_too_much_is_refused(changes: dict[str, Any], message: str) -> None:
    """When it is written and, since others may write it, when it is read."""
    wrong = replace(SERVICE, **changes)
    document = _document(wrong)

    with pytest.raises(KeyringError, match=message):
        write_request(wrong, SIGNER)
    with pytest.raises(KeyringError, match=message):
        read_request(_signed(document))


def test_a_key_is_enrolled_once_and_for_one_producer() -> None:
    """Neither again, nor for another producer, nor after its revocation."""
    for changes, message in (
        ({}, "enrolled for"),
        ({"revoked_at": 1}, "enrolled for"),
        ({"producer": "another"}, "one producer only"),
    ):
        keyring = keyring_of(entry_for(SIGNER, **changes))
        with pytest.raises(KeyringError, match=message):
            admit(keyring, SERVICE, at=3)


def test_a_request_is_good_for_one_deployment() -> None:
    """It cannot be carried over to another keyring."""
    with pytest.raises(KeyringError, match="'elsewhere'"):
        admit(keyring_of(deployment="elsewhere"), SERVICE, at=3)


def test_a_root_key_never_seals() -> None:
    """It would no longer be offline."""
    with pytest.raises(KeyringError, match="root key"):
        admit(keyring_of(roots=(SIGNER.public,)), SERVICE, at=3)


@pytest.mark.parametrize("request_", [SERVICE, PERSON], ids=["service", "person"])
def test_a_second_active_key_has_to_be_asked_for(request_: EnrolmentRequest) -> None:
    """Whoever holds it speaks as the producer; the refusal names the key there is."""
    other = entry_for(
        ed25519_signer(6), producer=request_.producer, actor=request_.actor, not_before=0
    )
    keyring = keyring_of(other)

    with pytest.raises(KeyringError, match=f"{other.keyid}.*--additional"):
        admit(keyring, request_, at=3)
    with pytest.raises(KeyringError, match="active key"):
        admit(keyring_of(replace(other, not_before=4)), request_, at=3)

    admit(keyring, request_, at=3, additional=True)


@pytest.mark.parametrize("end", ["not_after", "revoked_at", "compromised_since"])
def test_a_key_that_counts_no_more_is_in_nobodys_way(end: str) -> None:
    """A producer that lost its key gets another."""
    changes: dict[str, Any] = {end: 3}
    ended = replace(entry_for(ed25519_signer(6), not_before=0), **changes)

    admit(keyring_of(ended), SERVICE, at=3)


def _document(request: EnrolmentRequest = SERVICE) -> dict[str, Any]:
    return {
        "format": 1,
        "deployment": request.deployment,
        "producer": request.producer,
        "public": request.public.hex,
        "roles": sorted(request.roles),
        "event_kinds": sorted(request.event_kinds),
        "actor": request.actor,
    }


def _signed(document: dict[str, Any], payload_type: str = ENROLMENT_PAYLOAD_TYPE) -> bytes:
    return sign_envelope(payload_type, json.dumps(document).encode(), [SIGNER])


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"deployment": None},
        {"producer": 7},
        {"public": 7},
        {"public": "00"},
        {"roles": 7},
        {"roles": [7]},
        {"roles": [[]]},
        {"event_kinds": None},
        {"actor": 7},
    ],
    ids=str,
)
def test_a_damaged_request_is_refused(changes: dict[str, Any]) -> None:
    """Signed or not: a clear error, never another exception."""
    with pytest.raises(KeyringError):
        read_request(_signed(_document() | changes))


def test_an_envelope_of_something_else_is_no_request() -> None:
    """A field is missing, or it is an envelope of another type."""
    document = _document()
    with pytest.raises(KeyringError, match="not an enrolment request"):
        read_request(_signed(document, "application/json"))
    del document["roles"]

    with pytest.raises(KeyringError, match="damaged"):
        read_request(_signed(document))


@given(st.binary(max_size=200))
def test_random_bytes_are_no_request(data: bytes) -> None:
    """Only KeyringError leaves the reader."""
    with pytest.raises(KeyringError):
        read_request(data)
