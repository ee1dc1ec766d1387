"""Makes what is only read once for all workers of pytest-xdist, not once for each."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], str]
) -> tuple[Path, str]:
    """Return the folder *name* and what *make* said of it; who comes first makes it.

    Others wait. Where it fails, the next one tries it in a folder of its own.
    """
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = base / f"{name}.said"
        if said.exists():
            made, _, text = said.read_text("utf-8").partition("\n")
            return Path(made), text
        folder = factory.mktemp(name)
        text = make(folder)
        said.write_text(f"{folder}\n{text}", "utf-8")
        return folder, text
