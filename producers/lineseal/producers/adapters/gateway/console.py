"""Where commands of the gateway that run for long log: on the screen, for a person."""

from __future__ import annotations

from typing import Any

from lineseal.commandline.output import note


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
