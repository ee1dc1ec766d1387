"""Says, under signature, what a log was: its size and root as a C2SP checkpoint.

A checkpoint is a signed note of three lines: origin, number of entries, root. The origin names
deployment and log, and is the name under which the key signs; only Ed25519 keys can. Any tool
that knows the format verifies it (Go's ``sumdb/note``, say) with the line ``verifier_key`` gives.

Source: C2SP tlog-checkpoint and signed-note.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import quote

from cryptography.hazmat.primitives.serialization import load_der_public_key

from lineseal.schemas.errors import CheckpointInvalid, KeyUnusable
from lineseal.signing.keyring import KeyEntry, Keyring
from lineseal.signing.keys import ED25519, PublicKey
from lineseal.signing.signers import KeySigner

LOG_ROLE: Final = "log"
MAX_NOTE_BYTES: Final = 64 * 1024
_ED25519_TYPE = b"\1"
_HASH_BYTES = 32
_KEY_HASH_BYTES = 4
_SIGNATURE = "\u2014 "
_REST = (
    r"\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>[A-Za-z0-9+/=]{44})\n)\n"
    r"(?P<signatures>(?:\u2014 [^\s+]+ [A-Za-z0-9+/=]+\n)+)"
)
_NOTE = re.compile(rf"(?P<text>(?P<origin>[^\s+]+){_REST}")
_FOUND = re.compile(rf"(?P<text>(?P<origin>[^\s+=]+){_REST}")
"""Behind ``cs6=``, too: our origins hold no ``=``, see ``origin_of``."""
_ESCAPED = re.compile(r'\\+(u2014|u000a|n|[/=])|"')
_PLAIN = {"u2014": "\u2014", "/": "/", "=": "="}
"""How JSON, CEF and our own records for a SIEM write what a note is made of; else a line ends."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Say that the log *origin* had *size* entries under *root* (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def to_text(self) -> str:
        """Return the text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """Hold a verified checkpoint, its whole note and the key id (64 hex) that signed it."""

    checkpoint: Checkpoint
    note: str
    keyid: str


def log_origin(deployment: str, log_id: str) -> str:
    """Name the log *log_id* of a deployment, as C2SP wants it: like a URL without scheme."""
    return f"{quote(deployment, safe='')}/lineseal/{log_id}"


def sign_checkpoint(checkpoint: Checkpoint, signer: KeySigner) -> str:
    """Sign *checkpoint* and return the note.

    Raises:
        KeyUnusable: The key is not Ed25519, or cannot sign.

    """
    text = checkpoint.to_text()
    key_hash = _key_hash(checkpoint.origin, signer.public)
    signature = base64.b64encode(key_hash + signer.sign(text.encode())).decode()
    return f"{text}\n{_SIGNATURE}{checkpoint.origin} {signature}\n"


def read_checkpoint(note: str, keyring: Keyring) -> SignedCheckpoint:
    """Verify a note under the keys of *keyring* that have the role ``log``.

    A revoked or expired key counts: what it signed has to fit what the log says today, whoever
    used it. Signatures of others (witnesses) are ignored.

    Raises:
        CheckpointInvalid: It is none, or no such key signed it.

    """
    match = None if len(note) > MAX_NOTE_BYTES else _NOTE.fullmatch(note)
    if match is None:
        raise CheckpointInvalid("this is no checkpoint in the C2SP format")
    try:
        root = base64.b64decode(match["root"], validate=True)
    except binascii.Error:
        root = b""
    if len(root) != _HASH_BYTES:
        raise CheckpointInvalid("the checkpoint's root is no SHA-256")
    checkpoint = Checkpoint(match["origin"], int(match["size"]), root)
    for line in match["signatures"].splitlines():
        name, _, signature = line.removeprefix(_SIGNATURE).partition(" ")
        if name == checkpoint.origin:
            entry = _signer_of(match["text"], name, signature, keyring)
            if entry is not None:
                return SignedCheckpoint(checkpoint, note, entry.keyid)
    raise CheckpointInvalid(
        f"no key with the role log signed the checkpoint of {checkpoint.size} entries"
    )


def claimed_size(note: str, origin: str | None) -> int:
    """Return the size that a note claims for the log *origin*, -1 when it is of another one."""
    match = _NOTE.fullmatch(note)
    return int(match["size"]) if match is not None and match["origin"] == origin else -1


def find_notes(data: str) -> Iterator[str]:
    """Find the text of every note in *data*: a file of notes, a topic's dump, an export of a SIEM.

    There notes stand inside JSON or CEF, or in one inside the other: what these wrote as escapes is
    read back first.
    """
    text = _ESCAPED.sub(lambda found: _PLAIN.get(found[1], "\n"), data)
    yield from (match[0] for match in _FOUND.finditer(text))


def verifier_key(origin: str, key: PublicKey) -> str:
    """Render *key* as other tools take it: ``NAME+HASH+KEY``.

    Raises:
        KeyUnusable: It is no Ed25519 key.

    """
    data = base64.b64encode(_ED25519_TYPE + _raw(key)).decode()
    return f"{origin}+{_key_hash(origin, key).hex()}+{data}"


def _signer_of(text: str, name: str, signature: str, keyring: Keyring) -> KeyEntry | None:
    try:
        data = base64.b64decode(signature, validate=True)
    except binascii.Error:
        return None
    for entry in keyring.entries:
        if LOG_ROLE not in entry.roles or entry.algorithm != ED25519:
            continue
        if data[:_KEY_HASH_BYTES] == _key_hash(name, entry.key) and entry.key.verifies(
            data[_KEY_HASH_BYTES:], text.encode()
        ):
            return entry
    return None


def _key_hash(name: str, key: PublicKey) -> bytes:
    data = name.encode() + b"\n" + _ED25519_TYPE + _raw(key)
    return hashlib.sha256(data).digest()[:_KEY_HASH_BYTES]


def _raw(key: PublicKey) -> bytes:
    if key.algorithm != ED25519:
        raise KeyUnusable(f"key {key.keyid} cannot sign checkpoints: only an Ed25519 key can")
    public: Any = load_der_public_key(key.der)
    return cast("bytes", public.public_bytes_raw())
