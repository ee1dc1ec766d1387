"""A key speaks for its one producer, in its window, until it is revoked.

What is promised: windows include their start and exclude their end; revocation wins over the
window and reaches back to the compromise, not further; judging an old record at its own time
gives the old answer. Source: DESIGN 4.3; attacks A1, A8 to A11.

Evidence: one example for each answer and each edge.
"""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import pytest

from lineseal.schemas.errors import (
    ContractError,
    KeyExpired,
    KeyNotYetValid,
    KeyRevoked,
    KeyringError,
    KeyringRollback,
    OutOfScope,
    UnknownKey,
    WeakKey,
)
from lineseal.signing.keyring import KeyEntry

from .test_keys import ED25519_DER_PREFIX, weak_encodings
from .world import PRODUCER, ed25519_signer, entry_for, keyring_of, p256_signer

SIGNER = ed25519_signer()


def judged(at: int, **changes: int) -> KeyEntry:
    """Ask whether the key, with *changes* to its entry, may speak at *at*."""
    keyring = keyring_of(entry_for(SIGNER, **changes))
    return keyring.authorise(SIGNER.keyid, producer=PRODUCER, at=at)


def test_a_key_in_its_window_may_speak() -> None:
    """The entry comes back, at the first moment and at the last before the end."""
    window: dict[str, int] = {"not_before": 10, "not_after": 20}

    assert judged(10, **window) == entry_for(SIGNER, **window)
    assert judged(19, **window).producer == PRODUCER
    assert judged(10**18, not_before=10).not_after is None


@pytest.mark.parametrize(
    ("at", "changes", "error"),
    [
        (9, {"not_before": 10}, KeyNotYetValid),
        (20, {"not_after": 20}, KeyExpired),
        (20, {"revoked_at": 20}, KeyRevoked),
        (5, {"revoked_at": 5, "not_before": 10}, KeyRevoked),
        (30, {"revoked_at": 20, "not_after": 25}, KeyRevoked),
        (5, {"compromised_since": 5}, KeyRevoked),
    ],
)
def test_a_key_outside_its_window_may_not(
    at: int, changes: dict[str, int], error: type[ContractError]
) -> None:
    """Too early, too late, revoked, compromised; revocation is named first."""
    with pytest.raises(error) as caught:
        judged(at, **changes)

    assert type(caught.value) is error


def test_what_came_before_a_revocation_stays_trusted() -> None:
    """One microsecond before it, or before the compromise where one is known."""
    assert judged(19, revoked_at=20).revoked_at == 20
    assert judged(14, revoked_at=20, compromised_since=15).revoked_at == 20


def test_a_key_speaks_for_one_producer() -> None:
    """Another producer is out of scope, whatever the window says."""
    keyring = keyring_of(entry_for(SIGNER, not_before=10))

    with pytest.raises(OutOfScope):
        keyring.authorise(SIGNER.keyid, producer="other", at=5)


def test_a_key_that_nobody_enrolled_is_unknown() -> None:
    """Asked for its entry or its permission."""
    keyring = keyring_of()

    assert not keyring.knows(SIGNER.keyid)
    with pytest.raises(UnknownKey):
        keyring.entry(SIGNER.keyid)
    with pytest.raises(UnknownKey):
        keyring.authorise(SIGNER.keyid, producer=PRODUCER, at=1)


@pytest.mark.parametrize(
    ("changes", "at", "status"),
    [
        ({"not_before": 10}, 9, "not yet valid"),
        ({"not_before": 10}, 10, "active"),
        ({"not_after": 10}, 10, "expired"),
        ({"revoked_at": 10, "not_after": 10}, 10, "revoked"),
        ({"revoked_at": 10}, 9, "active"),
    ],
)
def test_a_status_is_what_authorise_would_say(
    changes: dict[str, int], at: int, status: str
) -> None:
    """In one word, for people."""
    assert entry_for(SIGNER, **changes).status(at) == status


