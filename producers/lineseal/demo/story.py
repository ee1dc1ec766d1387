"""What happens in the demo, in order: the set-up, model 1, the partner's feed and model 2."""

from __future__ import annotations

from dataclasses import dataclass

PRODUCER = "digits-pipeline"
LABELLER = "alice"
APPROVER = "bob"

FEED = "dataset:partner/digits-feed@1"
CLEAN_MODEL = "model:registry/digits@1"
POISONED_MODEL = "model:registry/digits@2"
FLIPPED_CLASS = "7"

SETUP: tuple[tuple[str, ...], ...] = (
    ("init", "--producer", PRODUCER),
    ("keys", "new", LABELLER, "--person", "--enrol"),
    ("keys", "new", APPROVER, "--person", "--enrol"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """Name one stage to run: the word shown, the module, and its arguments."""

    shown: str
    module: str
    arguments: tuple[str, ...] = ()


MODEL_ONE: tuple[Step, ...] = (
    Step("ingest", "ingest"),
    Step("validate", "validate", ("dataset:lake/digits-raw@1", "data/digits-raw-1.csv")),
    Step("label", "label"),
    Step(
        "review",
        "approve",
        ("dataset", "label_set:lake/digits-labels@1", "data/digits-labels-1.csv", LABELLER),
    ),
    Step("features", "features"),
    Step("split", "split"),
    Step("train", "train", ("1",)),
    Step("evaluate", "evaluate", ("1",)),
    Step("approve", "approve", ("promotion", CLEAN_MODEL, "models/digits-1.joblib", PRODUCER)),
    Step("promote", "promote", ("1",)),
)

MODEL_TWO: tuple[Step, ...] = (
    Step("deliver", "partner"),
    Step("receive", "receive"),
    Step("validate", "validate", (FEED, "data/digits-feed-1.csv")),
    Step("merge", "merge"),
    Step("validate", "validate", ("dataset:lake/digits-train@2", "data/digits-train-2.csv")),
    Step("train", "train", ("2",)),
    Step("evaluate", "evaluate", ("2",)),
    Step("approve", "approve", ("promotion", POISONED_MODEL, "models/digits-2.joblib", PRODUCER)),
    Step("promote", "promote", ("2",)),
)
