"""An OpenLineage transport that seals in the job's own process, under the job's own key.

``OPENLINEAGE__TRANSPORT__TYPE=lineseal.producers.adapters.openlineage.transport.LinesealTransport``
is all it takes; ``OPENLINEAGE__TRANSPORT__HOME`` and ``..._PRODUCER`` say more. It never raises
into the job and touches no network. The client's ``composite`` transport sends elsewhere too.
"""

from __future__ import annotations

import os
import threading
from typing import Any, Self

import attr
from openlineage.client.serde import Serde
from openlineage.client.transport.transport import Config, Transport

from lineseal.producers.adapters.openlineage.document import Document, Refused, read_documents
from lineseal.producers.adapters.openlineage.encoding import Sender
from lineseal.producers.adapters.openlineage.kept import Entry
from lineseal.producers.adapters.openlineage.ledger import Ledger
from lineseal.producers.adapters.openlineage.mapping import map_document
from lineseal.producers.adapters.reception import open_ledger, parse_kinds
from lineseal.producers.delivery import CLOSE_SECONDS, Delivery
from lineseal.producers.identity import Identity, identify
from lineseal.producers.tally import Stats, Tally
from lineseal.schemas.errors import InvalidDocument, LinesealError
from lineseal.schemas.model import Origin
from lineseal.settings import find_home, load_settings
from lineseal.transport.embedded.voice import LOGGER


@attr.define
class LinesealConfig(Config):
    """Say where and as whom to seal.

    Attributes:
        home: The home; by default found as everywhere.
        producer: Whom to sign as; by default ``[emitter] producer``.

    """

    home: str | None = None
    producer: str | None = None

    @classmethod
    def from_dict(cls, params: dict[str, Any]) -> Self:
        """Build it from what the client was configured with; other keys are ignored."""
        return cls(home=params.get("home"), producer=params.get("producer"))


class LinesealTransport(Transport):
    """Maps each event, keeps it byte for byte and makes it durable before ``emit`` returns."""

    kind = "lineseal"
    config_class = LinesealConfig

    def __init__(self, config: LinesealConfig) -> None:
        """Prepare; nothing is opened before the first event."""
        self._config = config
        self._tally = Tally()
        self._lock = threading.Lock()
        self._opened: _Opened | None = None
        self._warned: set[str] = set()

    @property
    def stats(self) -> Stats:
        """Return how many events were made durable and how many were dropped so far."""
        return self._tally.stats

    def emit(self, event: Any) -> None:
        """Seal one event; what cannot be recorded is counted, told under seal and logged once."""
        try:
            self._open().take(Serde.to_json(event).encode("utf-8", "replace"))
        except LinesealError as error:
            self._warn(f"{error} [{error.code}]")
        except Exception as error:  # noqa: BLE001 - the job must live on
            self._warn(f"{type(error).__name__}: {error}")

    def close(self, timeout: float = -1) -> bool:
        """Seal what is pending; return whether that was done in time."""
        opened = self._opened
        if opened is None:
            return True
        done = opened.delivery.close(CLOSE_SECONDS if timeout < 0 else timeout)
        opened.delivery.drain()
        return done

    def _open(self) -> _Opened:
        with self._lock:
            if self._opened is None:
                home = find_home(self._config.home)
                settings = load_settings(home)
                identity = identify(home, settings, producer=self._config.producer)
                self._opened = _Opened(identity, self._tally)
            return self._opened

    def _warn(self, text: str) -> None:
        if text not in self._warned and len(self._warned) < 100:
            self._warned.add(text)
            LOGGER.warning("an OpenLineage event was dropped: %s", text)


class _Opened:
    """What is needed to seal, once it is known as whom."""

    def __init__(self, identity: Identity, tally: Tally) -> None:
        settings = identity.settings
        self.delivery = Delivery(identity, tally, relay=settings.emitter.relay)
        self._identity = identity
        self._sender = Sender(
            producer=identity.producer,
            actor=identity.actor,
            origin=Origin.EMITTER,
            kinds=parse_kinds(settings.gateway.kinds),
        )
        self._tally = tally
        self._ledger: tuple[int, Ledger] | None = None

    def take(self, text: bytes) -> None:
        """Record one event."""
        try:
            document = _only(text)
            mapped = map_document(document, self._sender)
        except InvalidDocument as error:
            self._tally.drop(1, error.code)
            raise
        try:
            # What the seal is about; without it the seal still counts.
            self._own_ledger().keep([Entry(document.identity, document.text)])
        except LinesealError as error:
            LOGGER.warning("an OpenLineage event is sealed but not kept: %s", error)
        self.delivery.accept(mapped.events)

    def _own_ledger(self) -> Ledger:
        """Return this process's connection; SQLite's must not be carried over a fork."""
        if self._ledger is None or self._ledger[0] != os.getpid():
            identity = self._identity
            self._ledger = (os.getpid(), open_ledger(identity.home, identity.settings))
        return self._ledger[1]


def _only(text: bytes) -> Document:
    (found,) = read_documents(text)
    if isinstance(found, Refused):
        raise InvalidDocument(found.reason)
    return found
