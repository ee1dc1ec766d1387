"""Answers whether verifiers will believe a key, as far as the keyring in the home can tell.

A key that is not enrolled signs as well as any other, and everything it sealed is refused much
later, by somebody else. So the job is told when it starts; it goes on, since the keyring here may
be older than the one the verifiers use.
"""

from __future__ import annotations

from lineseal.schemas.errors import (
    ContractError,
    KeyExpired,
    KeyNotYetValid,
    KeyRevoked,
    KeyringError,
)
from lineseal.schemas.ids import now_us
from lineseal.settings import Home, Settings
from lineseal.signing.enrolment import PERSON_PREFIX
from lineseal.signing.keyring_file import load_keyring


def doubt_about(home: Home, settings: Settings, keyid: str, producer: str) -> str | None:
    """Return why what *keyid* signs for *producer* will be refused, and what to do about it.

    None when nothing is wrong, and when no keyring that can be trusted lies in *home*.
    """
    deployment = settings.deployment
    try:
        keyring = load_keyring(home.keyring, roots=deployment.roots, threshold=deployment.threshold)
    except KeyringError:
        return None
    try:
        keyring.authorise(keyid, producer=producer, at=now_us())
    except KeyNotYetValid:
        return None  # clocks differ, and it will be valid by the time somebody reads
    except ContractError as error:
        # A key never comes back: enrolling it again would be refused.
        ended = isinstance(error, KeyRevoked | KeyExpired)
        advice = f"lineseal keys {'rotate' if ended else 'enrol'} {holder_words(producer)}"
        return f"{error}; the materialiser will refuse what it signs; run '{advice}'"
    return None


def holder_words(producer: str) -> str:
    """Return how the ``keys`` commands are told whose key it is."""
    name = producer.removeprefix(PERSON_PREFIX)
    return name if name == producer else f"{name} --person"
