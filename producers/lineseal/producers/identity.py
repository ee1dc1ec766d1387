"""Answers who emits here, with which key, into which folder.

Found in the home and its settings. A person's emitter signs with that person's own key as
producer ``person:NAME``: only so does a human decision count as verified.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lineseal.producers.containment import REFUSE, WARN
from lineseal.producers.row_keys import row_keys_of
from lineseal.producers.sealing import Sealing
from lineseal.producers.standing import doubt_about, holder_words
from lineseal.producers.tally import Tally
from lineseal.schemas.errors import BadIdentifier, ConfigurationError, KeyMissing
from lineseal.schemas.guard import check_identifier
from lineseal.schemas.model import Actor, ActorKind
from lineseal.settings import Home, Settings
from lineseal.signing.enrolment import PERSON_PREFIX
from lineseal.signing.sealer import Sealer
from lineseal.signing.signers import KeySigner, file_uri, load_signer
from lineseal.transport.embedded import Outbox, adopt_orphans, open_log_folder
from lineseal.transport.embedded.voice import LOGGER
from lineseal.transport.relay.background import BackgroundRelay


@dataclass(frozen=True, slots=True)
class Identity:
    """Hold who emits and where to.

    Attributes:
        home: The home everything was found in.
        settings: The settings of that home.
        producer: The name batches are sealed under.
        actor: Who acts in every event: a person, or the producer as a service.
        key_uri: securesystemslib URI of the signing key.

    """

    home: Home
    settings: Settings
    producer: str
    actor: Actor
    key_uri: str

    def sealer(self) -> Sealer:
        """Load the key and return a sealer; warn when the keyring here does not know the key.

        Raises:
            KeyMissing, KeyUnusable: There is no key, or it cannot be used.

        """
        signer = self._signer()
        doubt = doubt_about(self.home, self.settings, signer.keyid, self.producer)
        if doubt is not None:
            LOGGER.warning("%s", doubt)
        stem = _stem(self.producer)
        return Sealer(
            signer,
            deployment=self.settings.deployment.name,
            producer=self.producer,
            row_keys=row_keys_of(self.home, self.settings, self.producer, stem, signer),
        )

    def folder(self) -> Path:
        """Return the folder of the outbox files; made when it is not there.

        Raises:
            ConfigurationError, LogError: The log's address is wrong, or it cannot be made.

        """
        return open_log_folder(self.settings, self.home)

    def adopt_orphans(self) -> int:
        """Seal what crashed processes of this producer left; return the batches written."""
        return adopt_orphans(self.folder(), self.producer, self.sealer())

    def open_sealing(self, tally: Tally) -> Sealing:
        """Open an outbox of this producer; its sealing is not started yet.

        Raises:
            KeyUnusable, ConfigurationError, LogError: The outbox cannot be opened.

        """
        emitter = self.settings.emitter
        folder, sealer = self.folder(), self.sealer()
        outbox = Outbox.open(folder, self.producer, sealer, max_bytes=emitter.max_bytes)
        return Sealing(
            outbox,
            tally,
            linger_seconds=emitter.linger_ms / 1000,
            heartbeat_seconds=emitter.heartbeat_seconds,
            adopt=partial(adopt_orphans, folder, self.producer, sealer),
        )

    def relay(self) -> BackgroundRelay:
        """Prepare a relay that ships this home's outboxes to the log in Kafka.

        Raises:
            ConfigurationError, LogError: The log's address is wrong, or the folder cannot be made.

        """
        return BackgroundRelay(self.settings.log.url, self.home, self.folder())

    def _signer(self) -> KeySigner:
        try:
            return load_signer(self.key_uri)
        except KeyMissing as error:
            if self.key_uri != _own_key(self.home, self.producer):
                raise
            whose = holder_words(self.producer)
            raise KeyMissing(f"{error}; run 'lineseal keys new {whose} --enrol'") from error


def identify(
    home: Home,
    settings: Settings,
    *,
    producer: str | None = None,
    person: str | None = None,
    key: str | None = None,
) -> Identity:
    """Work out who emits; arguments win over the settings. Reads nothing.

    Args:
        home: The home.
        settings: Its settings.
        producer: Whom to sign as; ``person:NAME`` is the same as *person*.
        person: A person who signs with their own key.
        key: A signer URI, or the path of a private key file.

    Raises:
        ConfigurationError: Nobody is named, both are, the name cannot be one, or a setting of
            ``[emitter]`` cannot work.

    """
    if person is not None and producer is not None:
        raise ConfigurationError("name a producer or a person, not both")
    if not settings.deployment.name:
        raise ConfigurationError(f"{home.config} does not set [deployment] name")
    if settings.emitter.on_contained not in (REFUSE, WARN):
        raise ConfigurationError("[emitter] on_contained must be 'refuse' or 'warn'")
    name = producer if producer is not None else settings.emitter.producer
    if person is not None:
        name = PERSON_PREFIX + person
    if not name:
        raise ConfigurationError(f"nobody to sign as: set [emitter] producer in {home.config}")
    try:
        check_identifier(name, "the producer")
    except BadIdentifier as error:
        raise ConfigurationError(str(error)) from error
    human = name.removeprefix(PERSON_PREFIX) if name.startswith(PERSON_PREFIX) else None
    actor = Actor(kind=ActorKind.SERVICE, id=name)
    if human is not None:
        actor = Actor(kind=ActorKind.HUMAN, id=human)
    return Identity(home, settings, name, actor, _key_uri(home, settings, name, key))


def _key_uri(home: Home, settings: Settings, producer: str, key: str | None) -> str:
    if key is not None:
        return key if ":" in key else file_uri(Path(key).expanduser())
    if producer == settings.emitter.producer and settings.emitter.key:
        configured = settings.emitter.key
        return configured if ":" in configured else file_uri(home.resolve(configured))
    uri = _own_key(home, producer)
    if uri is None:
        raise ConfigurationError(f"{producer!r} cannot name a key file; set [emitter] key")
    return uri


def _own_key(home: Home, producer: str) -> str | None:
    """Return where the key of *producer* lies by default; None when its name names no file."""
    stem = _stem(producer)
    return None if stem is None else file_uri(home.keys / f"{stem}.pem")


def _stem(producer: str) -> str | None:
    """Return how a producer's files among the keys begin; None when its name names no file."""
    stem = producer
    if producer.startswith(PERSON_PREFIX):
        stem = f"person-{producer.removeprefix(PERSON_PREFIX)}"
    return None if "/" in stem or stem.startswith(".") else stem
