"""Prunes the outboxes of a home now and then, while something else goes on.

Off unless ``[emitter] prune`` says so. In a thread of its own, because reading receipts may wait
for a broker, and because whoever stops must not wait for that: a prune cut off at any point has
either removed batches that a receipt covers, or none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from lineseal.schemas.errors import LinesealError
from lineseal.services import ServiceContext
from lineseal.settings import Home, Settings
from lineseal.transport.embedded import open_log_folder
from lineseal.transport.embedded.voice import LOGGER
from lineseal.transport.relay.prune import prune_confirmed

PRUNE_SECONDS = 60.0
"""Seconds between two prunes; the first comes at once."""
_LAST_SECONDS = 2.0


def prune_now(
    home: Home, settings: Settings, outboxes: Path, say: Callable[[str], object], said: str = ""
) -> str:
    """Prune once if ``[emitter] prune`` is on; never raise.

    Returns:
        What went wrong, or an empty text; *say* is told of it unless it is what was *said* before.

    """
    if not settings.emitter.prune:
        return ""
    try:
        pruned = sum(each.batches or 0 for each in prune_confirmed(home, settings, outboxes))
    except LinesealError as error:
        trouble = f"cannot prune the outboxes: {error} [{error.code}]"
        if trouble != said:
            say(trouble)
        return trouble
    except Exception as error:  # noqa: BLE001 - what runs beside it must live on
        LOGGER.exception("pruning failed; the outboxes keep everything")
        return type(error).__name__
    if pruned:
        say(f"pruned {pruned} {'batch' if pruned == 1 else 'batches'}")
    return ""


@contextmanager
def pruning(
    home: Home, settings: Settings, outboxes: Path, say: Callable[[str], object]
) -> Generator[None]:
    """Prune *outboxes* while the block runs, if ``[emitter] prune`` is on.

    *say* is told how many batches went, and of a trouble when it is another than before.
    """
    if not settings.emitter.prune:
        yield
        return
    stop = threading.Event()

    def work() -> None:
        trouble = ""
        while True:
            trouble = prune_now(home, settings, outboxes, say, said=trouble)
            if stop.wait(PRUNE_SECONDS):
                return

    thread = threading.Thread(target=work, name="lineseal-pruning", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_LAST_SECONDS)


def prune(context: ServiceContext) -> None:
    """Remove from this home's outboxes what the store has, if [emitter] prune is on."""
    if not context.settings.emitter.prune:
        context.log.info("[emitter] prune is off: the outboxes keep everything")
        return
    folder = open_log_folder(context.settings, context.home)
    with pruning(context.home, context.settings, folder, context.log.info):
        context.ready()
        context.stop.wait()
