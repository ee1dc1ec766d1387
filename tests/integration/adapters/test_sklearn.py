"""A decorated training function: each call is a run with digests, parameters and a model."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from tests.unit.producers.world import Said, said_in, states, told_by

from lineseal.producers import Emitter, current_run
from lineseal.producers.adapters.sklearn import traced
from lineseal.settings import Home

X = pd.DataFrame({"a": np.arange(20.0), "b": np.arange(20.0)[::-1]})
Y = np.arange(20) % 2


def test_a_call_is_a_run_that_reads_its_arguments_and_writes_its_model(home: Home) -> None:
    """Data with digest and REF, parameters of the call and of the estimator, the saved file."""
    emitter = Emitter.from_env()

    @traced(
        "fraud/train",
        model="model:registry/fraud@7",
        path="model.pkl",
        reads={"X": "dataset:lake/transactions@3"},
        emitter=emitter,
    )
    def train(X: Any, y: Any, strength: float = 0.5) -> Any:  # noqa: N803 - its usual name
        """Train."""
        fitted = LogisticRegression(C=strength).fit(X, y)
        run = current_run()
        assert run is not None
        run.metric("score", fitted.score(X, y))
        Path("model.pkl").write_bytes(pickle.dumps(fitted))
        return fitted

    estimator = train(X, y=Y)
    said = told_by(emitter, home)

    assert (train.__name__, estimator.C) == ("train", 0.5)
    assert states(said) == ["START", "RUNNING", "RUNNING", "COMPLETE"]
    features, labels = said[1].body["inputs"]
    assert (features["artifact"]["name"], features["artifact"]["version"]) == ("transactions", "3")
    assert features["artifact"]["digest"].startswith("sha256:")
    assert (labels["artifact"]["name"], labels["rows"]) == ("train.y", 20)
    written = said[2].body["outputs"][0]["artifact"]
    assert (
        written["digest"] == f"sha256:{hashlib.sha256(Path('model.pkl').read_bytes()).hexdigest()}"
    )
    pairs = {pair["key"]: pair["value"] for pair in said[3].body["parameters"]}
    assert (pairs["estimator"], pairs["C"], pairs["strength"]) == (
        "LogisticRegression",
        "0.5",
        "0.5",
    )
    assert said[3].body["metrics"][0]["name"] == "score"


def test_one_flipped_label_is_another_digest(home: Home) -> None:
    """The same data is the same digest."""
    emitter = Emitter.from_env()
    train = traced("fraud/train", emitter=emitter)(same)
    flipped = Y.copy()
    flipped[3] = 1 - flipped[3]
    for labels in (Y, flipped, Y):
        train(labels)

    first, second, third = digests(told_by(emitter, home))

    assert first == third != second


def test_the_functions_own_exception_goes_on_and_the_run_fails(home: Home) -> None:
    """Nothing is written by a training that failed; a wrong call is the caller's TypeError."""
    emitter = Emitter.from_env()

    @traced("fraud/train", model="model:registry/fraud@7", emitter=emitter)
    def train(y: Any) -> None:
        """Fail."""
        raise ArithmeticError("no convergence")

    with pytest.raises(ArithmeticError, match="no convergence"):
        train(Y)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        train()  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    said = told_by(emitter, home)

    assert states(said).count("FAIL") == 2
    assert not any(one.body["outputs"] for one in said)


def test_without_a_home_the_function_works_as_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And also with a REF that is none, and an estimator that cannot say its parameters."""
    monkeypatch.chdir(tmp_path)

    class Odd:
        """An estimator that is none."""

        def get_params(self, **_: bool) -> dict[str, Any]:
            """Fail."""
            raise RuntimeError

    @traced("fraud/train", reads={"y": "no reference"}, model="neither")
    def train(y: Any) -> Odd:
        """Return something."""
        return Odd()

    assert isinstance(train(Y), Odd)


def test_what_is_wrong_with_us_is_counted_and_nothing_more(home: Home) -> None:
    """A REF that cannot be parsed is one lost fact; the run stands."""
    emitter = Emitter.from_env()
    traced("fraud/train", reads={"y": "no reference"}, emitter=emitter)(same)(Y)
    emitter.close()

    assert emitter.stats.dropped == 1
    assert states(said_in(home)) == ["START", "COMPLETE"]


def same(y: Any) -> Any:
    """Return what it is given."""
    return y


def digests(said: list[Said]) -> list[str]:
    """Return the digests of what was read."""
    return [use["artifact"]["digest"] for one in said for use in one.body.get("inputs", ())]
