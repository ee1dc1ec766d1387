"""Emits signed lineage events from a job; it never blocks, slows or breaks the job.

``Emitter.from_env()`` gives an emitter; ``emitter.run("fraud/train", stage="train")`` a run;
``run.reads(dataset("lake", "transactions", path="data/transactions.parquet"))`` hashes a file
and records it; ``run.writes(model("registry", "fraud", version="7", path="model.pkl"))`` too.
"""

from lineseal.producers.artifacts import (
    ArtifactLike,
    ArtifactSpec,
    SubjectLike,
    artifact,
    checkpoint,
    code,
    config,
    dataset,
    embedding_set,
    feature_set,
    image,
    label_set,
    model,
    model_update,
    preference_set,
    report,
)
from lineseal.producers.emitter import Emitter
from lineseal.producers.run import Run, current_run
from lineseal.producers.tally import Stats

__all__ = [
    "ArtifactLike",
    "ArtifactSpec",
    "Emitter",
    "Run",
    "Stats",
    "SubjectLike",
    "artifact",
    "checkpoint",
    "code",
    "config",
    "current_run",
    "dataset",
    "embedding_set",
    "feature_set",
    "image",
    "label_set",
    "model",
    "model_update",
    "preference_set",
    "report",
]
