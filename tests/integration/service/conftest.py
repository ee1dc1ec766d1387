"""What the tests of a running service share: a home that signed batches were materialised into."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from tests import warm
from tests.integration.service.kit import Service, emit, lineseal
from tests.integration.test_query_commands import build

from lineseal.settings import Home


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home whose store has models, a feed and a reject."""
    return build(tmp_path_factory.mktemp("answered"))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Make a home with one enrolled producer, and one run in its store."""
    made = warm.run("init", "--producer", "trainer", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    home = Home(tmp_path / ".lineseal")
    emit(home, "run-1")
    done = lineseal(home, "materialise")
    assert done.returncode == 0, done.stderr
    return home


@pytest.fixture
def following(home: Home) -> Generator[Service]:
    """Run ``lineseal materialise --follow`` beside the test."""
    with Service(home, "materialise", "--follow") as service:
        service.wait_until_it_answers()
        yield service
