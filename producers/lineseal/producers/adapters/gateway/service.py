"""The gateway as services of ``lineseal up``: over HTTP, and from a topic of Kafka."""

from __future__ import annotations

from lineseal.producers.adapters.gateway.topic import TopicIntake, follow
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


def gateway_topic(context: ServiceContext) -> None:
    """Read OpenLineage events from Kafka, where [gateway] topic names a topic."""
    if not context.settings.gateway.topic:
        return
    with TopicIntake(context.home, context.settings, context.log) as intake:
        context.log.info("reading OpenLineage events from Kafka")
        context.ready()
        follow(intake, context.stop, context.log)
