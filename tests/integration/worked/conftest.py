"""The one world of the worked case: every test only asks."""

from __future__ import annotations

import pytest
from tests.integration.worked.world import World


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Tell the story once and deliver it twice."""
    return World(tmp_path_factory.mktemp("worked"))
