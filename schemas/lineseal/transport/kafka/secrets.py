"""Fetches passwords and tokens from where they lie, and keeps them out of logs.

``env:NAME`` reads an environment variable, ``file:PATH`` the first line of a file, both anew for
every connection, so that a token may be renewed beside us. kafka-python writes its configuration
and its requests, credentials included, to its debug log; importing this module stops that.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from kafka.net.sasl.oauth import AbstractTokenProvider

from lineseal.schemas.errors import ConfigurationError

_MAX_SECRET_BYTES = 64 * 1024
_LOGGERS_OF_THE_WIRE = ("kafka.net.connection", "kafka.protocol.parser")


class Secret(str):
    """A text that does not show itself when it is printed inside a structure."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return a mask."""
        return "'********'"


def read_secret(option: str, reference: str, folder: Path) -> Secret:
    """Read the secret *reference* names; relative paths start at *folder*.

    Raises:
        ConfigurationError: It is not there, is empty, or is no text.

    """
    scheme, _, name = reference.partition(":")
    if scheme == "env":
        value = os.environ.get(name, "")
        if not value:
            raise ConfigurationError(f"{option}: the environment variable {name} is not set")
        return Secret(value)
    path = folder / Path(name).expanduser()
    try:
        with path.open("rb") as file:
            lines = file.read(_MAX_SECRET_BYTES).decode("utf-8").splitlines()
    except OSError as error:
        raise ConfigurationError(f"{option}: cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{option}: {path} is not text") from None
    if not lines or not lines[0].strip():
        raise ConfigurationError(f"{option}: {path} is empty")
    return Secret(lines[0].strip())


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
