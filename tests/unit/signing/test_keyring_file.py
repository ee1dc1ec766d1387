"""Only the pinned root keys make a keyring, and its versions only go up.

What is promised: a keyring file counts when enough different pinned root keys signed exactly its
bytes; every other file is refused with one clear error; a new version follows the one on disk;
a reader never sees half a file. Source: DESIGN 4.3; attack A10.

Evidence: files signed by too few, by the wrong ones, twice by the same; changed bytes; signed
payloads of every wrong shape.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineseal.schemas.errors import ConfigurationError, KeyringError, KeyringRollback
from lineseal.signing.envelope import sign_envelope
from lineseal.signing.keyring import KeyEntry, Keyring
from lineseal.signing.keyring_file import (
    KEYRING_PAYLOAD_TYPE,
    load_keyring,
    parse_keyring,
    successor,
    write_keyring,
)
from lineseal.signing.keys import PublicKey

from .world import NOW, ed25519_signer, entry_for, keyring_of, p256_signer

ROOTS = [ed25519_signer(101), ed25519_signer(102), ed25519_signer(103)]
ROOT_IDS = [root.keyid for root in ROOTS]
ENTRIES = (
    entry_for(ed25519_signer(), not_before=5, not_after=10, event_kinds=frozenset({"run"})),
    entry_for(
        p256_signer(),
        producer="person:alice",
        actor="alice",
        roles=frozenset({"emit", "override"}),
        revoked_at=9,
        compromised_since=8,
        expected_every=60_000_000,
        revoked_reason="lost laptop",
    ),
)


def first_keyring() -> Keyring:
    """Return a first version that three roots may sign."""
    return keyring_of(*ENTRIES, roots=tuple(root.public for root in ROOTS))


def payload_of(path: Path) -> bytes:
    """Return the signed bytes in a keyring file."""
    return base64.b64decode(json.loads(path.read_bytes())["payload"])


def test_a_keyring_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """All fields of all entries, and the hash of its payload."""
    path = tmp_path / "keyring.json"

    written = write_keyring(path, first_keyring(), ROOTS[:1])
    loaded = load_keyring(path, roots=ROOT_IDS, threshold=1)

    assert loaded == written
    assert loaded == replace(first_keyring(), sha256=hashlib.sha256(payload_of(path)).hexdigest())
    assert path.stat().st_mode & 0o777 == 0o644
    assert [item.name for item in tmp_path.iterdir()] == ["keyring.json"]


def test_a_threshold_counts_different_pinned_roots(tmp_path: Path) -> None:
    """Two of three are needed: two sign, one is not enough, the same twice is not enough."""
    path = tmp_path / "keyring.json"
    write_keyring(path, first_keyring(), ROOTS[:2], threshold=2)
    twice = sign_envelope(KEYRING_PAYLOAD_TYPE, payload_of(path), [ROOTS[0], ROOTS[0]])

    assert load_keyring(path, roots=ROOT_IDS, threshold=2).version == 1
    with pytest.raises(KeyringError, match="signed by 2 of"):
        load_keyring(path, roots=ROOT_IDS, threshold=3)
    with pytest.raises(KeyringError, match="signed by 1 of"):
        load_keyring(path, roots=ROOT_IDS[1:], threshold=2)
    with pytest.raises(KeyringError, match="signed by 1 of"):
        parse_keyring(twice, roots=ROOT_IDS, threshold=2)


def test_a_root_that_is_not_pinned_counts_for_nothing(tmp_path: Path) -> None:
    """An attacker's keyring names the attacker's root; only the configuration pins."""
    path = tmp_path / "keyring.json"
    mallory = ed25519_signer(66)
    write_keyring(path, keyring_of(roots=(mallory.public,)), [mallory])

    with pytest.raises(KeyringError, match="signed by 0 of"):
        load_keyring(path, roots=ROOT_IDS, threshold=1)


@pytest.mark.parametrize(("roots", "threshold"), [([], 1), (ROOT_IDS, 0), (ROOT_IDS[:1] * 2, 2)])
def test_a_configuration_that_trusts_nobody_is_refused(
    tmp_path: Path, roots: list[str], threshold: int
) -> None:
    """No roots, no threshold, or more signatures than there are roots."""
    write_keyring(tmp_path / "k.json", first_keyring(), ROOTS)

    with pytest.raises(KeyringError, match="pins"):
        load_keyring(tmp_path / "k.json", roots=roots, threshold=threshold)


@given(st.data())
def test_any_changed_byte_is_refused_or_means_the_same(data: st.DataObject) -> None:
    """What loads from a changed file is what the roots signed."""
    payload = SIGNED["payload"]
    place = data.draw(st.integers(0, len(payload) - 1))
    byte = data.draw(st.sampled_from("ABab01+/=}{"))
    document = json.dumps(SIGNED | {"payload": payload[:place] + byte + payload[place + 1 :]})

    try:
        keyring = parse_keyring(document.encode(), roots=ROOT_IDS, threshold=1)
    except KeyringError:
        return
    assert keyring == SIGNED_KEYRING


def _signed() -> tuple[dict[str, Any], Keyring]:
    document = {
        "format": 1,
        "version": 1,
        "expires": NOW,
        "deployment": "d",
        "prev_sha256": None,
        "roots": [root.public.hex for root in ROOTS],
        "entries": [],
    }
    data = sign_envelope(KEYRING_PAYLOAD_TYPE, json.dumps(document).encode(), ROOTS[:1])
    return json.loads(data), parse_keyring(data, roots=ROOT_IDS, threshold=1)


SIGNED, SIGNED_KEYRING = _signed()


def _without(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.pop(name) and None


def _with(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.update(values)


def _entry(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["entries"][0].update(values)


@pytest.mark.parametrize(
    "damage",
    [
        _without("version"),
        _without("roots"),
        _with(more=1),
        _with(format=2),
        _with(version=0),
        _with(version=True),
        _with(version="1"),
        _with(expires=None),
        _with(deployment=7),
        _with(roots=7),
        _with(roots=[7]),
        _with(roots=["00"]),
        _with(entries=7),
        _with(entries=[7]),
        _with(entries=[{}]),
        _entry(more=1),
        _entry(roles="emit"),
        _entry(roles=[7]),
        _entry(roles=[["emit"]]),
        _entry(roles=["root"]),
        _entry(event_kinds=[7]),
        _entry(not_before=None),
        _entry(not_before=True),
        _entry(not_after="1"),
        _entry(actor=7),
        _entry(expected=1),
        _entry(algorithm="ecdsa-p256"),
    ],
)
def test_a_signed_payload_of_another_shape_is_refused(
    tmp_path: Path, damage: Callable[[dict[str, Any]], None]
) -> None:
    """Root keys sign by mistake too: a clear error, never another exception."""
    path = tmp_path / "keyring.json"
    write_keyring(path, first_keyring(), ROOTS[:1])
    document = json.loads(payload_of(path))
    damage(document)
    data = sign_envelope(KEYRING_PAYLOAD_TYPE, json.dumps(document).encode(), ROOTS[:1])

    with pytest.raises(KeyringError):
        parse_keyring(data, roots=ROOT_IDS, threshold=1)


def test_an_envelope_of_something_else_is_no_keyring() -> None:
    """The payload type is signed and must be that of a keyring."""
    payload = base64.b64decode(SIGNED["payload"])

    with pytest.raises(KeyringError, match="not of a keyring"):
        parse_keyring(
            sign_envelope("application/json", payload, ROOTS), roots=ROOT_IDS, threshold=1
        )


@pytest.mark.parametrize("data", [b"", b"{}", b"\x00\xff", b"[]"])
def test_a_damaged_file_is_refused(tmp_path: Path, data: bytes) -> None:
    """Whatever lies at the path."""
    path = tmp_path / "keyring.json"
    path.write_bytes(data)

    with pytest.raises(KeyringError, match="damaged"):
        load_keyring(path, roots=ROOT_IDS, threshold=1)


def test_a_missing_or_unreadable_file_is_named(tmp_path: Path) -> None:
    """The message says what to run."""
    with pytest.raises(KeyringError, match="lineseal init"):
        load_keyring(tmp_path / "absent.json", roots=ROOT_IDS, threshold=1)
    with pytest.raises(KeyringError, match="cannot read"):
        load_keyring(tmp_path, roots=ROOT_IDS, threshold=1)


def test_an_expired_keyring_still_loads(tmp_path: Path) -> None:
    """Evidence is not dropped because somebody forgot to sign."""
    path = tmp_path / "keyring.json"
    write_keyring(path, replace(first_keyring(), expires=1), ROOTS[:1])

    assert load_keyring(path, roots=ROOT_IDS, threshold=1).expired(NOW)


def test_a_version_follows_the_one_on_disk(tmp_path: Path) -> None:
    """One more than before, and it names the payload before it."""
    path = tmp_path / "keyring.json"
    first = write_keyring(path, first_keyring(), ROOTS[:1])
    entry = entry_for(ed25519_signer(7), producer="another")

    second = write_keyring(path, successor(first, (entry,), expires=NOW), ROOTS[:1])

    assert (second.version, second.prev_sha256) == (2, first.sha256)
    assert second.entries == (entry,)
    assert load_keyring(path, roots=ROOT_IDS, threshold=1) == second


def test_a_version_that_does_not_follow_is_refused(tmp_path: Path) -> None:
    """Written from an old copy, it would take back what happened since."""
    path = tmp_path / "keyring.json"
    entries: tuple[KeyEntry, ...] = ()
    with pytest.raises(KeyringRollback):
        write_keyring(path, replace(first_keyring(), version=2), ROOTS)
    first = write_keyring(path, first_keyring(), ROOTS[:1])
    second = write_keyring(path, successor(first, entries, expires=NOW), ROOTS[:1])

    for stale in (
        first,
        successor(first, entries, expires=NOW),
        replace(successor(second, entries, expires=NOW), version=4),
        replace(successor(second, entries, expires=NOW), prev_sha256=first.sha256),
    ):
        with pytest.raises(KeyringRollback):
            write_keyring(path, stale, ROOTS[:1])

    assert load_keyring(path, roots=ROOT_IDS, threshold=1) == second


def test_a_keyring_that_nobody_could_read_is_not_written(tmp_path: Path) -> None:
    """Too few signatures, or a signer that is no root of it."""
    path = tmp_path / "keyring.json"

    with pytest.raises(KeyringError):
        write_keyring(path, first_keyring(), ROOTS[:1], threshold=2)
    with pytest.raises(KeyringError):
        write_keyring(path, first_keyring(), [ed25519_signer(66)])

    assert not path.exists()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """Not a traceback of mkstemp()."""
    with pytest.raises(ConfigurationError, match="cannot write"):
        write_keyring(tmp_path / "no" / "keyring.json", first_keyring(), ROOTS)


def test_roots_may_use_either_algorithm(tmp_path: Path) -> None:
    """A root key in a KMS is P-256."""
    root = p256_signer()
    keys: tuple[PublicKey, ...] = (root.public,)

    write_keyring(tmp_path / "k.json", keyring_of(roots=keys), [root])

    assert load_keyring(tmp_path / "k.json", roots=[root.keyid], threshold=1).roots == keys
