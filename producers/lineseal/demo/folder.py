"""The folder the demo works in: made when it is missing, cleared only when it is the demo's.

A marker file says that a folder is a former demo. Only entries that the demo makes are ever
removed; a folder with anything else in it and no marker is refused.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from lineseal.schemas.errors import ConfigurationError
from lineseal.settings import HOME_FOLDER

_MARKER = ".lineseal-demo"
_MADE_BY_US = (HOME_FOLDER, "data", "incoming", "models", "reports")


def prepare(folder: Path) -> Path:
    """Make *folder* ready for a new run and return its absolute path.

    Raises:
        ConfigurationError: It is a file, or holds something and is not a former demo.

    """
    folder = folder.expanduser().resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not (folder / _MARKER).is_file():
            raise ConfigurationError(
                f"{folder} is not empty and not a former demo; name a new or an empty folder"
            )
        for name in _MADE_BY_US:
            if (folder / name).is_dir():
                shutil.rmtree(folder / name)
        (folder / _MARKER).write_text("Made by 'lineseal demo'; run again, it starts over.\n")
    except OSError as error:
        raise ConfigurationError(f"cannot use {folder}: {error}") from error
    return folder
