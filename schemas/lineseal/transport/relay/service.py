"""The service that ships this home's outboxes to Kafka, for ``lineseal up``."""

from __future__ import annotations

from contextlib import ExitStack, closing

from lineseal.services import ServiceContext
from lineseal.transport.embedded import EmbeddedLogReader, open_log_folder
from lineseal.transport.open import is_kafka, open_kafka_writer
from lineseal.transport.relay.cursor import RelayCursor
from lineseal.transport.relay.ship import Relay, follow
from lineseal.transport.relay.telemetry import observe_backlog

_GRACE_SECONDS = 3.0
"""A service returns within five seconds; what is not acknowledged by then is shipped again."""


def relay(context: ServiceContext) -> None:
    """Ship sealed batches from this home's outboxes to Kafka, when the log is there."""
    url = context.settings.log.url
    if not is_kafka(url):
        context.log.info("the log is embedded: nothing to ship")
        return
    folder = open_log_folder(context.settings, context.home)
    observe_backlog(folder)
    with ExitStack() as stack:
        writer = stack.enter_context(closing(open_kafka_writer(url, context.home)))
        reader = stack.enter_context(closing(EmbeddedLogReader(folder)))
        cursor = stack.enter_context(closing(RelayCursor.open(folder.parent)))
        ship = Relay(reader, writer, cursor)
        context.ready()
        follow(ship, context.stop.is_set, context.log.warning, grace=_GRACE_SECONDS)
        context.log.info("relay stopped", shipped=ship.shipped, waiting=ship.waiting)
