"""Makes the publisher that an installation asks for: which log, which key."""

from __future__ import annotations

from functools import partial

from lineseal.consumers.logs import get_logger
from lineseal.consumers.publishing import Publisher
from lineseal.consumers.store import Store
from lineseal.schemas.errors import KeyMissing
from lineseal.settings import Home, Settings
from lineseal.signing.signers import KeySigner, file_uri, load_signer
from lineseal.transport.base import LogWriter
from lineseal.transport.open import is_kafka, open_writer

WRITER_NAME = "materialiser"
"""Names the files of what the materialiser writes into the embedded log."""


def open_publisher(home: Home, settings: Settings, store: Store) -> Publisher:
    """Make the publisher of *store*; nothing is opened or connected yet.

    Raises:
        KeyUnusable: The key that signs receipts is there and cannot be used.

    """
    open_topic = partial(_open_topic, settings.log.url, home)
    return Publisher(store, settings.deployment.name, open_topic, _signer(home, settings))


def _open_topic(url: str, home: Home, topic: str) -> LogWriter:
    return open_writer(url, home, topic=topic, name=WRITER_NAME)


def _signer(home: Home, settings: Settings) -> KeySigner | None:
    name = settings.store.signer
    if not name:
        return None
    try:
        return load_signer(name if ":" in name else file_uri(home.keys / f"{name}.pem"))
    except KeyMissing:
        if is_kafka(settings.log.url):
            get_logger().warning(
                "no receipts for the producers: there is no key that signs them",
                setting="[store] signer",
                command=f"lineseal keys new {name} --role log --enrol",
            )
        return None
