"""Trains a random forest on a training set. Argument: the version of both."""

from __future__ import annotations

import sys
from typing import Any

from sklearn.ensemble import RandomForestClassifier

from lineseal.demo.pipeline import registry
from lineseal.demo.pipeline.tables import matrix, read_rows
from lineseal.producers import Emitter, dataset, model

PARAMETERS: dict[str, Any] = {"n_estimators": 60, "random_state": 0}


def main(version: str) -> None:
    """Fit the model and store it under *version*."""
    training_file = f"data/digits-train-{version}.csv"
    with (
        Emitter.from_env() as emitter,
        emitter.run("digits/train", stage="train", parameters=PARAMETERS) as run,
    ):
        rows = read_rows(training_file)
        run.reads(
            dataset(
                "lake",
                "digits-train",
                version=version,
                path=training_file,
                rows=len(rows),
                role="training",
            )
        )
        forest = RandomForestClassifier(**PARAMETERS)
        forest.fit(matrix(rows), [row["label"] for row in rows])
        model_file = registry.save(version, forest)
        run.metric("training_rows", len(rows))
        trained = model("registry", "digits", version=version, path=model_file)
        run.writes(trained)
        emitter.register(trained, owner="vision-team", risk_tier="high")

    print(f"a random forest of {PARAMETERS['n_estimators']} trees on {len(rows):,} rows")


if __name__ == "__main__":
    main(*sys.argv[1:])
