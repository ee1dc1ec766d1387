"""What every test shares: a clean environment, and one wheel built from this tree."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.once import made_once

pytest_plugins = ("tests.kafka.plugin",)

ROOT = Path(__file__).resolve().parents[1]

# Bytecode may be written here whatever the caller says: without it each of the thousand programs
# that tests start would compile Lineseal anew, and each demo scikit-learn too.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A busy machine must not fail a test: speed is measured in bench/, never asserted.
settings.register_profile(
    "lineseal", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("lineseal")


def pytest_configure() -> None:
    """Hear signals that a suite in the background (``&``, ``nohup``) was started to ignore.

    Every program that a test starts would inherit that, and be deaf to what the test sends.
    """
    for number, handler in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGHUP, signal.SIG_DFL),
    ):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture(scope="session", autouse=True)
def _nobodys_environment() -> None:
    """Hide the developer's own Lineseal home and settings from every test."""
    _forget_settings()


@pytest.fixture(autouse=True)
def _clean_environment(_nobodys_environment: None) -> Iterator[None]:
    """Forget what a command run inside a test has set for the rest of its process (``--home``)."""
    yield
    _forget_settings()


def _forget_settings() -> None:
    for variable in [name for name in os.environ if name.startswith("LINESEAL_")]:
        del os.environ[variable]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a wheel as a release does: from a copy, in an isolated build environment."""
    folder, name = made_once(tmp_path_factory, "wheel", _build_wheel)
    return folder / name


def _build_wheel(folder: Path) -> str:
    source = folder / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    build = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--retries", "2", "--no-deps"),
            *("--wheel-dir", str(folder), str(source)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if build.returncode and "Retrying (" in build.stdout + build.stderr:
        pytest.skip(f"pip cannot reach a package index: {build.stderr[-300:]}")
    assert build.returncode == 0, build.stderr
    (built,) = folder.glob("lineseal-*.whl")
    return built.name
