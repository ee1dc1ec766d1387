"""What must a service do, and what is it given? The protocol and its context.

A service that returns before ``stop`` is set had nothing to do here (no Kafka configured, say) and
is not started again; one that raises is reported and started again after a pause.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from lineseal.services.shared import Shared
from lineseal.settings import Home, Settings

STOP_SECONDS = 5.0
"""A service returns within this time once ``stop`` is set."""


class ServiceLog(Protocol):
    """Takes log lines: a constant message, and what varies in named fields.

    Never payload, secrets or a supplier's text: counts, codes, and names of this machine.
    """

    def debug(self, event: str, **fields: Any) -> Any:
        """Say what only a developer wants to know."""
        ...

    def info(self, event: str, **fields: Any) -> Any:
        """Say what happened."""
        ...

    def warning(self, event: str, **fields: Any) -> Any:
        """Say what somebody should look at."""
        ...

    def error(self, event: str, **fields: Any) -> Any:
        """Say what failed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceContext:
    """Hold everything a service may rely on.

    Attributes:
        name: The service's own name, as in the entry point.
        home: The installation.
        settings: Its settings, as they were when ``lineseal up`` started.
        stop: Set when the service has to end; wait on it instead of sleeping.
        ready: To be called once, when the service does what it is for. Calling it again is fine.
        log: Where to say something.
        shared: What services offer each other.

    """

    name: str
    home: Home
    settings: Settings
    stop: threading.Event
    ready: Callable[[], None]
    log: ServiceLog
    shared: Shared


class Service(Protocol):
    """Runs until it is told to stop; its docstring's first line is what ``--list`` shows."""

    def __call__(self, context: ServiceContext, /) -> None:
        """Do the work; return within ``STOP_SECONDS`` once ``context.stop`` is set.

        Raises:
            Exception: Whatever failed; the service is started again after a pause, unless it is
                a ``ConfigurationError`` before it was ever ready, which ends ``lineseal up``.

        """
        ...
