"""Fetches passwords and tokens from where they lie, and keeps them out of logs.

``env:NAME`` reads an environment variable, ``file:PATH`` the first line of a file, both anew
whenever they are needed, so that a token may be renewed beside us.
"""

from __future__ import annotations

import os
from pathlib import Path

from lineseal.schemas.errors import ConfigurationError

_MAX_SECRET_BYTES = 64 * 1024


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
