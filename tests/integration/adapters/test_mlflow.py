"""MLflow 3 as it is, watched: what is recorded, and that the job never notices.

What is promised: digests over all content, MLflow's own kept as a claim, promotions, a job that
survives.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.unit.producers.world import Said, said_in, states

import lineseal.producers.adapters.mlflow as lineseal_mlflow
from lineseal.producers import Emitter
from lineseal.producers.capture.digest import digest_path
from lineseal.schemas.errors import Contained as Refused
from lineseal.schemas.ids import now_us
from lineseal.schemas.model import Artifact, Kind
from lineseal.settings import Home, load_settings
from lineseal.signing.containment import Contained, ContainmentList, sign_containment_list
from lineseal.signing.signers import file_uri, load_signer

pytestmark = [
    pytest.mark.filterwarnings(text)
    for text in (
        # MLflow's own: hints to its users, and what its libraries will drop.
        "ignore:.*noload.. loader strategy is deprecated",
        "ignore:Starting with pandas version 4.0",
        "ignore:Hint. Inferred schema contains integer column",
        "ignore:The specified dataset source can be interpreted in multiple ways",
        "ignore:.*Add type hints to the `predict` method",
        "ignore:.*Any type hint is inferred as AnyType",
        "ignore:.*transition_model_version_stage.. is deprecated:FutureWarning",
    )
]
Told = Callable[[], list[Said]]


def test_flipping_most_labels_escapes_mlflows_digest_and_not_ours(mlflow: Any, told: Told) -> None:
    """50,000 of 60,000 labels flipped: MLflow says that nothing changed."""
    lineseal_mlflow.install()
    for flipped in (0, 50_000):
        with mlflow.start_run():
            mlflow.log_input(mlflow.data.from_pandas(labelled(flipped), name="train"))

    clean, poisoned = inputs(told())

    assert clean["reported_digest"] == poisoned["reported_digest"]
    assert clean["reported_digest"].startswith("mlflow:")
    assert clean["artifact"]["digest"] != poisoned["artifact"]["digest"]
    assert (clean["rows"], clean["artifact"]["name"]) == (60_000, "train")


@pytest.mark.parametrize("library", ["pandas", "numpy"])
def test_autologging_records_the_labels_too(mlflow: Any, told: Told, library: str) -> None:
    """For a data frame MLflow logs no labels at all; one flipped label changes our digest."""
    from sklearn.linear_model import LogisticRegression

    lineseal_mlflow.install()
    mlflow.sklearn.autolog(log_models=False, log_post_training_metrics=False)
    rows = np.arange(40.0).reshape(20, 2)
    labels = np.arange(20) % 2
    flipped = labels.copy()
    flipped[7] = 1 - flipped[7]
    try:
        for target in (labels, flipped, labels):
            table: Any = pd.DataFrame(rows, columns=["a", "b"]) if library == "pandas" else rows
            LogisticRegression(C=0.5).fit(table, target)
    finally:
        mlflow.sklearn.autolog(disable=True)
    said = told()

    first, second, third = inputs(said)
    assert first["artifact"]["digest"] == third["artifact"]["digest"]
    assert first["artifact"]["digest"] != second["artifact"]["digest"]
    assert first["role"] == "training"
    assert states(said).count("COMPLETE") == 3
    assert {"key": "C", "value": "0.5"} in parameters(said)


def test_a_model_is_followed_from_its_file_to_its_alias(
    mlflow: Any, told: Told, tmp_path: Path
) -> None:
    """File, table, run, logged model, registered version, promotion: each knows the one before."""
    labelled(0).to_csv("train.csv", index=False)
    lineseal_mlflow.install(locate=lambda uri: f"dataset:lake/{uri}@3")
    with mlflow.start_run() as run:
        table = pd.read_csv("train.csv")
        mlflow.log_input(
            mlflow.data.from_pandas(table, source="train.csv", name="train"), "training"
        )
        info = log_model(mlflow)
    version = mlflow.register_model(info.model_uri, "fraud-model")
    mlflow.MlflowClient().set_registered_model_alias("fraud-model", "champion", version.version)
    said = told()

    load = run_of(said, "fraud.load")
    assert names(load["inputs"]) == ["lake/train.csv@3"]
    assert load["inputs"][0]["artifact"]["digest"] == digest_path(tmp_path / "train.csv").digest
    (read,) = (one for one in inputs(said) if one["role"] == "training")
    assert load["outputs"][0]["artifact"] == read["artifact"]

    logged = next(
        one.body["outputs"][0]["artifact"] for one in of_run(said, run) if one.body["outputs"]
    )
    stored = Path(mlflow.get_logged_model(info.model_id).artifact_location.removeprefix("file://"))
    assert (logged["name"], logged["version"]) == ("scorer", info.model_id)
    assert logged["digest"] == digest_path(stored).digest

    registering = run_of(said, "fraud-model.register")
    written = registering["outputs"][0]["artifact"]
    assert registering["inputs"][0]["artifact"] == logged
    assert (written["name"], written["version"]) == ("fraud-model", "1")
    assert written["digest"] == logged["digest"]

    promotion = next(one.body for one in said if one.body_name == "promotion")
    assert promotion["artifact"]["version"] == "1"
    assert (promotion["action"], promotion["to_environment"]) == ("promote", "champion")


def test_stages_promote_and_archiving_retires(mlflow: Any, told: Told) -> None:
    """The older way of promoting is heard as well."""
    lineseal_mlflow.install()
    with mlflow.start_run():
        info = log_model(mlflow)
    mlflow.register_model(info.model_uri, "m")
    client = mlflow.MlflowClient()
    client.transition_model_version_stage("m", "1", "Production")
    client.transition_model_version_stage("m", "1", "Archived")

    promotions = [one.body for one in told() if one.body_name == "promotion"]

    assert [each["action"] for each in promotions] == ["promote", "retire"]
    assert promotions[0]["to_environment"] == "Production"


def test_runs_keep_their_ids_parents_ends_and_numbers(mlflow: Any, told: Told) -> None:
    """Nested, failed and resumed runs are told as MLflow tells them; NaN is left out."""
    lineseal_mlflow.install()
    with mlflow.start_run() as outer:
        mlflow.log_param("depth", 3)
        mlflow.log_metrics({"auc": 0.5, "loss": float("nan")})
        mlflow.log_metric("auc", 0.75)
        with pytest.raises(ZeroDivisionError), mlflow.start_run(nested=True) as inner:
            _ = 1 / 0
    with mlflow.start_run(run_id=outer.info.run_id):
        mlflow.log_param("again", "yes")
    said = told()

    begun, ended, *resumed = [one.body for one in of_run(said, outer)]
    assert (begun["state"], ended["state"]) == ("START", "COMPLETE")
    assert ended["metrics"] == [{"name": "auc", "value": 0.75}]
    assert {"key": "depth", "value": "3"} in ended["parameters"]
    assert [one["state"] for one in resumed] == ["START", "COMPLETE"]
    nested = [one.body for one in of_run(said, inner)]
    assert nested[0]["parent"]["run_id"] == outer.info.run_id
    assert nested[0]["parent"]["job_name"] == "fraud"
    assert nested[-1]["state"] == "FAIL"


def test_the_job_survives_whatever_goes_wrong_in_us(
    mlflow: Any, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a broken callback nor a missing home reaches the job; it is logged."""
    caplog.set_level(logging.WARNING, "lineseal")

    def broken(uri: str) -> str:
        raise RuntimeError("ours")

    Path("d.csv").write_text("a\n1\n")
    lineseal_mlflow.install(locate=broken)
    with mlflow.start_run():
        mlflow.log_input(mlflow.data.from_pandas(labelled(0).head(), source="d.csv"))
    lineseal_mlflow.uninstall()
    lineseal_mlflow.install(Emitter(None))
    with mlflow.start_run() as run:
        mlflow.log_input(mlflow.data.from_pandas(labelled(0).head()))
        mlflow.log_param("a", object())

    assert mlflow.get_run(run.info.run_id).info.status == "FINISHED"
    assert "RuntimeError: ours" in caplog.text


