"""Loads and writes the keyring: a DSSE JSON envelope signed by offline root keys.

The configuration pins root keys by key id; the keys themselves stand in the payload and count
only if they hash to a pinned id. Nothing else of the payload is looked at before enough root
keys signed it. Expiry never makes loading fail: evidence is not dropped because somebody forgot
to sign (``Keyring.expired``). Source: DESIGN 4.3; the rules are TUF's.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

from lineseal.schemas.errors import KeyringError, KeyringRollback
from lineseal.signing.envelope import Envelope, pae, read_envelope, sign_envelope, strict_json
from lineseal.signing.files import replace_public
from lineseal.signing.keyring import KeyEntry, Keyring
from lineseal.signing.keys import PublicKey, public_key_from_hex
from lineseal.signing.signers import KeySigner

KEYRING_PAYLOAD_TYPE: Final = "application/vnd.lineseal.keyring.v1+json"
KEYRING_FORMAT: Final = 1

_FIELDS: dict[str, tuple[type, ...]] = {
    "format": (int,),
    "version": (int,),
    "expires": (int,),
    "deployment": (str,),
    "prev_sha256": (str, type(None)),
    "roots": (list,),
    "entries": (list,),
}
_ENTRY_FIELDS: dict[str, tuple[type, ...]] = {
    "keyid": (str,),
    "algorithm": (str,),
    "public": (str,),
    "producer": (str,),
    "roles": (list,),
    "event_kinds": (list,),
    "actor": (str, type(None)),
    "not_before": (int,),
    "not_after": (int, type(None)),
    "revoked_at": (int, type(None)),
    "compromised_since": (int, type(None)),
    "expected_every": (int, type(None)),
    "revoked_reason": (str, type(None)),
    "writes": (list,),
    "settled": (list,),
}


def load_keyring(path: Path, *, roots: Sequence[str], threshold: int) -> Keyring:
    """Load and verify the keyring at *path*.

    Args:
        path: The file.
        roots: Key ids of the root keys to trust, each 64 hex characters.
        threshold: How many different ones must have signed it, at least 1.

    Raises:
        KeyringError: It is missing, damaged, or not signed by enough root keys.
        WeakKey: It holds a weak key.

    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise KeyringError(f"there is no keyring at {path}; run 'lineseal init'") from error
    except OSError as error:
        raise KeyringError(f"cannot read the keyring {path}: {error.strerror}") from error
    return parse_keyring(data, roots=roots, threshold=threshold)


def parse_keyring(data: bytes, *, roots: Sequence[str], threshold: int) -> Keyring:
    """Verify the bytes of a keyring file. See ``load_keyring``."""
    try:
        envelope = read_envelope(data)
        if envelope.payload_type != KEYRING_PAYLOAD_TYPE:
            raise KeyringError("the file is a signed envelope, but not of a keyring")
        document = strict_json(envelope.payload)
        root_keys = _root_keys(document)
        _check_signatures(envelope, root_keys, frozenset(roots), threshold)
        keyring = _to_keyring(document, root_keys, envelope.payload)
        return dataclasses.replace(keyring, document=data)
    except ValueError as error:
        raise KeyringError(f"the keyring file is damaged: {error}") from error


def recorded_keyring(data: bytes) -> Keyring:
    """Read a keyring that was verified when it was recorded, as a store holds it.

    Checks no signature: for showing what it says, never for judging what a key signed.
    """
    envelope = read_envelope(data)
    document = strict_json(envelope.payload)
    return _to_keyring(document, _root_keys(document), envelope.payload)


def write_keyring(
    path: Path, keyring: Keyring, signers: Sequence[KeySigner], *, threshold: int = 1
) -> Keyring:
    """Sign *keyring* with the root *signers* and put it at *path*, mode 0644.

    Call it with the home locked (``files.locked_folder``).

    Returns:
        The keyring as a reader sees it, with its ``sha256``.

    Raises:
        KeyringRollback: It is not the successor of the keyring at *path*.
        KeyringError: The signers are not enough of its roots.
        KeyUnusable: A root key cannot sign.
        ConfigurationError: The file cannot be written.

    """
    trusted = [key.keyid for key in keyring.roots]
    if path.exists():
        _check_successor(load_keyring(path, roots=trusted, threshold=threshold), keyring)
    elif keyring.version != 1 or keyring.prev_sha256 is not None:
        raise KeyringRollback(f"there is no keyring at {path} that this one could follow")
    payload = json.dumps(_to_document(keyring), sort_keys=True, separators=(",", ":")).encode()
    data = sign_envelope(KEYRING_PAYLOAD_TYPE, payload, signers)
    # What is written must be what a reader accepts, or every verifier stops.
    written = parse_keyring(data, roots=trusted, threshold=threshold)
    replace_public(path, data)
    return written


