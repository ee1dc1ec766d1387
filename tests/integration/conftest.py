"""What integration tests share: one run of the demo, whose folder must only be read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.once import made_once


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run ``lineseal demo --json`` once and return its result; ``home`` says where it is.

    The caller's own home and settings are set to what would break it, were they used.
    """
    _, said = made_once(tmp_path_factory, "demo", _run_demo)
    result: dict[str, Any] = json.loads(said)
    return result


def _run_demo(folder: Path) -> str:
    hostile = {
        "LINESEAL_HOME": str(folder / "nowhere"),
        "LINESEAL_EMITTER__PRODUCER": "somebody-else",
        "LINESEAL_STORE__PATH": "elsewhere.duckdb",
    }
    done = subprocess.run(
        [sys.executable, "-m", "lineseal.commandline", "demo", "--json", "--dir", str(folder)],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, **hostile},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:] + done.stdout[-4000:]
    return done.stdout
