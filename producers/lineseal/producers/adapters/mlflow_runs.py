"""Tells of the runs of MLflow: that they begin and end, their parameters and metrics.

Names that MLflow has and this process does not know yet (of an experiment, a run that another
process began) are asked of the same store that MLflow has just used.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

from lineseal.producers.adapters.watching import Observer
from lineseal.producers.artifacts import ArtifactSpec
from lineseal.producers.emitter import Emitter
from lineseal.producers.run import Run
from lineseal.schemas.errors import BadIdentifier
from lineseal.schemas.guard import check_identifier
from lineseal.schemas.ids import new_uuid7
from lineseal.schemas.model import Job, ParentRun, RunEvent, RunState

Call = dict[str, Any]
_PARENT_TAG: Final = "mlflow.parentRunId"


class Runs:
    """Knows the runs that are open in this process."""

    def __init__(self, emitter: Emitter, *, namespace: str, stage: str | None) -> None:
        """Emit through *emitter*; ``mlflow.install`` explains the rest."""
        self.emitter = emitter
        self.namespace = namespace
        self._stage = stage
        self._runs: dict[str, Run] = {}
        self._experiments: dict[str, str] = {}

    def observers(self) -> dict[str, Observer]:
        """Return the observers of ``TrackingServiceClient`` for runs."""
        return {
            "create_run": self._on_create_run,
            "log_param": self._on_param,
            "log_metric": self._on_metric,
            "log_batch": self._on_batch,
            "set_terminated": self._on_terminated,
            "update_run": self._on_terminated,
        }

    def known(self, run_id: str | None) -> Run | None:
        """Return a run that is open in this process."""
        return self._runs.get(run_id or "")

    def of(self, call: Call) -> Run:
        """Return the run that a call is about; one that another process began goes on here."""
        found = self._runs.get(call["run_id"])
        return found or self._begin(call["self"], call["self"].get_run(call["run_id"]))

    def tell_at_once(
        self,
        name: str,
        read: Iterable[ArtifactSpec],
        written: Iterable[ArtifactSpec],
        around: Run | None,
    ) -> None:
        """Record a whole run in one event."""
        parent = None
        if around is not None:
            parent = ParentRun(
                run_id=around.run_id,
                job_namespace=around.job.namespace,
                job_name=around.job.name,
            )
        event = RunEvent(
            state=RunState.COMPLETE,
            inputs=self.emitter.measure(*read),
            outputs=self.emitter.measure(*written),
            parent=parent,
        )
        job = Job(namespace=self.namespace, name=name)
        self.emitter.emit(event, job=job, stage=self._stage, run_id=new_uuid7())

    def _on_create_run(self, call: Call, run: Any) -> None:
        self._begin(call["self"], run)

    def _begin(self, client: Any, run: Any) -> Run:
        info = run.info
        begun = self.emitter.run(
            Job(namespace=self.namespace, name=self._experiment(client, info.experiment_id)),
            stage=self._stage,
        )
        begun.run_id = info.run_id
        around = run.data.tags.get(_PARENT_TAG)
        if around is not None:
            known = self._runs.get(around)
            begun.parent = ParentRun(
                run_id=around,
                job_namespace=None if known is None else known.job.namespace,
                job_name=None if known is None else known.job.name,
            )
        self._runs[info.run_id] = begun
        begun.begin()
        return begun

    def _experiment(self, client: Any, experiment_id: str) -> str:
        name = self._experiments.get(experiment_id)
        if name is None:
            name = name_or(client.get_experiment(experiment_id).name, f"experiment-{experiment_id}")
            self._experiments[experiment_id] = name
        return name

    def _on_terminated(self, call: Call, _: Any) -> None:
        status = call.get("status") or (None if "name" in call else "FINISHED")
        if status not in ("FINISHED", "FAILED", "KILLED"):
            return
        run = self.of(call)
        del self._runs[run.run_id]
        if status == "FAILED":
            run.fail()
        elif status == "KILLED":
            run.abort()
        run.finish()

    def _on_param(self, call: Call, _: Any) -> None:
        self.of(call).parameter(name_or(call["key"], "parameter"), str(call["value"]))

    def _on_metric(self, call: Call, _: Any) -> None:
        _note_metric(self.of(call), call["key"], call["value"])

    def _on_batch(self, call: Call, _: Any) -> None:
        if not call["params"] and not call["metrics"]:
            return  # only tags
        run = self.of(call)
        for param in call["params"]:
            run.parameter(name_or(param.key, "parameter"), str(param.value))
        for metric in call["metrics"]:
            _note_metric(run, metric.key, metric.value)


def _note_metric(run: Run, key: str, value: Any) -> None:
    number = float(value)
    if math.isfinite(number):  # a loss of NaN is usual, and no reason for a warning
        run.metric(name_or(key, "metric"), number)


def name_or(text: Any, otherwise: str) -> str:
    """Return a name as it is when the contract takes it, else *otherwise*."""
    try:
        check_identifier(str(text))
    except BadIdentifier:
        return otherwise
    return str(text)
