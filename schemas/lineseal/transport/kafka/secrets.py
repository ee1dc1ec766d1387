"""Gives kafka-python its secrets, and keeps them out of logs.

They are read anew for every connection (``lineseal.settings.secrets``). kafka-python writes its
configuration and its requests, credentials included, to its debug log; importing this module
stops that.
"""

from __future__ import annotations

import logging
from pathlib import Path

from kafka.net.sasl.oauth import AbstractTokenProvider

from lineseal.settings.secrets import Secret, read_secret

__all__ = ["Secret", "TokenFromReference", "read_secret"]

_LOGGERS_OF_THE_WIRE = ("kafka.net.connection", "kafka.protocol.parser")


class TokenFromReference(AbstractTokenProvider):  # type: ignore[misc]
    """Gives kafka-python the bearer token as it stands at the moment of connecting."""

    def __init__(self, option: str, reference: str, folder: Path) -> None:
        """Read the token from *reference* whenever it is asked for."""
        super().__init__()
        self._source = (option, reference, folder)

    def token(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride] - wrong stub
        """Return the token."""
        return read_secret(*self._source)


class _NoWire(logging.Filter):
    """Drops what prints requests and responses: the SASL exchange is among them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return False for anything below a warning or notice."""
        return record.levelno >= logging.INFO


for _name in _LOGGERS_OF_THE_WIRE:
    logging.getLogger(_name).addFilter(_NoWire())
