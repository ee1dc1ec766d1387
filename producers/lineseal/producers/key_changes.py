"""The hook that records a change of the keyring in the log, as the producer of this home.

``lineseal keys`` lives below the emitter and cannot call it. A home without a producer's key (that
of an offline root key, say) records nothing: the keyring itself is what counts. Source: DESIGN 4.1.
"""

from __future__ import annotations

import getpass

from lineseal.producers.emitter import Emitter
from lineseal.producers.identity import identify
from lineseal.producers.standing import doubt_about
from lineseal.schemas.errors import LinesealError
from lineseal.settings import Home, Settings
from lineseal.signing.signers import load_signer


def record_key_change(
    home: Home, settings: Settings, key_id: str, action: str, reason: str, keyring_version: int
) -> str | None:
    """Record what happened to a key; return a sentence about why it could not be, else None.

    Who did it is what the system says: asserted, not proven. The root key's signature of the
    keyring is the proof.
    """
    try:
        identity = identify(home, settings)
        signer = load_signer(identity.key_uri)
        doubt = doubt_about(home, settings, signer.keyid, identity.producer)
        if doubt is not None:
            return doubt
        with Emitter(identity, strict=True) as emitter:
            emitter.record_key_change(
                key_id,
                action=action,
                reason=reason,
                changed_by=_who(),
                keyring_version=keyring_version,
            )
    except LinesealError as error:
        return str(error)
    return None


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
