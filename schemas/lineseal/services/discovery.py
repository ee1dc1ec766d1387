"""Which services are installed? Found through entry points, loaded one by one.

A service whose packages are missing does not keep the others from running: it is listed with
the reason.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from importlib.metadata import entry_points

from lineseal.services.contract import Service

SERVICE_GROUP = "lineseal.services"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundService:
    """Name a service that is registered.

    Attributes:
        name: Its entry point's name.
        service: What to call; None when it cannot be loaded.
        summary: What it does, in one line; or why it cannot be loaded.

    """

    name: str
    service: Service | None
    summary: str


def find_services() -> list[FoundService]:
    """Load every registered service, sorted by name."""
    found: list[FoundService] = []
    for entry in sorted(entry_points(group=SERVICE_GROUP), key=lambda entry: entry.name):
        try:
            service: Service = entry.load()
        except ModuleNotFoundError as error:
            reason = f"cannot be loaded: {error}"
            found.append(FoundService(name=entry.name, service=None, summary=reason))
            continue
        summary = (inspect.getdoc(service) or "").partition("\n")[0]
        found.append(FoundService(name=entry.name, service=service, summary=summary))
    return found