def successor(keyring: Keyring, entries: Sequence[KeyEntry], *, expires: int) -> Keyring:
    """Return the next version of *keyring* with *entries*; it still has to be written.

    Raises:
        KeyringError: The entries contradict each other.

    """
    return dataclasses.replace(
        keyring,
        version=keyring.version + 1,
        prev_sha256=keyring.sha256,
        sha256=None,
        document=None,
        expires=expires,
        entries=tuple(sorted(entries, key=lambda e: (e.producer, e.not_before, e.keyid))),
    )


def _check_successor(old: Keyring, new: Keyring) -> None:
    if new.version != old.version + 1 or new.prev_sha256 != old.sha256:
        raise KeyringRollback(
            f"the keyring on disk has version {old.version} by now; run the command again"
        )


def _check_signatures(
    envelope: Envelope, keys: Sequence[PublicKey], pinned: frozenset[str], threshold: int
) -> None:
    if not pinned or not 1 <= threshold <= len(pinned):
        raise KeyringError(
            f"lineseal.toml pins {len(pinned)} root keys and asks for {threshold} signatures; "
            "see [deployment] roots and threshold"
        )
    message = pae(envelope.payload_type, envelope.payload)
    usable = {key.keyid: key for key in keys if key.keyid in pinned}
    signed = {
        item.keyid
        for item in envelope.signatures
        if item.keyid in usable and usable[item.keyid].verifies(item.sig, message)
    }
    if len(signed) < threshold:
        raise KeyringError(
            f"the keyring is signed by {len(signed)} of the pinned root keys, not by {threshold}"
        )


def _root_keys(document: dict[str, Any]) -> tuple[PublicKey, ...]:
    roots = document.get("roots")
    if not isinstance(roots, list):
        raise KeyringError("the keyring names no root keys")
    if not all(isinstance(text, str) for text in roots):
        raise KeyringError("a root key in the keyring is not hex")
    return tuple(public_key_from_hex(text) for text in roots)


def _to_keyring(document: dict[str, Any], roots: tuple[PublicKey, ...], payload: bytes) -> Keyring:
    _check_fields("the keyring", document, _FIELDS)
    if document["format"] != KEYRING_FORMAT or document["version"] < 1:
        raise KeyringError("the keyring has an unknown format or an impossible version")
    return Keyring(
        version=document["version"],
        expires=document["expires"],
        deployment=document["deployment"],
        entries=tuple(_to_entry(item) for item in document["entries"]),
        roots=roots,
        prev_sha256=document["prev_sha256"],
        sha256=hashlib.sha256(payload).hexdigest(),
    )


def _to_entry(item: Any) -> KeyEntry:
    _check_fields("an entry of the keyring", item, _ENTRY_FIELDS)
    values = dict(item)
    for name in ("roles", "event_kinds", "writes", "settled"):
        if not all(isinstance(element, str) for element in values[name]):
            raise KeyringError(f"{name} in an entry of the keyring is not a list of texts")
        values[name] = frozenset(values[name])
    return KeyEntry(**values)


def _check_fields(what: str, value: Any, fields: dict[str, tuple[type, ...]]) -> None:
    if not isinstance(value, dict) or set(cast("dict[str, Any]", value)) != set(fields):
        raise KeyringError(f"{what} does not have the fields {', '.join(fields)}")
    for name, types in fields.items():
        # Not isinstance: True would pass as the number 1.
        if type(cast("dict[str, Any]", value)[name]) not in types:
            raise KeyringError(f"{name} in {what} has the wrong type")


def _to_document(keyring: Keyring) -> dict[str, Any]:
    return {
        "format": KEYRING_FORMAT,
        "version": keyring.version,
        "expires": keyring.expires,
        "deployment": keyring.deployment,
        "prev_sha256": keyring.prev_sha256,
        "roots": [key.hex for key in keyring.roots],
        "entries": [_from_entry(entry) for entry in keyring.entries],
    }


def _from_entry(entry: KeyEntry) -> dict[str, Any]:
    values = dataclasses.asdict(entry)
    return {
        **values,
        "roles": sorted(entry.roles),
        "event_kinds": sorted(entry.event_kinds),
        "writes": sorted(entry.writes),
        "settled": sorted(entry.settled),
    }
