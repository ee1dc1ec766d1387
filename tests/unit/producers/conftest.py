"""What the emitter's tests share: a home of their own, and an emitter of its producer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lineseal.producers import Emitter
from lineseal.settings import Home

from .world import make_home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Return a home with a producer and a person; it is the one that is found here."""
    monkeypatch.chdir(tmp_path)
    return make_home(tmp_path, "alice")


@pytest.fixture
def emitter(home: Home) -> Iterator[Emitter]:
    """Return an emitter of that home."""
    with Emitter.from_env(home=home.path) as emitter:
        yield emitter