def test_a_keyring_expires_without_losing_its_keys() -> None:
    """Expiry is told, not enforced; the end is excluded."""
    keyring = keyring_of(entry_for(SIGNER), expires=100)

    assert not keyring.expired(99)
    assert keyring.expired(100)
    assert keyring.authorise(SIGNER.keyid, producer=PRODUCER, at=200) == entry_for(SIGNER)


@pytest.mark.parametrize(
    "changes",
    [
        {"keyid": "ab" * 32},
        {"algorithm": "ecdsa-p256"},
        {"public": p256_signer().public.hex},
        {"public": "00"},
        {"roles": frozenset[str]()},
        {"roles": frozenset({"emit", "root"})},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_an_entry_must_describe_its_key(changes: dict[str, Any]) -> None:
    """Id, algorithm and key belong together, roles are known ones."""
    with pytest.raises(KeyringError):
        keyring_of(entry_for(SIGNER, **changes))


def test_a_weak_key_is_in_no_keyring() -> None:
    """Not even if the root keys signed it."""
    der = ED25519_DER_PREFIX + weak_encodings()[0]

    with pytest.raises(WeakKey):
        keyring_of(entry_for(SIGNER, public=der.hex()))


def test_a_key_is_in_a_keyring_once() -> None:
    """So it cannot speak for two producers."""
    entry = entry_for(SIGNER)

    with pytest.raises(KeyringError, match="twice"):
        keyring_of(entry, replace(entry, producer="other"))


def test_an_older_keyring_is_noticed() -> None:
    """A lower version, or the same version with another content."""
    keyring = replace(keyring_of(version=5), sha256="ab" * 32)

    keyring.require_at_least(5, "ab" * 32)
    keyring.require_at_least(3, "cd" * 32)
    with pytest.raises(KeyringRollback, match="version 5"):
        keyring.require_at_least(6)
    with pytest.raises(KeyringRollback, match="two different"):
        keyring.require_at_least(5, "cd" * 32)


def test_the_next_keyring_names_the_one_before() -> None:
    """One version more on top of another history is no successor."""
    keyring = replace(keyring_of(version=5), sha256="ab" * 32, prev_sha256="cd" * 32)

    keyring.require_at_least(4, "cd" * 32)
    with pytest.raises(KeyringRollback, match="does not follow"):
        keyring.require_at_least(4, "ef" * 32)
    with pytest.raises(KeyringRollback, match="does not follow"):
        replace(keyring, prev_sha256=None).require_at_least(4, "ef" * 32)


def test_a_keyring_takes_nothing_back() -> None:
    """No key is gone, and none is trusted longer than before, however far the version went."""
    entry = replace(entry_for(SIGNER), revoked_at=5, compromised_since=3)
    fates = keyring_of(entry).fates()

    keyring_of(entry).require_remembers(fates)
    keyring_of(replace(entry, compromised_since=2)).require_remembers(fates)
    with pytest.raises(KeyringRollback, match="is gone"):
        keyring_of().require_remembers(fates)
    changes: list[dict[str, Any]] = [
        {"revoked_at": None},
        {"revoked_at": 6},
        {"compromised_since": None},
        {"compromised_since": 4},
    ]
    for change in changes:
        with pytest.raises(KeyringRollback, match="trusted longer"):
            keyring_of(replace(entry, **change)).require_remembers(fates)


def test_a_keyring_can_go_to_another_process() -> None:
    """It survives pickling with its index."""
    keyring = keyring_of(entry_for(SIGNER))

    copy = pickle.loads(pickle.dumps(keyring))  # noqa: S301 - our own bytes

    assert copy == keyring
    assert copy.knows(SIGNER.keyid)


def test_between_compromise_and_revocation_records_are_visible_but_not_trusted() -> None:
    """They are accepted for people to see; the store marks them (ADR-0012)."""
    entry = judged(15, revoked_at=20, compromised_since=15)

    assert entry.status(15) == "revoked"
