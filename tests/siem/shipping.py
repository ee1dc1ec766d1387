"""Ships what a home holds, with the command a person types, to sinks that a test started."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests import warm


def sink(name: str, **settings: str) -> dict[str, str]:
    """Return the settings of one sink as environment variables."""
    return {f"LINESEAL_SINKS__{name}__{key}".upper(): value for key, value in settings.items()}


def forward(home: Path, settings: dict[str, str]) -> None:
    """Ship everything there is."""
    environment = {**os.environ, **settings, "TOKEN": "secret-token"}
    done = warm.run("--home", home, "forward", "--once", env=environment)
    assert done.returncode == 0, done.stdout + done.stderr


def ids(text: str) -> tuple[str, int]:
    """Return uid and number of one OCSF document."""
    document = json.loads(text)
    return document["metadata"]["uid"], document["unmapped"]["feed_seq"]
