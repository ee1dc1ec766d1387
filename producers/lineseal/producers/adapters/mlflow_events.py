"""Turns what MLflow's service clients are asked into runs, reads, writes and promotions.

Runs (``mlflow_runs``) and models (``mlflow_models``) have modules of their own; the data that runs
read is told of here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lineseal.producers.adapters.mlflow_data import content_of, origin_of
from lineseal.producers.adapters.mlflow_models import Models
from lineseal.producers.adapters.mlflow_runs import Call, Runs, name_or
from lineseal.producers.adapters.origins import Origin
from lineseal.producers.adapters.watching import Observer
from lineseal.producers.artifacts import ArtifactSpec, artifact, dataset
from lineseal.producers.emitter import Emitter
from lineseal.producers.run import Run
from lineseal.producers.text import fit_redacted

_CONTEXT_TAG = "mlflow.data.context"


class Teller:
    """Emits what it observes; each observer gets a call's arguments by name and its result."""

    def __init__(
        self,
        emitter: Emitter,
        *,
        namespace: str,
        stage: str | None,
        locate: Callable[[str], str | None] | None,
    ) -> None:
        """Emit through *emitter*; ``mlflow.install`` explains the rest."""
        self.emitter = emitter
        self._namespace = namespace
        self._locate = locate
        self._runs = Runs(emitter, namespace=namespace, stage=stage)
        self._models = Models(self._runs)

    def tracking(self) -> dict[str, Observer]:
        """Return the observers of ``TrackingServiceClient``."""
        return {
            **self._runs.observers(),
            **self._models.tracking(),
            "log_inputs": self._on_inputs,
        }

    def registry(self) -> dict[str, Observer]:
        """Return the observers of ``ModelRegistryClient``."""
        return self._models.registry()

    def _on_inputs(self, call: Call, _: Any) -> None:
        run = self._runs.of(call)
        for entry in call["datasets"] or ():
            self._read_data(run, entry)
        for entry in call["models"] or ():
            run.reads(self._models.logged(call["self"], entry.model_id))

    def _read_data(self, run: Run, entry: Any) -> None:
        """Record a read of the values, and of the place they are said to come from."""
        entity = entry.dataset
        content = content_of(entity)
        origin = origin_of(entity)
        tags = {tag.key: tag.value for tag in entry.tags}
        sources = [] if origin is None else [self._source(origin)]
        if content is None:
            # Values that cannot be hashed: at least where they come from.
            name = name_or(entity.name, "dataset")
            run.reads(*(sources or [dataset(self._namespace, name, reported_digest=entity.digest)]))
            return
        values = dataset(
            self._namespace,
            name_or(entity.name, "dataset"),
            digest=content.digest,
            rows=content.rows,
            role=_role(tags.get(_CONTEXT_TAG)),
            reported_digest=fit_redacted(f"mlflow:{entity.digest}"),
        )
        if sources:
            self._runs.tell_at_once(f"{run.job.name}.load", sources, [values], run)
        run.reads(values)

    def _source(self, origin: Origin) -> ArtifactSpec:
        known = None if self._locate is None else self._locate(origin.uri)
        exists = origin.path is not None and origin.path.exists()
        path = origin.path if exists else None
        if known is not None:
            return artifact(known, path=path)
        return dataset(origin.namespace, origin.name, version=origin.version, path=path)


def _role(context: str | None) -> str | None:
    if context is None:
        return None
    known = {"train": "training", "eval": "evaluation", "test": "testing"}
    return name_or(known.get(context, context), "unnamed")
