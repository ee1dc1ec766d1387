"""Can this installation sign, and does it know whom to trust? Keyring and private keys."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from lineseal.consumers.doctor.check import Check, Patient, fail, ok, warn
from lineseal.schemas.errors import KeyringError, KeyUnusable
from lineseal.signing.keyring import Keyring
from lineseal.signing.keyring_file import load_keyring
from lineseal.signing.signers import file_uri, load_signer

SOON_DAYS = 30
_SOON_US = SOON_DAYS * 86_400_000_000


def check_keys(patient: Patient) -> Iterator[Check]:
    """Check the keyring, then every private key of the home."""
    home, deployment = patient.home, patient.settings.deployment
    try:
        keyring = load_keyring(home.keyring, roots=deployment.roots, threshold=deployment.threshold)
    except KeyringError as error:
        todo = "put the newest keyring.json back that a root key signed"
        yield fail("keyring", f"{error} [{error.code}]", todo)
        return
    yield _keyring(keyring, patient.now)
    if home.root_keys.exists() and any(home.root_keys.glob("*.pem")):
        yield warn(
            "root keys",
            f"root keys lie in {home.root_keys}, beside the keys that they vouch for",
            "move the folder to another machine; give --root-key when one is needed",
        )
    for path in sorted(home.keys.glob("*.pem")):
        yield _private(path, keyring, patient.now)


def _keyring(keyring: Keyring, now: int) -> Check:
    said = f"version {keyring.version}, {len(keyring.entries)} keys, until {_day(keyring.expires)}"
    if keyring.expired(now):
        return fail("keyring", f"it has expired: {said}", "run 'lineseal keys renew'")
    if keyring.expires - now < _SOON_US:
        return warn("keyring", f"it expires soon: {said}", "run 'lineseal keys renew'")
    return ok("keyring", said)


def _private(path: Path, keyring: Keyring, now: int) -> Check:
    name = f"key {path.stem}"
    try:
        keyid = load_signer(file_uri(path)).keyid
    except KeyUnusable as error:
        return fail(name, f"{error} [{error.code}]", "mend the file, or make a new key")
    if not keyring.knows(keyid):
        todo = f"run 'lineseal keys enrol {path.stem}', or remove {path}"
        return warn(name, "the keyring does not know it: what it signs is refused", todo)
    entry = keyring.entry(keyid)
    status = entry.status(now)
    if status != "active":
        todo = f"run 'lineseal keys rotate {path.stem}'"
        return fail(name, f"it is {status}: what it signs is refused", todo)
    if entry.not_after is not None and entry.not_after - now < _SOON_US:
        todo = f"run 'lineseal keys rotate {path.stem}'"
        return warn(name, f"it expires soon, on {_day(entry.not_after)}", todo)
    until = "without end" if entry.not_after is None else f"until {_day(entry.not_after)}"
    return ok(name, f"enrolled for {entry.producer}, {until}")


def _day(microseconds: int) -> str:
    return dt.datetime.fromtimestamp(microseconds / 1e6, dt.UTC).date().isoformat()
