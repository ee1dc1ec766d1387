"""What commands of the gateway that run for long share: how they stop, and where they log."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Any

from lineseal.commandline.output import note


def stop_on_signals() -> threading.Event:
    """Return an event that the first SIGTERM or SIGINT sets; the second one ends the process."""
    stop = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        del frame
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)
    return stop


class PlainLog:
    """Writes log lines for a person."""

    def debug(self, event: str, **fields: Any) -> None:
        """Say nothing."""

    def info(self, event: str, **fields: Any) -> None:
        """Say what happened."""
        self._say(event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Say what somebody should look at."""
        self._say(f"warning: {event}", fields)

    def error(self, event: str, **fields: Any) -> None:
        """Say what failed."""
        self._say(f"error: {event}", fields)

    def _say(self, event: str, fields: dict[str, Any]) -> None:
        said = ", ".join(f"{key}: {value}" for key, value in fields.items() if value is not None)
        note(f"{event} ({said})" if said else event)
