"""One home and one gateway for all tests of a module that only send."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.openlineage.gateway import Gateway, lineseal, receiving_home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home that receives."""
    return receiving_home(tmp_path_factory.mktemp("receiving") / "home")


@pytest.fixture(scope="module")
def token(home: Path) -> str:
    """Let airflow send about anything in ns."""
    return lineseal(home, "gateway", "allow", "airflow", "--namespace", "ns*").strip()


@pytest.fixture(scope="module")
def gateway(home: Path, token: str) -> Iterator[Gateway]:
    """Run a gateway."""
    with Gateway(home) as running:
        yield running
