"""Turns images and labels into features: pixels scaled to 0 to 1, and the label."""

from __future__ import annotations

from lineseal.demo.pipeline.tables import read_rows, to_features, write_rows
from lineseal.producers import Emitter, dataset, feature_set, label_set

RAW_FILE = "data/digits-raw-1.csv"
LABELS_FILE = "data/digits-labels-1.csv"
FEATURES_FILE = "data/digits-features-1.csv"


def main() -> None:
    """Join the images with their labels and write the features."""
    with Emitter.from_env() as emitter, emitter.run("digits/features", stage="features") as run:
        run.reads(
            dataset("lake", "digits-raw", version="1", path=RAW_FILE),
            label_set("lake", "digits-labels", version="1", path=LABELS_FILE),
        )
        labels = {row["id"]: row["label"] for row in read_rows(LABELS_FILE)}
        rows = [to_features(row, labels[row["id"]]) for row in read_rows(RAW_FILE)]
        write_rows(FEATURES_FILE, rows)
        features = feature_set("lake", "digits-features", version="1", path=FEATURES_FILE)
        run.writes(features)
        emitter.register(features, owner="vision-team", state="frozen")

    print(f"{len(rows):,} images joined with their labels, 64 features each")


if __name__ == "__main__":
    main()
