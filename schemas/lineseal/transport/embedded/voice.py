"""Says warnings so that a job's reader knows who speaks, and each of them once.

Inside a job nobody may have set up logging: Python then prints the bare message. Hence every
message of the logger ``lineseal`` names its sender itself, and a warning that comes again and
again (a key file that everyone can read, a damaged outbox) is said once per process.
"""

from __future__ import annotations

import logging
from typing import Final

SENDER: Final = "lineseal: "
"""What every message starts with."""
_MAX_REMEMBERED = 10_000


class _Voice(logging.Filter):
    """Puts the sender first, and drops warnings that were said before."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, object] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if not text.startswith(SENDER):
            record.msg, record.args = SENDER + text, ()
        if record.levelno != logging.WARNING or len(self._said) >= _MAX_REMEMBERED:
            return True
        # One step, so that of two threads only one says it.
        mark = object()
        return self._said.setdefault(text, mark) is mark


LOGGER: Final = logging.getLogger("lineseal")
"""The logger of everything that runs inside a job."""
LOGGER.addFilter(_Voice())
