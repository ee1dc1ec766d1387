"""The services of this package: the materialiser, and the API that answers beside it."""

from __future__ import annotations

from typing import Any

from lineseal.consumers.api import ApiServer
from lineseal.consumers.follow import follow
from lineseal.consumers.offer import STORE
from lineseal.consumers.running import opened
from lineseal.services import SUPERVISOR, ServiceContext


def materialiser(context: ServiceContext) -> None:
    """Verify what is in the log and materialise it into the store."""
    with (
        opened(context.home, context.settings) as work,
        context.shared.offering(STORE, work.store),
    ):
        context.ready()
        follow(work.materialiser, work.store, context.stop, context.log)


def api(context: ServiceContext) -> None:
    """Answer for the command line while the store is held open."""

    def readiness() -> tuple[bool, list[dict[str, Any]]]:
        supervisor = context.shared.get(SUPERVISOR)
        if supervisor is None:
            return True, []
        rows = [
            {
                "name": status.name,
                "state": status.state.value,
                "restarts": status.restarts,
                "error": status.error,
            }
            for status in supervisor.statuses()
        ]
        return supervisor.is_ready, rows

    def store() -> Any:
        return context.shared.get(STORE)

    with ApiServer(context.home, context.settings, store, context.log, readiness):
        context.ready()
        context.stop.wait()
