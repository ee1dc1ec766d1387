"""Puts a forwarder together from a home and its settings."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from lineseal.consumers.forward.feed import FILE_NAME, Feed
from lineseal.consumers.forward.forwarder import Forwarder, ForwarderOptions
from lineseal.consumers.forward.source import OpenStore
from lineseal.consumers.sinks.open import open_sinks
from lineseal.queries.database import open_store
from lineseal.schemas.errors import ConfigurationError
from lineseal.services import ServiceLog
from lineseal.settings import Home, Settings
from lineseal.signing.signers import KeySigner, file_uri, load_signer


def feed_path(home: Home) -> Path:
    """Return where the forwarder's own file lies."""
    return home.path / FILE_NAME


@contextmanager
def open_forwarder(
    home: Home, settings: Settings, log: ServiceLog, store: OpenStore | None = None
) -> Generator[tuple[Forwarder, Feed]]:
    """Open the forwarder of *home*; without *store* it reads the released store file.

    Raises:
        ConfigurationError: A sink cannot work as it is configured.
        ForwarderBusy: Another process is the forwarder.
        FeedError: The feed cannot be opened.

    """
    deployment = settings.deployment.name
    if not deployment:
        raise ConfigurationError(f"{home.config} names no deployment; set [deployment] name")
    sinks = open_sinks(settings.sinks, home)
    feed = Feed(feed_path(home))
    try:
        feed.claim()
        options = ForwarderOptions(
            deployment=deployment,
            open_store=store or file_reader(home, settings),
            log=log,
            signer=_signer(home, settings),
        )
        forwarder = Forwarder(feed, sinks, options)
        try:
            yield forwarder, feed
        finally:
            forwarder.close()
    finally:
        feed.close()


def file_reader(home: Home, settings: Settings) -> OpenStore:
    """Return how the store file is opened to be read."""
    return lambda: open_store(
        home.resolve(settings.store.path), memory_limit=settings.store.memory_limit
    )


def _signer(home: Home, settings: Settings) -> KeySigner | None:
    """Return this installation's own key; None where there is none to sign manifests with."""
    emitter = settings.emitter
    file = home.keys / f"{emitter.producer}.pem"
    if emitter.key:
        return load_signer(emitter.key)
    return load_signer(file_uri(file)) if emitter.producer and file.is_file() else None
