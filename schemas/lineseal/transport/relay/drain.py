"""Ships what is left before a process, and with it perhaps its disk, goes away.

For containers: the outbox is durable as long as its volume is, so the last thing a job does is to
ship it, bounded in time. What could not be shipped stays and is said. Source: DESIGN 5.
"""

from __future__ import annotations

from pathlib import Path

from lineseal.schemas.errors import LinesealError, LogError
from lineseal.transport.embedded.voice import LOGGER
from lineseal.transport.relay.background import BackgroundRelay
from lineseal.transport.relay.cursor import all_acknowledged


def drain(relay: BackgroundRelay, seconds: float) -> bool:
    """Let *relay* ship what is left, for at most *seconds*, and end it; warn of what stays.

    Returns:
        Whether everything was acknowledged.

    """
    if relay.stop(seconds):
        return True
    reason = relay.problem
    why = f": {reason} [{reason.code}]" if isinstance(reason, LinesealError) else ""
    LOGGER.warning(
        "not everything was shipped in %g seconds%s; it stays in the outbox for the next job or"
        " 'lineseal relay'",
        seconds,
        why,
    )
    return False


def is_all_shipped(outboxes: Path) -> bool:
    """Tell whether nothing is left to drain, without asking anybody."""
    try:
        return all_acknowledged(outboxes)
    except LogError:
        return False
