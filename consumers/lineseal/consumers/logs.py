"""How a running materialiser speaks: lines for a person, JSON for whoever collects logs.

A message is a constant; what varies stands in named fields, so that logs can be searched.
Nothing from an event is ever logged, only counts, codes and paths of this machine.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

from lineseal.commandline.escape import visible
from lineseal.transport.embedded.voice import SENDER

LOGGER_NAME = "lineseal"
_LIBRARIES = ("kafka", "opentelemetry", "uvicorn")


def configure_logs(*, as_json: bool, libraries: bool = False) -> None:
    """Send the messages of all Lineseal modules to stderr, as JSON or as plain lines.

    With *libraries* the warnings of the libraries that serve, ship and export go the same way.
    """
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Any = structlog.processors.JSONRenderer() if as_json else _plain
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_without_sender, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logger = logging.getLogger(LOGGER_NAME)
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
    for name in _LIBRARIES if libraries else ():
        library = logging.getLogger(name)
        library.handlers = [handler]
        library.setLevel(logging.WARNING)
        library.propagate = False
    structlog.configure(
        processors=[
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def get_logger(service: str | None = None) -> structlog.stdlib.BoundLogger:
    """Return the logger of the materialiser, or of a service of ``lineseal up`` by its name."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(f"{LOGGER_NAME}.consumers")
    return logger if service is None else logger.bind(service=service)


def _without_sender(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Take off what a message needs where nobody else says who speaks."""
    del logger, name
    event["event"] = str(event["event"]).removeprefix(SENDER)
    return event


def _plain(logger: WrappedLogger, name: str, event: EventDict) -> str:
    del logger, name
    fields = " ".join(
        f"{key}={value}"
        for key, value in event.items()
        if key not in ("event", "level", "timestamp")
    )
    level = event.get("level", "info")
    prefix = "" if level == "info" else f"{level}: "
    return visible(f"{prefix}{event['event']}" + (f" ({fields})" if fields else ""))
