"""How much of the log is not in the store yet? Asked of whoever knows logs, which is not us.

Queries never touch transport. Two hooks are found by name in the entry-point group
``lineseal.hooks``: each takes the home, its settings and the store's positions, and returns a
number of batches, or None when it cannot know. One never waits for a server; the other may, for
some seconds, and is called only where a person asks how things stand. Source: ADR-0011.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lineseal.commandline.hooks import find_hook
from lineseal.schemas.errors import LinesealError
from lineseal.settings import Home, Settings

UNREAD_BATCHES = "unread-batches"
ASKED_UNREAD_BATCHES = "asked-unread-batches"

UnreadBatches = Callable[[Home, Settings, Mapping[str, int]], int | None]


def unread_warning(
    home: Home, settings: Settings, positions: Mapping[str, int], *, asking: bool = False
) -> str | None:
    """Return a sentence about batches that the store has not seen, or None.

    With *asking* the servers of the log are asked too, for some seconds.
    """
    if settings.api.url:
        return None
    count: UnreadBatches | None = find_hook(ASKED_UNREAD_BATCHES if asking else UNREAD_BATCHES)
    if count is None:
        return None
    try:
        unread = count(home, settings, positions)
    except LinesealError as error:
        # The log has commands of its own that say what is wrong with it.
        unknown = f"how much of the log is not in the store is not known: {error}"
        return f"{unknown} [{error.code}]" if asking else None
    if not unread:
        return None
    what = "1 batch in the log is" if unread == 1 else f"{unread} batches in the log are"
    return f"{what} not in the store yet: run 'lineseal materialise' to take in what is new"
