"""The gateway as a service of ``lineseal up``."""

from __future__ import annotations

from lineseal.schemas.errors import MissingExtra
from lineseal.services import ServiceContext


def gateway(context: ServiceContext) -> None:
    """Receive OpenLineage events over HTTP, where [gateway] listen says so."""
    if not context.settings.gateway.listen:
        return
    try:
        from lineseal.producers.adapters.gateway.server import GatewayServer  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise MissingExtra("the gateway needs: pip install 'lineseal[gateway]'") from error
    with GatewayServer(context.home, context.settings, context.log) as server:
        context.log.info("listening for OpenLineage clients", port=server.port)
        context.ready()
        context.stop.wait()
