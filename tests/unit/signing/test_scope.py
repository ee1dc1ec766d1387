"""A key says only what it may, and proves only who it is bound to.

What is promised: an event outside its key's scope is refused; an actor is proven only by their
own key, and a human decision only by the key of the person it names. Source: DESIGN 4.1, 4.3.
"""

from __future__ import annotations

from typing import Any

import pytest

from lineseal.schemas.errors import OutOfScope
from lineseal.schemas.model import DECIDED_BY
from lineseal.signing.keyring import KeyEntry
from lineseal.signing.verify import VerifiedBatch, check_event_scope

from .world import PRODUCER, ed25519_signer, entry_for, keyring_of, sealed, verify

SIGNER = ed25519_signer()

PERSON = {"actor": "alice", "roles": frozenset({"emit", "override"}), "producer": "person:alice"}


def record_of(
    producer: str = PRODUCER,
    origin: str = "emitter",
    actor: tuple[str, str] = ("service", PRODUCER),
    decided_by: str = "alice",
) -> dict[str, Any]:
    """Return the part of an event record that scope is judged by."""
    return {
        "producer": producer,
        "origin": origin,
        "actor": {"kind": actor[0], "id": actor[1]},
        "body": {body: {field: decided_by} for body, field in DECIDED_BY.items()},
    }


def batch_by(**changes: Any) -> VerifiedBatch:
    """Return a verified batch of a key whose entry has these *changes*."""
    entry: KeyEntry = entry_for(SIGNER, **changes)
    return verify(sealed(producer=entry.producer), keyring_of(entry), log_key=entry.producer)


@pytest.mark.parametrize(
    ("changes", "record", "proven"),
    [
        ({}, record_of(), True),
        ({}, record_of(actor=("system", PRODUCER)), True),
        ({}, record_of(actor=("service", "another")), False),
        ({}, record_of(actor=("human", "alice")), False),
        (PERSON, record_of("person:alice", actor=("human", "alice")), True),
        (PERSON, record_of("person:alice", actor=("human", "bob")), False),
        (PERSON, record_of("person:alice", actor=("service", "alice")), False),
        (
            PERSON | {"roles": frozenset({"emit"})},
            record_of("person:alice", actor=("human", "alice")),
            False,
        ),
        ({"actor": None}, record_of(actor=("human", PRODUCER)), False),
    ],
)
def test_an_actor_is_proven_only_by_their_own_key(
    changes: dict[str, Any], record: dict[str, Any], proven: bool
) -> None:
    """A person by an override key bound to them, a service by being the producer."""
    assert check_event_scope(batch_by(**changes), "run", record) is proven


@pytest.mark.parametrize("body", sorted(DECIDED_BY))
@pytest.mark.parametrize(
    ("changes", "record", "proven"),
    [
        (PERSON, record_of("person:alice", actor=("human", "alice")), True),
        (PERSON, record_of("person:alice", actor=("human", "alice"), decided_by="bob"), False),
        ({}, record_of(), False),
        ({}, record_of(decided_by=PRODUCER), False),
        ({}, record_of(actor=("human", "alice")), False),
    ],
)
def test_a_decision_is_proven_only_by_the_key_of_who_decided(
    changes: dict[str, Any], record: dict[str, Any], proven: bool, body: str
) -> None:
    """A service cannot decide for alice, and alice cannot decide for bob."""
    assert check_event_scope(batch_by(**changes), body, record) is proven


@pytest.mark.parametrize(
    ("changes", "body", "record"),
    [
        ({}, "run", record_of("another")),
        ({"event_kinds": frozenset({"verdict", "access"})}, "run", record_of()),
        ({}, "run", record_of(origin="gateway")),
        ({"roles": frozenset({"gateway"})}, "run", record_of()),
        ({"roles": frozenset({"override"})}, "run", record_of()),
        ({"roles": frozenset({"override"})}, "approval", record_of(origin="gateway")),
    ],
)
def test_an_event_outside_the_keys_scope_is_refused(
    changes: dict[str, Any], body: str, record: dict[str, Any]
) -> None:
    """Another producer, another kind, an origin that the roles do not allow."""
    with pytest.raises(OutOfScope):
        check_event_scope(batch_by(**changes), body, record)


@pytest.mark.parametrize(
    ("changes", "body", "origin"),
    [
        ({"event_kinds": frozenset({"run"})}, "run", "emitter"),
        ({}, "run", "import"),
        ({"roles": frozenset({"gateway"})}, "run", "gateway"),
        ({"roles": frozenset({"gateway"})}, "run", "import"),
        ({"roles": frozenset({"override"})}, "approval", "emitter"),
        ({"roles": frozenset({"override"})}, "containment", "emitter"),
    ],
)
def test_an_event_inside_the_keys_scope_is_accepted(
    changes: dict[str, Any], body: str, origin: str
) -> None:
    """The kinds and origins that go with each role."""
    check_event_scope(batch_by(**changes), body, record_of(origin=origin))
