"""Makes the publisher and the notary that an installation asks for: which log, which key."""

from __future__ import annotations

from functools import partial

from lineseal.consumers.checkpoint_file import CheckpointFile
from lineseal.consumers.logs import get_logger
from lineseal.consumers.notary import Notary
from lineseal.consumers.publishing import Publisher
from lineseal.consumers.store import Store
from lineseal.schemas.errors import KeyMissing
from lineseal.settings import Home, Settings
from lineseal.signing.checkpoint import Checkpoint
from lineseal.signing.signers import KeySigner, file_uri, load_signer
from lineseal.transport.base import LogWriter
from lineseal.transport.open import open_writer

WRITER_NAME = "materialiser"
"""Names the files of what the materialiser writes into the embedded log."""


def open_publisher(
    home: Home, settings: Settings, store: Store, signer: KeySigner | None
) -> Publisher:
    """Make the publisher of *store*; nothing is opened or connected yet."""
    open_topic = partial(_open_topic, settings.log.url, home)
    return Publisher(store, settings.deployment.name, open_topic, signer)


def open_notary(
    home: Home,
    settings: Settings,
    store: Store,
    signer: KeySigner | None,
    *,
    newest: Checkpoint | None,
    publisher: Publisher,
) -> Notary:
    """Make the notary of *store*; *newest* as from ``outside.check_store``."""
    return Notary(
        store,
        settings.deployment.name,
        CheckpointFile(home.checkpoints),
        signer,
        newest=newest,
        interval=settings.store.checkpoint_seconds,
        after_signing=publisher.wake,
    )


def _open_topic(url: str, home: Home, topic: str) -> LogWriter:
    return open_writer(url, home, topic=topic, name=WRITER_NAME)


def log_signer(home: Home, settings: Settings) -> KeySigner | None:
    """Load the key with the role log that signs here, or warn that there is none.

    Raises:
        KeyUnusable: It is there and cannot be used.

    """
    name = settings.store.signer
    if not name:
        return None
    try:
        return load_signer(name if ":" in name else file_uri(home.keys / f"{name}.pem"))
    except KeyMissing:
        get_logger().warning(
            "no checkpoints of the store and no receipts: there is no key that signs them",
            setting="[store] signer",
            command=f"lineseal keys new {name} --role log --enrol",
        )
        return None
