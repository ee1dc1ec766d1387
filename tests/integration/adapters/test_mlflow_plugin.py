"""MLflow records by itself where the home says so: the job has no line of ours.

What is promised: the entry point is enough, for runs and for a process that only promotes; it does
nothing unless asked; a missing or broken home never keeps a job from importing MLflow.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.producers.world import said_in

from lineseal.settings import Home

OWN = ("MLFLOW_", "LINESEAL_")
TRAIN = """
import mlflow
mlflow.set_experiment("fraud")
mlflow.sklearn.autolog(log_models=False, log_post_training_metrics=False)
import pandas as pd
from sklearn.linear_model import LogisticRegression
rows = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0]})
with mlflow.start_run():
    mlflow.log_input(mlflow.data.from_pandas(rows, name="train"))
for labels in ([0, 1, 0, 1], [0, 1, 1, 1]):
    LogisticRegression().fit(rows, labels)
print("the job ends")
"""
PROMOTE = """
import mlflow
client = mlflow.MlflowClient()
client.create_registered_model("fraud")
client.create_model_version("fraud", "models/1")
client.set_registered_model_alias("fraud", "champion", "1")
print("the job ends")
"""


def job(program: str, folder: Path, **environment: str) -> str:
    """Run a job; return what it logged."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=folder,
        env={
            **{key: text for key, text in os.environ.items() if not key.startswith(OWN)},
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_TRACKING_URI": "sqlite:///store.db",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert "the job ends" in done.stdout, done.stderr
    return done.stderr


@pytest.fixture
def folder(home: Home, empty_store: Path, tmp_path: Path) -> Path:
    """Give a folder with a home and an empty store of MLflow."""
    shutil.copy(empty_store, tmp_path / "store.db")
    return home.path.parent


def test_runs_are_recorded_without_a_line_of_ours(folder: Path, home: Home) -> None:
    """The home's setting is enough; autologged labels are hashed as well."""
    job(TRAIN, folder, LINESEAL_EMITTER__MLFLOW="true")

    runs = [one.body for one in said_in(home) if one.body_name == "run"]
    uses = [use["artifact"] for run in runs for use in run["inputs"]]
    assert [run["state"] for run in runs].count("COMPLETE") == 3
    assert uses[0]["name"] == "train"
    assert len({use["digest"] for use in uses}) == 3


def test_a_process_that_only_promotes_is_recorded_too(folder: Path, home: Home) -> None:
    """It starts no run, so MLflow never asks the plugin for tags."""
    job(PROMOTE, folder, LINESEAL_EMITTER__MLFLOW="true")

    assert [one.body_name for one in said_in(home)] == ["run", "promotion"]


def test_nothing_is_recorded_unless_asked(folder: Path, home: Home, tmp_path: Path) -> None:
    """Having Lineseal installed beside MLflow changes nothing; nor does a home that is missing."""
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    elsewhere.mkdir()
    shutil.copy(folder / "store.db", elsewhere)

    assert "lineseal" not in job(PROMOTE, folder).lower()
    assert "not recorded" not in job(PROMOTE, elsewhere, LINESEAL_EMITTER__MLFLOW="true")
    assert said_in(home) == []


def test_a_broken_home_does_not_keep_mlflow_from_being_imported(folder: Path, home: Home) -> None:
    """It is said, and the job goes on."""
    (home.path / "lineseal.toml").write_text("this is no TOML")

    assert "MLflow is not recorded" in job(PROMOTE, folder, LINESEAL_EMITTER__MLFLOW="true")
