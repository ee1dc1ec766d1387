"""Gets keys and keyrings onto the disk: never half, never over something else.

Private files are 0600 from the first moment, folders of private files 0700. A public file is
replaced in one step, so a reader sees the old or the new one.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from lineseal.schemas.errors import ConfigurationError, KeyUnusable

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
PUBLIC_FILE = 0o644


def create_private(path: Path, data: bytes) -> None:
    """Write *data* to a new file of mode 0600 and flush it to the disk.

    Raises:
        KeyUnusable: The file exists already, or cannot be written.

    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    except FileExistsError as error:
        raise KeyUnusable(f"{path} exists; a private key is never overwritten") from error
    except OSError as error:
        raise KeyUnusable(f"cannot write {path}: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(path.parent)


def make_private_folder(path: Path) -> None:
    """Make a folder of mode 0700; one that exists is left as it is."""
    path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)


def replace_public(path: Path, data: bytes) -> None:
    """Put *data* at *path* in one step, mode 0644, flushed to the disk.

    Raises:
        ConfigurationError: The folder cannot be written.

    """
    _replace(path, data, PUBLIC_FILE)


def replace_private(path: Path, data: bytes) -> None:
    """Put *data* at *path* in one step, mode 0600, flushed to the disk. See ``replace_public``."""
    _replace(path, data, PRIVATE_FILE)


def _replace(path: Path, data: bytes, mode: int) -> None:
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error
    _sync_folder(path.parent)


@contextmanager
def locked_folder(path: Path) -> Generator[None]:
    """Hold *path* against other commands that change keys, waiting for them."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
