"""The hook that records a change of the keyring in the log, under the key of the detections.

``lineseal keys`` lies below the log and cannot write it. A home without that key (that of an
offline root key, say) records nothing: the keyring itself is what counts. A job's own producer does
not say it: opening its outbox would seal what waits there, which a revocation is about to distrust.
Source: DESIGN 4.1.
"""

from __future__ import annotations

import getpass

from lineseal.schemas.errors import KeyNotYetValid, LinesealError
from lineseal.schemas.ids import now_us
from lineseal.schemas.model import KeyAction, KeyChange
from lineseal.settings import Home, Settings
from lineseal.signing.holder import Holder
from lineseal.signing.keyring_file import load_keyring
from lineseal.signing.signers import file_uri, load_signer
from lineseal.transport.saying import say


def record_key_change(
    home: Home, settings: Settings, key_id: str, action: str, reason: str, keyring_version: int
) -> str | None:
    """Record what happened to a key; return a sentence about why it could not be, else None.

    Who did it is what the system says: asserted, not proven. The root key's signature of the
    keyring is the proof.
    """
    holder = Holder.parse(settings.detect.producer)
    body = KeyChange(
        key_id=key_id,
        action=KeyAction(action),
        changed_by=_who(),
        reason=reason,
        keyring_version=keyring_version,
    )
    try:
        _check(home, settings, holder)
        say(home, settings, holder, body)
    except LinesealError as error:
        return str(error)
    return None


def _check(home: Home, settings: Settings, holder: Holder) -> None:
    """Raise when verifiers would refuse what *holder* signs now."""
    deployment = settings.deployment
    keyring = load_keyring(home.keyring, roots=deployment.roots, threshold=deployment.threshold)
    keyid = load_signer(file_uri(home.keys / f"{holder.stem}.pem")).keyid
    try:
        keyring.authorise(keyid, producer=holder.producer, at=now_us())
    except KeyNotYetValid:
        return  # clocks differ, and it will be valid by the time somebody reads


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
