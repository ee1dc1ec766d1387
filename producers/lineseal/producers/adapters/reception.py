"""Answers as whom, and with which key, what comes from other systems is sealed.

The gateway and imports share one producer, so that a run told twice, once over HTTP and once from
a file, is one run. Its key needs the role ``gateway``: only so may it speak for others.
"""

from __future__ import annotations

from lineseal.producers.adapters.openlineage.intake import Intake
from lineseal.producers.adapters.openlineage.ledger import Ledger
from lineseal.producers.identity import Identity, identify
from lineseal.schemas.errors import ConfigurationError, KeyMissing, KeyringError
from lineseal.schemas.model import Kind
from lineseal.settings import Home, Settings
from lineseal.signing.keyring_file import load_keyring
from lineseal.signing.signers import load_signer


def reception_identity(home: Home, settings: Settings) -> Identity:
    """Return who receives, with a key that may.

    Raises:
        KeyMissing: There is no key yet; the message says how to make it.
        ConfigurationError: The keyring does not let the key speak for others.

    """
    name = settings.gateway.producer
    identity = identify(home, settings, producer=name)
    make = f"run 'lineseal keys new {name} --role gateway --enrol'"
    try:
        keyid = load_signer(identity.key_uri).keyid
    except KeyMissing as error:
        raise KeyMissing(f"no key for what other systems send; {make}") from error
    try:
        trusted = settings.deployment
        keyring = load_keyring(home.keyring, roots=trusted.roots, threshold=trusted.threshold)
    except KeyringError:
        return identity  # the emitter's own check says what is wrong with it
    if keyring.knows(keyid) and "gateway" not in keyring.entry(keyid).roles:
        raise ConfigurationError(
            f"the key of {name!r} has no role gateway, so all it seals would be refused; revoke it "
            f"and {make}"
        )
    return identity


def open_ledger(home: Home, settings: Settings) -> Ledger:
    """Open the home's file of documents.

    Raises:
        LogError: It cannot be opened.

    """
    gateway = settings.gateway
    return Ledger(home.resolve(gateway.documents), max_bytes=gateway.max_bytes)


def open_intake(home: Home, settings: Settings, ledger: Ledger) -> Intake:
    """Open what makes documents durable.

    Raises:
        KeyMissing, KeyUnusable, ConfigurationError, LogError: It cannot be opened.

    """
    return Intake(reception_identity(home, settings), ledger)


def parse_kinds(patterns: tuple[str, ...]) -> tuple[tuple[Kind, str], ...]:
    """Read ``KIND=PATTERN`` settings.

    Raises:
        ConfigurationError: One is not written so.

    """
    parsed: list[tuple[Kind, str]] = []
    for text in patterns:
        kind, separator, pattern = text.partition("=")
        if not separator or not pattern or kind not in Kind._value2member_map_:
            raise ConfigurationError(
                f"{text!r} is not KIND=PATTERN with one of the kinds {', '.join(Kind)}"
            )
        parsed.append((Kind(kind), pattern))
    return tuple(parsed)
