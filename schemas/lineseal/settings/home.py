"""The folder that holds everything of one installation."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lineseal.schemas.errors import HomeNotFound

HOME_FOLDER = ".lineseal"
HOME_VARIABLE = "LINESEAL_HOME"


@dataclass(frozen=True, slots=True)
class Home:
    """Name the places inside one home folder; nothing here touches the disk."""

    path: Path

    @property
    def config(self) -> Path:
        """Return the path of ``lineseal.toml``."""
        return self.path / "lineseal.toml"

    @property
    def keys(self) -> Path:
        """Return the folder of private signing keys (0700)."""
        return self.path / "keys"

    @property
    def root_keys(self) -> Path:
        """Return the folder of offline root keys: move it away from this machine."""
        return self.path / "root"

    @property
    def keyring(self) -> Path:
        """Return the path of the signed keyring."""
        return self.path / "keyring.json"

    @property
    def checkpoints(self) -> Path:
        """Return the folder of signed checkpoints: copy it to where this machine cannot write."""
        return self.path / "checkpoints"

    @property
    def containment(self) -> Path:
        """Return the path of the signed list of what must not be read."""
        return self.path / "containment.json"

    def resolve(self, relative: str) -> Path:
        """Return *relative* taken from the home folder; absolute paths stay as they are."""
        return self.path / Path(relative).expanduser()


def find_home(
    explicit: str | Path | None = None,
    *,
    start: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Home:
    """Find the home: *explicit*, else ``LINESEAL_HOME``, else ``.lineseal`` here or above.

    Raises:
        HomeNotFound: There is none, it may not be read, or the named folder has no
            ``lineseal.toml``.

    """
    environment = os.environ if environment is None else environment
    named = explicit or environment.get(HOME_VARIABLE)
    if named:
        home = Home(Path(named).expanduser().resolve())
        if not _exists(home):
            inside = Home(home.path / HOME_FOLDER)
            hint = (
                f"did you mean {inside.path}?" if _exists(inside) else "run 'lineseal init' first"
            )
            raise HomeNotFound(f"{home.path} has no lineseal.toml; {hint}")
        return home
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        home = Home(folder / HOME_FOLDER)
        if _exists(home):
            return home
    raise HomeNotFound(
        f"no {HOME_FOLDER} folder in {here} or above; run 'lineseal init --producer NAME' "
        f"or set {HOME_VARIABLE}"
    )


def _exists(home: Home) -> bool:
    try:
        return home.config.is_file()
    except OSError as error:
        raise HomeNotFound(f"cannot look into {home.path}: {error.strerror}") from error