def test_what_is_frozen_is_refused_at_log_input(mlflow: Any, home: Home) -> None:
    """The one way in which a job is stopped; MLflow ends its run as failed."""
    name = load_settings(home, {}).deployment.name
    frozen = Contained(
        type="artifact",
        reference="dataset:mlflow/train",
        name=None,
        action="freeze",
        reason="labels flipped",
        ordered_by="alice",
        since=1,
        event_id="order-1",
        artifacts=(Artifact(kind=Kind.DATASET, namespace="mlflow", name="train"),),
    )
    now = now_us()
    orders = ContainmentList(deployment=name, version=now, at=now, contained=(frozen,))
    signer = load_signer(file_uri(home.keys / "materialiser.pem"))
    home.containment.write_bytes(sign_containment_list(orders, signer))
    lineseal_mlflow.install()
    with pytest.raises(Refused), mlflow.start_run() as run:
        mlflow.log_input(mlflow.data.from_pandas(labelled(0).head(), name="train"))

    assert mlflow.get_run(run.info.run_id).info.status == "FAILED"


def test_uninstalling_leaves_mlflow_as_it_was(mlflow: Any, home: Home) -> None:
    """The methods are the ones from before, and nothing more is recorded."""
    client = __import__(
        "mlflow.tracking._tracking_service.client", fromlist=["x"]
    ).TrackingServiceClient
    before = dict(client.__dict__)
    lineseal_mlflow.install()
    lineseal_mlflow.install()
    watched = client.create_run is not before["create_run"]
    lineseal_mlflow.uninstall()
    lineseal_mlflow.uninstall()
    with mlflow.start_run():
        pass

    assert watched
    assert dict(client.__dict__) == before
    assert said_in(home) == []


