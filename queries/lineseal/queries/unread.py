"""How much of the log is not in the store yet? Asked of whoever knows logs, which is not us.

Queries never touch transport. The hook is found by its name in the entry-point group
``lineseal.hooks``: it takes the home, its settings and the store's positions, and returns a
number of batches, or None when it cannot know without a server. Source: ADR-0011.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lineseal.commandline.hooks import find_hook
from lineseal.schemas.errors import LinesealError
from lineseal.settings import Home, Settings

UNREAD_BATCHES = "unread-batches"

UnreadBatches = Callable[[Home, Settings, Mapping[str, int]], int | None]


def unread_warning(home: Home, settings: Settings, positions: Mapping[str, int]) -> str | None:
    """Return a sentence about batches that the store has not seen, or None."""
    if settings.api.url:
        return None
    count: UnreadBatches | None = find_hook(UNREAD_BATCHES)
    if count is None:
        return None
    try:
        unread = count(home, settings, positions)
    except LinesealError:
        return None  # the log has commands of its own that say what is wrong with it
    if not unread:
        return None
    what = "1 batch in the log is" if unread == 1 else f"{unread} batches in the log are"
    return f"{what} not in the store yet: run 'lineseal materialise' to take in what is new"
