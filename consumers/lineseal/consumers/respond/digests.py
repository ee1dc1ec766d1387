"""What exactly are the bytes at a path? Asks the emitter's code without importing it."""

from __future__ import annotations

from pathlib import Path

from lineseal.commandline.hooks import find_hook
from lineseal.schemas.errors import ConfigurationError

DIGEST_PATH = "digest-path"
"""Hook: takes a path; returns an object whose ``digest`` is ``sha256:HEX``."""


def digest_of(path: Path) -> str:
    """Return the digest of a file or folder as the emitter records it.

    Raises:
        Unreadable: It cannot be read, or changed meanwhile.

    """
    measure = find_hook(DIGEST_PATH)
    if measure is None:
        raise ConfigurationError("nothing here can hash files: is lineseal installed completely?")
    digest: str = measure(path).digest
    return digest
