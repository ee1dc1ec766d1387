"""What the tests of adapters share: a home in an empty folder, with MLflow's store beside it."""

from __future__ import annotations

import importlib
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.producers.world import Said, make_home, said_in

import lineseal.producers.adapters.mlflow as lineseal_mlflow
from lineseal.producers import Emitter
from lineseal.settings import Home


def load(name: str) -> Any:
    """Import a module that warns about itself and has no types."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Return a home; it is the one that is found here."""
    monkeypatch.chdir(tmp_path)
    return make_home(tmp_path)


@pytest.fixture
def emitter(home: Home) -> Iterator[Emitter]:
    """Return an emitter of that home."""
    with Emitter.from_env(home=home.path) as made:
        yield made


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty tracking store: MLflow takes two seconds to make one."""
    path = tmp_path_factory.mktemp("mlflow") / "store.db"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SQLAlchemy's, about how MLflow uses it
        load("mlflow").MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def mlflow(
    home: Home, tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """Return MLflow with a store of its own and the experiment ``fraud``; nothing is watched."""
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    library = load("mlflow")
    shutil.copy(empty_store, tmp_path / "store.db")
    library.set_tracking_uri(f"sqlite:///{tmp_path}/store.db")
    library.set_experiment("fraud")
    yield library
    while library.active_run() is not None:
        library.end_run()
    lineseal_mlflow.uninstall()


@pytest.fixture
def told(home: Home) -> Callable[[], list[Said]]:
    """Return a function that stops watching and returns what was said."""

    def tell() -> list[Said]:
        lineseal_mlflow.uninstall()
        return said_in(home)

    return tell
