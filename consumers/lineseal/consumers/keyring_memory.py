"""Remembers which keyring was used last, and accepts no keyring that forgets it.

It is remembered in the store and in the file beside it, which a fresh store finds.

Without this a keyring of before a revocation would count again as soon as it has as many
versions as the one that was used. Source: DESIGN 4.3.
"""

from __future__ import annotations

import json

import duckdb

from lineseal.consumers.store import Store, write_fact
from lineseal.schemas.errors import KeyringError
from lineseal.signing.keyring import KeyFate, Keyring

_VERSION = "keyring_version"
_SHA256 = "keyring_sha256"
_KEYS = "keyring_keys"
"""JSON: of every key of the keyring used last, when it was revoked and compromised."""


def check_successor(store: Store, keyring: Keyring) -> None:
    """Check that *keyring* is the one used last in *store*, or comes after it.

    Raises:
        KeyringRollback: It is older, or of another history.

    """
    for fact in (store.fact, store.memory.fact):
        version, keys = fact(_VERSION), fact(_KEYS)
        if version is not None:
            keyring.require_at_least(int(version), fact(_SHA256))
        if keys is not None:
            known: dict[str, KeyFate] = json.loads(keys)
            keyring.require_remembers(known)


def trusted_keyring(store: Store, keyring: Keyring, deployment: str) -> Keyring:
    """Return *keyring* when it may be used in *store*.

    Raises:
        KeyringRollback: As ``check_successor``.
        KeyringError: It belongs to another deployment.

    """
    if keyring.deployment != deployment:
        raise KeyringError(
            f"the keyring belongs to the deployment {keyring.deployment!r}, not to {deployment!r}"
        )
    check_successor(store, keyring)
    return keyring


def facts_of(keyring: Keyring) -> dict[str, str]:
    """Return what is remembered of a keyring that was used."""
    facts = {_VERSION: str(keyring.version), _KEYS: json.dumps(keyring.fates(), sort_keys=True)}
    if keyring.sha256 is not None:
        facts[_SHA256] = keyring.sha256
    return facts


def remember(connection: duckdb.DuckDBPyConnection, keyring: Keyring) -> None:
    """Write that *keyring* was used, in the transaction that is open."""
    facts = facts_of(keyring)
    for name in sorted(name for name, value in facts.items() if value != _stored(connection, name)):
        write_fact(connection, name, facts[name])


def _stored(connection: duckdb.DuckDBPyConnection, name: str) -> str | None:
    row = connection.execute("SELECT value FROM store_fact WHERE name = ?", [name]).fetchone()
    return None if row is None else str(row[0])
