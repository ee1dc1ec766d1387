"""What does a materialiser need to run in a home? Store, log and keyring, opened and closed again.

Shared by ``lineseal materialise`` and the service of ``lineseal up``.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator, Mapping
from dataclasses import dataclass

from lineseal.consumers.api import ApiServer
from lineseal.consumers.api.snapshot import remove_leftovers
from lineseal.consumers.detect.running import Detections
from lineseal.consumers.keyring_source import KeyringSource
from lineseal.consumers.logs import get_logger
from lineseal.consumers.materialise import LOG_IDENTITY, Materialiser
from lineseal.consumers.outside import check_store, start_new_log
from lineseal.consumers.publisher_source import log_signer, open_notary, open_publisher
from lineseal.consumers.respond.publishing import ListPublisher
from lineseal.consumers.store import Store
from lineseal.schemas.errors import ConfigurationError, LinesealError
from lineseal.settings import Home, Settings
from lineseal.transport.base import LogReader
from lineseal.transport.embedded import EmbeddedLogReader
from lineseal.transport.open import open_reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Hold what is open.

    Attributes:
        store: The one open store.
        materialiser: Writes it.
        lost: Full sentences about files of the log that are gone.
        detections: Run after each commit; None when the caller wants none.

    """

    store: Store
    materialiser: Materialiser
    lost: tuple[str, ...]
    _reader: LogReader
    detections: Detections | None = None

    def damaged(self) -> list[str]:
        """Return what the reader has warned of already."""
        if not isinstance(self._reader, EmbeddedLogReader):
            return []
        return [str(error) for error in self._reader.damaged.values()]


def deployment_of(home: Home, settings: Settings) -> str:
    """Return the name of the deployment. Raises ConfigurationError when there is none."""
    if not settings.deployment.name:
        raise ConfigurationError(f"{home.config} names no deployment; set [deployment] name")
    return settings.deployment.name


def store_in(home: Home, settings: Settings) -> Store:
    """Name the store of *home*: use it as a context manager. Raises ConfigurationError."""
    return Store(
        home.resolve(settings.store.path),
        deployment=deployment_of(home, settings),
        memory_limit=settings.store.memory_limit,
    )


@contextlib.contextmanager
def opened(
    home: Home, settings: Settings, *, detect: bool = True, new_log: str | None = None
) -> Generator[Work]:
    """Open store and log of *home* for one materialiser; with *detect*, rules run after commits.

    A reason for a *new_log* is entered in an empty store first, see ``start_new_log``.

    Raises:
        StoreRollback, SplitView: The store is not what was signed before.
        ConfigurationError: The settings name no deployment or no log.
        StoreError: The store cannot be opened; ``StoreBusy`` when another process has it.
        LogError: The log cannot be read.

    """
    deployment = deployment_of(home, settings)
    keyring = KeyringSource(
        home.keyring,
        roots=settings.deployment.roots,
        threshold=settings.deployment.threshold,
    )
    with store_in(home, settings) as store:
        remove_leftovers(store.path)
        if new_log is not None:
            start_new_log(home, settings, store, keyring, new_log)
        newest = check_store(home, settings, store, keyring)
        reader = open_reader(settings.log.url, home, identity=store.fact(LOG_IDENTITY))
        with contextlib.closing(reader):
            lost = _say_gone(reader, store.positions())
            materialiser = Materialiser(store, reader, keyring, deployment)
            signer = log_signer(home, settings)
            with open_publisher(home, settings, store, signer) as publisher:
                listing = ListPublisher(home, settings, store, keyring, signer)
                materialiser.after_step.append(listing.after_step)
                detections = Detections(home, settings, store) if detect else None
                if detections is not None:
                    materialiser.after_step.append(detections.after_step)
                notary = open_notary(
                    home, settings, store, signer, newest=newest, publisher=publisher
                )
                materialiser.after_step += [notary.after_step, publisher.after_step]
                try:
                    yield Work(
                        store=store,
                        materialiser=materialiser,
                        lost=tuple(lost),
                        _reader=reader,
                        detections=detections,
                    )
                finally:
                    if detections is not None:
                        detections.close()
                if notary.sign() is not None:
                    publisher.publish()


@contextlib.contextmanager
def serving(home: Home, settings: Settings, store: Store, after: float) -> Generator[None]:
    """Answer for the command line while the block runs, from *after* seconds on.

    That it cannot is a warning: the log is materialised all the same.
    """
    done = threading.Event()

    def serve() -> None:
        if done.wait(after):
            return
        log = get_logger()
        try:
            with ApiServer(home, settings, lambda: store, log):
                done.wait()
        except LinesealError as error:
            log.warning("cannot answer questions meanwhile", code=error.code, reason=str(error))

    thread = threading.Thread(target=serve, name="serving")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _say_gone(reader: LogReader, positions: Mapping[str, int]) -> list[str]:
    """Warn of files that were read before and are gone: whatever was not read yet is lost."""
    if not isinstance(reader, EmbeddedLogReader):
        return []
    lost = [
        f"the log has no file {stream} any more, which was read up to position"
        f" {positions.get(stream, 0)};"
        " what it held behind that cannot be read: put it back, or find out who removed it"
        for stream in reader.gone(positions)
    ]
    for sentence in lost:
        get_logger().warning(sentence)
    return lost
