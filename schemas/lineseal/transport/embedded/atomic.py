"""Replaces a small file as a whole: a crash leaves the old one or the new one."""

from __future__ import annotations

import os
from pathlib import Path

from lineseal.schemas.errors import LogError


def replace_file(path: Path, content: bytes) -> None:
    """Write *content* beside *path* (0600), sync it, and rename it over *path*.

    Raises:
        LogError: It cannot be written; the old file stands.

    """
    fresh = path.with_suffix(".new")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise LogError(f"cannot write {path}: {error.strerror}") from error
