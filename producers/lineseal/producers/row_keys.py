"""Answers under which secrets a producer's events that are not sealed yet are believed.

The first is the one that new events get. After a rotation come those of the keys it replaced, for
what a crashed job had accepted under them; a key that was revoked is no longer believed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from lineseal.schemas.errors import KeyringError, KeyUnusable, UnknownKey
from lineseal.settings import Home, Settings
from lineseal.signing.keyring import Keyring
from lineseal.signing.keyring_file import load_keyring
from lineseal.signing.row_keys import stored_row_key
from lineseal.signing.signers import KeySigner, file_uri, load_signer
from lineseal.transport.embedded.voice import LOGGER

STORED_SUFFIX: Final = ".outbox-key"
_ARCHIVED: Final = re.compile(r"\.[0-9a-f]{16}\.pem")


def row_keys_of(
    home: Home, settings: Settings, producer: str, stem: str | None, signer: KeySigner
) -> tuple[bytes, ...]:
    """Return the secrets, the current one first; none when no secret can be had.

    Args:
        home: Where keys and keyring lie.
        settings: Which keyring to trust.
        producer: Whose events.
        stem: How the producer's files in the key folder begin; None when no file can.
        signer: The producer's key.

    """
    own = signer.row_key if signer.row_key is not None else _stored(home, stem)
    if own is None:
        return ()
    older = _archived(home, settings, producer, stem) if stem is not None else []
    return (own, *(key for key in older if key != own))


def _stored(home: Home, stem: str | None) -> bytes | None:
    problem = "no file can be named after the producer"
    if stem is not None:
        try:
            return stored_row_key(home.keys / f"{stem}{STORED_SUFFIX}")
        except KeyUnusable as error:
            problem = str(error)
    LOGGER.warning(
        "events wait for the sealer without authentication, since its key gives no secret and none"
        " can be kept here (%s): who can write to the outbox can have events signed",
        problem,
    )
    return None


def _archived(home: Home, settings: Settings, producer: str, stem: str) -> list[bytes]:
    paths = [p for p in _files(home.keys, stem) if _ARCHIVED.fullmatch(p.name[len(stem) :])]
    if not paths:
        return []
    deployment = settings.deployment
    try:
        keyring = load_keyring(home.keyring, roots=deployment.roots, threshold=deployment.threshold)
    except KeyringError:
        return []
    found: list[bytes] = []
    for path in paths:
        try:
            signer = load_signer(file_uri(path))
        except KeyUnusable:
            continue
        if signer.row_key is not None and _is_trusted(keyring, signer.keyid, producer):
            found.append(signer.row_key)
    return found


def _files(folder: Path, stem: str) -> list[Path]:
    return sorted(path for path in folder.glob("*.pem") if path.name.startswith(stem))


def _is_trusted(keyring: Keyring, keyid: str, producer: str) -> bool:
    """Tell whether a key was the producer's and nobody distrusts it; it may have ended."""
    try:
        entry = keyring.entry(keyid)
    except UnknownKey:
        return False
    return entry.producer == producer and entry.untrusted_from is None
