"""Judges a model by the holdout, over all rows and class by class. Argument: its version.

The gate: accuracy may not fall by more than three points below the model in production.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from lineseal.demo.pipeline import registry
from lineseal.demo.pipeline.tables import matrix, read_rows
from lineseal.producers import Emitter, dataset, model, report

HOLDOUT_FILE = "data/digits-holdout-1.csv"
MAX_DROP = 0.03


def main(version: str) -> int:
    """Evaluate the model and return the exit status: 0 passed the gate, 1 did not."""
    judged = model("registry", "digits", version=version, path=f"models/digits-{version}.joblib")
    report_file = _report_file(version)
    baseline = registry.production()
    with Emitter.from_env() as emitter, emitter.run("digits/evaluate", stage="evaluate") as run:
        run.reads(judged, dataset("lake", "digits-holdout", version="1", path=HOLDOUT_FILE))
        rows = read_rows(HOLDOUT_FILE)
        predicted = [str(label) for label in registry.load(version).predict(matrix(rows))]
        result = measure([row["label"] for row in rows], predicted)
        before = _accuracy(baseline) if baseline else 0.0
        outcome = "pass" if result["accuracy"] >= before - MAX_DROP else "fail"
        report_file.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
        run.writes(report("registry", "digits-evaluation", version=version, path=report_file))
        emitter.evaluate(
            judged,
            suite="digits-holdout",
            outcome=outcome,
            baseline=f"model:registry/digits@{baseline}" if baseline else None,
            metrics={"accuracy": result["accuracy"]},
            slices={
                f"digit {digit}": {"n": result["n"][digit], "recall": recall}
                for digit, recall in result["recall"].items()
            },
        )

    print(f"accuracy {result['accuracy']:.1%} on {len(rows):,} rows held out: {outcome}")
    return 0 if outcome == "pass" else 1


def measure(true: list[str], predicted: list[str]) -> dict[str, Any]:
    """Return accuracy, and for each digit how many there are and what share was found."""
    pairs = list(zip(true, predicted, strict=True))
    hits = [label for label, guess in pairs if label == guess]
    digits = sorted(set(true))
    return {
        "accuracy": len(hits) / len(pairs),
        "n": {digit: true.count(digit) for digit in digits},
        "recall": {digit: hits.count(digit) / true.count(digit) for digit in digits},
    }


def _report_file(version: str) -> Path:
    return Path(f"reports/digits-evaluation-{version}.json")


def _accuracy(version: str) -> float:
    return float(json.loads(_report_file(version).read_text("utf-8"))["accuracy"])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
