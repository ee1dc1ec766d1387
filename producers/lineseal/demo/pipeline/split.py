"""Splits the features into what models learn from and what they are judged by."""

from __future__ import annotations

from lineseal.demo.pipeline.tables import read_rows, shuffled, write_rows
from lineseal.producers import Emitter, dataset, feature_set

FEATURES_FILE = "data/digits-features-1.csv"
TRAINING_FILE = "data/digits-train-1.csv"
HOLDOUT_FILE = "data/digits-holdout-1.csv"
HOLDOUT_ROWS = 450


def main() -> None:
    """Write the training set and the holdout, and register what each is for."""
    rows = shuffled(read_rows(FEATURES_FILE), "holdout")
    held_out, kept = rows[:HOLDOUT_ROWS], rows[HOLDOUT_ROWS:]
    training = dataset("lake", "digits-train", version="1", path=TRAINING_FILE, rows=len(kept))
    holdout = dataset("lake", "digits-holdout", version="1", path=HOLDOUT_FILE, rows=len(held_out))

    with Emitter.from_env() as emitter, emitter.run("digits/split", stage="split") as run:
        run.reads(feature_set("lake", "digits-features", version="1", path=FEATURES_FILE))
        write_rows(TRAINING_FILE, kept)
        write_rows(HOLDOUT_FILE, held_out)
        run.writes(training, holdout)
        emitter.register(training, owner="vision-team", role="training", state="frozen")
        emitter.register(holdout, owner="vision-team", role="holdout", state="frozen")

    print(f"{len(kept):,} rows to train on, {len(held_out):,} held out")


if __name__ == "__main__":
    main()