def labelled(flipped: int) -> pd.DataFrame:
    """Return 60,000 rows; the labels of the last *flipped* ones are flipped."""
    labels = np.zeros(60_000, dtype="int64")
    labels[60_000 - flipped :] = 1
    return pd.DataFrame({"amount": np.arange(60_000) * 1.5, "label": labels})


def log_model(mlflow: Any) -> Any:
    """Log a small model, as a file of code: the way that pickles nothing."""
    Path("scorer.py").write_text(
        "import mlflow\n"
        "class Scorer(mlflow.pyfunc.PythonModel):\n"
        "    def predict(self, context, model_input):\n"
        "        return model_input\n"
        "mlflow.models.set_model(Scorer())\n"
    )
    return mlflow.pyfunc.log_model(name="scorer", python_model="scorer.py", pip_requirements=[])


def inputs(said: list[Said]) -> list[dict[str, Any]]:
    """Return what the runs of MLflow read, in order."""
    runs = [one.body for one in said if one.body_name == "run" and one.body["state"] == "RUNNING"]
    return [use for body in runs for use in body["inputs"]]


def parameters(said: list[Said]) -> list[dict[str, str]]:
    """Return the parameters of all runs."""
    return [pair for one in said if one.body_name == "run" for pair in one.body["parameters"]]


def names(uses: list[dict[str, Any]]) -> list[str]:
    """Return the names and versions of what was used."""
    return ["{namespace}/{name}@{version}".format(**use["artifact"]) for use in uses]


def run_of(said: list[Said], job: str) -> dict[str, Any]:
    """Return the body of the one event of a job."""
    (found,) = (one.body for one in said if (one.record["job"] or {}).get("name") == job)
    return found


def of_run(said: list[Said], run: Any) -> list[Said]:
    """Return the events of one run of MLflow."""
    return [one for one in said if one.record["run_id"] == run.info.run_id]
