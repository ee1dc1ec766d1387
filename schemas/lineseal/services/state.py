"""How is a service doing? The states it goes through, as ``/ready`` and the logs name them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ServiceState(StrEnum):
    """Where a service stands."""

    STARTING = "starting"
    READY = "ready"
    FAILING = "failing"
    """It raised; it is started again after a pause."""
    IDLE = "idle"
    """It returned on its own: it has nothing to do in this installation."""
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """Say how one service is doing.

    Attributes:
        name: As in its entry point.
        state: Where it stands.
        restarts: How often it was started again.
        error: Code (or class) and message of its last failure; None once it is ready again.

    """

    name: str
    state: ServiceState
    restarts: int = 0
    error: str | None = None

    @property
    def is_ready(self) -> bool:
        """Tell whether nothing is to be waited for."""
        return self.state in {ServiceState.READY, ServiceState.IDLE}
