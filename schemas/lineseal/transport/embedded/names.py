"""Answers which files in a log folder belong to which producer.

One emitting process owns one file: ``<quoted producer>.<n>.sqlite``, with ``<...>.<n>.lock``
beside it. Nothing here opens a database: closing any descriptor of a SQLite file drops the POSIX
locks of the whole process on it, so only SQLite itself may open those.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from lineseal.schemas.errors import ConfigurationError, LogError
from lineseal.settings import Home, Settings
from lineseal.transport.base import EVENTS_TOPIC

DATABASE_SUFFIX = ".sqlite"
LOCK_SUFFIX = ".lock"
OUTBOX_FOLDER = "log"
_URL_SCHEME = "embedded:"
_KAFKA_SCHEME = "kafka:"
_MAX_STEM = 160
"""File names end at 255 bytes; number and suffixes need the rest."""
_STREAM_NAME = re.compile(rf"([A-Za-z0-9_.~%-]{{1,{_MAX_STEM}}})\.(?:0|[1-9][0-9]{{0,4}})\.sqlite")
_CUT_STEM = re.compile(rf"[A-Za-z0-9_.~%-]{{{_MAX_STEM - 33}}}~[0-9a-f]{{32}}")


@dataclass(frozen=True, slots=True)
class OutboxFile:
    """Name the files of one outbox; nothing here touches the disk."""

    database: Path

    @property
    def stream(self) -> str:
        """Return the stream name: the database's file name."""
        return self.database.name

    @property
    def lock(self) -> Path:
        """Return the path of the lock file beside the database."""
        return self.database.with_suffix(LOCK_SUFFIX)

    @property
    def ballast(self) -> Path:
        """Return the path of the file that keeps space back."""
        return self.database.with_suffix(".ballast")

    @property
    def wal(self) -> Path:
        """Return the path of SQLite's write-ahead log."""
        return self.database.with_name(f"{self.database.name}-wal")


def open_log_folder(settings: Settings, home: Home) -> Path:
    """Return the folder of the event files, made (0700) when it is not there.

    With a log in Kafka they are the outboxes that the relay ships from, in ``log`` of the home.

    Raises:
        ConfigurationError: ``[log] url`` names no log.
        LogError: The folder cannot be made.

    """
    url = settings.log.url
    folder = OUTBOX_FOLDER if url.startswith(_KAFKA_SCHEME) else url.removeprefix(_URL_SCHEME)
    if folder in (url, ""):
        # A URL may hold more than people should see: it is not repeated.
        raise ConfigurationError("[log] url must be embedded:FOLDER or kafka://HOST:PORT/PREFIX")
    path = home.resolve(folder) / EVENTS_TOPIC
    make_private_folder(path)
    return path


def make_private_folder(folder: Path) -> None:
    """Make *folder* and its missing parents, each 0700; one that exists keeps its mode.

    Raises:
        LogError: It cannot be made, or something that is no folder has its name.

    """
    try:
        if not folder.is_dir():
            if folder.parent != folder:
                make_private_folder(folder.parent)
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise LogError(f"cannot make the folder {folder}: {error.strerror}") from error


def file_stem(producer: str) -> str:
    """Quote a producer's name so that it fits a file name; very long ones end in a hash."""
    stem = quote(producer, safe="")
    if len(stem) > _MAX_STEM:
        digest = hashlib.sha256(producer.encode()).hexdigest()[:32]
        stem = f"{stem[: _MAX_STEM - 33]}~{digest}"
    return stem


def numbered(folder: Path, producer: str, number: int) -> OutboxFile:
    """Name a producer's file number *number*, from 0."""
    return OutboxFile(folder / f"{file_stem(producer)}.{number}{DATABASE_SUFFIX}")


def files_of(folder: Path, producer: str) -> list[OutboxFile]:
    """List the files a producer has in *folder*, lowest number first."""
    pattern = _pattern_of(producer)
    found = ((pattern.fullmatch(name), name) for name in stream_names(folder))
    return [
        OutboxFile(folder / name)
        for _, name in sorted((int(match[1]), name) for match, name in found if match)
    ]


def is_file_of(stream: str, producer: str) -> bool:
    """Tell whether *stream* is the name of one of the producer's files."""
    return _pattern_of(producer).fullmatch(stream) is not None


def _pattern_of(producer: str) -> re.Pattern[str]:
    return re.compile(re.escape(file_stem(producer)) + r"\.(\d+)" + re.escape(DATABASE_SUFFIX))


def stream_names(folder: Path) -> list[str]:
    """List the database files in *folder*, unsorted; none when the folder is not there.

    Raises:
        LogError: The folder cannot be listed.

    """
    try:
        names = [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise LogError(f"cannot list {folder}: {error.strerror}") from error
    return [name for name in names if _is_stream_name(name)]


def _is_stream_name(name: str) -> bool:
    """Tell whether ``numbered`` could have named a file so: any other is not one of a log."""
    match = _STREAM_NAME.fullmatch(name)
    if match is None:
        return False
    stem = match[1]
    # A stem that was cut ends in its hash, and may be cut within a quoted byte.
    return bool(_CUT_STEM.fullmatch(stem)) or quote(unquote(stem), safe="") == stem
