"""Checkpoints are C2SP signed notes, and only a key with the role log makes one.

The vector is the one of C2SP signed-note.md; Go's own library reads ours in
``tests/integration/evidence``.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from pathlib import Path

import pytest

from lineseal.schemas.errors import CheckpointInvalid
from lineseal.signing.checkpoint import (
    Checkpoint,
    find_notes,
    log_origin,
    read_checkpoint,
    sign_checkpoint,
    verifier_key,
)
from lineseal.signing.keyring import KeyEntry, Keyring
from lineseal.signing.signers import KeySigner, generate_key

ORIGIN = log_origin("my lab", "0011223344556677")
CHECKPOINT = Checkpoint(ORIGIN, 12, bytes(range(32)))


@pytest.fixture
def signer(tmp_path: Path) -> KeySigner:
    """Make a key."""
    return generate_key(tmp_path / "log.pem")


def keyring(signer: KeySigner, role: str = "log") -> Keyring:
    """Enrol the key of *signer* for *role*."""
    entry = KeyEntry(
        keyid=signer.keyid,
        algorithm=signer.public.algorithm,
        public=signer.public.hex,
        producer="materialiser",
        roles=frozenset({role}),
    )
    return Keyring(version=1, expires=0, deployment="my lab", entries=(entry,))


def test_the_text_is_three_lines_and_the_note_verifies(signer: KeySigner) -> None:
    """Origin, size, root; a blank; one signature line under the origin as name."""
    note = sign_checkpoint(CHECKPOINT, signer)
    found = read_checkpoint(note, keyring(signer))

    assert ORIGIN == "my%20lab/lineseal/0011223344556677"
    assert note.splitlines()[:4] == [
        ORIGIN,
        "12",
        base64.b64encode(CHECKPOINT.root).decode(),
        "",
    ]
    assert note.splitlines()[4].startswith(f"\u2014 {ORIGIN} ")
    assert (found.checkpoint, found.keyid, found.note) == (CHECKPOINT, signer.keyid, note)


def test_the_key_is_written_as_other_tools_take_it(signer: KeySigner) -> None:
    """Name, four bytes of hash, type and key: the hash is that of the signature line."""
    name, key_hash, key = verifier_key(ORIGIN, signer.public).split("+", 2)
    note = sign_checkpoint(CHECKPOINT, signer)
    signature = base64.b64decode(note.rstrip().rsplit(" ", 1)[1])

    assert name == ORIGIN
    assert base64.b64decode(key)[0] == 1
    assert signature[:4].hex() == key_hash


def test_a_key_for_anything_else_signs_no_checkpoint(signer: KeySigner) -> None:
    """A producer's key does not vouch for the store."""
    with pytest.raises(CheckpointInvalid, match="no key with the role log"):
        read_checkpoint(sign_checkpoint(CHECKPOINT, signer), keyring(signer, "emit"))


@pytest.mark.parametrize("size", [0, 11, 13, 10**18])
def test_another_size_is_not_what_was_signed(signer: KeySigner, size: int) -> None:
    """Nor another root, nor another origin."""
    note = sign_checkpoint(CHECKPOINT, signer)
    others = [
        dataclasses.replace(CHECKPOINT, size=size),
        dataclasses.replace(CHECKPOINT, root=bytes(32)),
        dataclasses.replace(CHECKPOINT, origin="other"),
    ]
    for other in others:
        forged = note.replace(CHECKPOINT.to_text(), other.to_text())
        with pytest.raises(CheckpointInvalid):
            read_checkpoint(forged, keyring(signer))


@pytest.mark.parametrize("damage", ["", "x", "{}", "a\n1\nbad\n\n\u2014 a b\n", "\n" * 70_000])
def test_what_is_no_note_is_said_to_be_none(signer: KeySigner, damage: str) -> None:
    """Whatever stands there."""
    with pytest.raises(CheckpointInvalid):
        read_checkpoint(damage, keyring(signer))


def test_signatures_of_others_are_ignored(signer: KeySigner) -> None:
    """A witness may add its line, before or after ours."""
    note = sign_checkpoint(CHECKPOINT, signer)
    text, ours = note.split("\n\n")
    witness = "\u2014 witness.example AAAA\n"

    for lines in (witness + ours, ours + witness):
        assert read_checkpoint(f"{text}\n\n{lines}", keyring(signer)).checkpoint == CHECKPOINT


def test_notes_are_found_wherever_they_were_put(signer: KeySigner) -> None:
    """In a file of notes, in JSON lines at any depth, between other things."""
    note = sign_checkpoint(CHECKPOINT, signer)
    other = sign_checkpoint(dataclasses.replace(CHECKPOINT, size=13), signer)
    as_json = json.dumps({"a": [{"b": note}], "c": 1})

    assert list(find_notes(f"{note}\n{other}")) == [note, other]
    assert list(find_notes(f"{as_json}\nnoise\n")) == [note]
    assert list(find_notes(f"{note}\n{as_json[:40]}\n")) == [note]
