"""Turns what MLflow's service clients are asked into runs, reads, writes and promotions.

Names that MLflow has and this process does not know yet (of an experiment, a logged model) are
asked of the same store that MLflow has just used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from lineseal.producers.adapters.mlflow_data import content_of, origin_of
from lineseal.producers.adapters.origins import Origin, named_by
from lineseal.producers.adapters.watching import Observer
from lineseal.producers.artifacts import ArtifactSpec, artifact, dataset, model
from lineseal.producers.capture.digest import digest_path
from lineseal.producers.emitter import Emitter
from lineseal.producers.run import Run
from lineseal.producers.text import fit_redacted
from lineseal.schemas.errors import BadIdentifier, Unreadable
from lineseal.schemas.guard import check_identifier
from lineseal.schemas.ids import new_uuid7
from lineseal.schemas.model import Job, ParentRun, RunEvent, RunState

Call = dict[str, Any]

_PARENT_TAG: Final = "mlflow.parentRunId"
_CONTEXT_TAG: Final = "mlflow.data.context"
_RETIRED_STAGES: Final = frozenset({"archived", "none"})
_MOST_MODELS = 10_000


@dataclass(frozen=True, slots=True)
class LoggedModel:
    """Hold what a logged model is called and the digest of its folder, where it is known."""

    name: str
    model_id: str
    digest: str | None


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
        self._stage = stage
        self._locate = locate
        self._runs: dict[str, Run] = {}
        self._experiments: dict[str, str] = {}
        self._models: dict[str, LoggedModel] = {}

    def tracking(self) -> dict[str, Observer]:
        """Return the observers of ``TrackingServiceClient``."""
        return {
            "create_run": self._on_create_run,
            "log_param": self._on_param,
            "log_metric": self._on_metric,
            "log_batch": self._on_batch,
            "log_inputs": self._on_inputs,
            "log_model_artifacts": self._on_model_artifacts,
            "set_terminated": self._on_terminated,
            "update_run": self._on_terminated,
        }

    def registry(self) -> dict[str, Observer]:
        """Return the observers of ``ModelRegistryClient``."""
        return {
            "create_model_version": self._on_model_version,
            "copy_model_version": self._on_copied_version,
            "set_registered_model_alias": self._on_alias,
            "transition_model_version_stage": self._on_stage,
        }

    # Runs

    def _on_create_run(self, call: Call, run: Any) -> None:
        self._begin(call["self"], run)

    def _begin(self, client: Any, run: Any) -> Run:
        info = run.info
        begun = self.emitter.run(
            Job(namespace=self._namespace, name=self._experiment(client, info.experiment_id)),
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

    def _run(self, call: Call) -> Run:
        """Return the run that a call is about; one that another process began goes on here."""
        found = self._runs.get(call["run_id"])
        return found or self._begin(call["self"], call["self"].get_run(call["run_id"]))

    def _experiment(self, client: Any, experiment_id: str) -> str:
        name = self._experiments.get(experiment_id)
        if name is None:
            name = _name(client.get_experiment(experiment_id).name, f"experiment-{experiment_id}")
            self._experiments[experiment_id] = name
        return name

    def _on_terminated(self, call: Call, _: Any) -> None:
        status = call.get("status") or (None if "name" in call else "FINISHED")
        if status not in ("FINISHED", "FAILED", "KILLED"):
            return
        run = self._run(call)
        del self._runs[run.run_id]
        if status == "FAILED":
            run.fail()
        elif status == "KILLED":
            run.abort()
        run.finish()

    def _on_param(self, call: Call, _: Any) -> None:
        self._run(call).parameter(_name(call["key"], "parameter"), str(call["value"]))

    def _on_metric(self, call: Call, _: Any) -> None:
        _note_metric(self._run(call), call["key"], call["value"])

    def _on_batch(self, call: Call, _: Any) -> None:
        if not call["params"] and not call["metrics"]:
            return  # only tags
        run = self._run(call)
        for param in call["params"]:
            run.parameter(_name(param.key, "parameter"), str(param.value))
        for metric in call["metrics"]:
            _note_metric(run, metric.key, metric.value)

    # Data sets

    def _on_inputs(self, call: Call, _: Any) -> None:
        run = self._run(call)
        for entry in call["datasets"] or ():
            self._read_data(run, entry)
        for entry in call["models"] or ():
            run.reads(self._spec(self._logged(call["self"], entry.model_id)))

    def _read_data(self, run: Run, entry: Any) -> None:
        """Record a read of the values, and of the place they are said to come from."""
        entity = entry.dataset
        content = content_of(entity)
        origin = origin_of(entity)
        tags = {tag.key: tag.value for tag in entry.tags}
        sources = [] if origin is None else [self._source(origin)]
        if content is None:
            # Values that cannot be hashed: at least where they come from.
            name = _name(entity.name, "dataset")
            run.reads(*(sources or [dataset(self._namespace, name, reported_digest=entity.digest)]))
            return
        values = dataset(
            self._namespace,
            _name(entity.name, "dataset"),
            digest=content.digest,
            rows=content.rows,
            role=_role(tags.get(_CONTEXT_TAG)),
            reported_digest=fit_redacted(f"mlflow:{entity.digest}"),
        )
        if sources:
            self._tell_at_once(f"{run.job.name}.load", sources, [values], run)
        run.reads(values)

    def _source(self, origin: Origin) -> ArtifactSpec:
        known = None if self._locate is None else self._locate(origin.uri)
        exists = origin.path is not None and origin.path.exists()
        path = origin.path if exists else None
        if known is not None:
            return artifact(known, path=path)
        return dataset(origin.namespace, origin.name, version=origin.version, path=path)

    # Models

    def _on_model_artifacts(self, call: Call, _: Any) -> None:
        """Record the folder of a logged model; parts that are added to one later are not."""
        if call["artifact_path"] is not None:
            return
        found = call["self"].get_logged_model(call["model_id"])
        logged = LoggedModel(
            _name(found.name, "model"), found.model_id, self._measured(call["local_dir"])
        )
        self._remember(logged)
        if found.source_run_id is not None:
            self._run({**call, "run_id": found.source_run_id}).writes(self._spec(logged))

    def _on_model_version(self, call: Call, version: Any) -> None:
        written = model(self._namespace, _name(version.name, "model"), version=version.version)
        read: list[ArtifactSpec] = []
        digest: str | None = None
        if call["model_id"] is not None:
            logged = self._models.get(call["model_id"]) or self._asked(call["model_id"])
            read, digest = [self._spec(logged)], logged.digest
        elif not call["source"].startswith("models:"):
            digest = self._measured(call["source"])
        self._register(version, read, written, digest)

    def _on_copied_version(self, call: Call, version: Any) -> None:
        before = call["src_mv"]
        read = model(self._namespace, _name(before.name, "model"), version=before.version)
        written = model(self._namespace, _name(version.name, "model"), version=version.version)
        self._register(version, [read], written, None)

    def _register(
        self, version: Any, read: list[ArtifactSpec], written: ArtifactSpec, digest: str | None
    ) -> None:
        name = _name(version.name, "model")
        if digest is not None:
            written = model(self._namespace, name, version=version.version, digest=digest)
        around = self._runs.get(version.run_id or "")
        self._tell_at_once(f"{name}.register", read, [written], around)

    def _on_alias(self, call: Call, _: Any) -> None:
        self._promote(call["name"], call["version"], call["alias"])

    def _on_stage(self, call: Call, _: Any) -> None:
        retired = call["stage"].lower() in _RETIRED_STAGES
        self._promote(call["name"], call["version"], call["stage"], retired=retired)

    def _promote(self, name: str, version: Any, to: str, *, retired: bool = False) -> None:
        self.emitter.promote(
            model(self._namespace, _name(name, "model"), version=version),
            action="retire" if retired else "promote",
            to_environment=_name(to, "unnamed"),
        )

    def _spec(self, logged: LoggedModel) -> ArtifactSpec:
        return model(self._namespace, logged.name, version=logged.model_id, digest=logged.digest)

    def _logged(self, client: Any, model_id: str) -> LoggedModel:
        known = self._models.get(model_id)
        if known is None:
            found = client.get_logged_model(model_id)
            digest = self._measured(found.artifact_location)
            known = LoggedModel(_name(found.name, "model"), model_id, digest)
            self._remember(known)
        return known

    def _asked(self, model_id: str) -> LoggedModel:
        from mlflow import MlflowClient  # noqa: PLC0415 - whoever is here has it

        return self._logged(MlflowClient(), model_id)

    def _remember(self, logged: LoggedModel) -> None:
        if len(self._models) >= _MOST_MODELS:
            self._models.pop(next(iter(self._models)))
        self._models[logged.model_id] = logged

    def _measured(self, uri: str) -> str | None:
        """Return the digest of a folder on this machine; what is elsewhere is not fetched."""
        path = named_by(str(uri)).path
        try:
            return None if path is None else digest_path(path).digest
        except Unreadable:
            return None

    def _tell_at_once(
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
        job = Job(namespace=self._namespace, name=name)
        self.emitter.emit(event, job=job, stage=self._stage, run_id=new_uuid7())


def _note_metric(run: Run, key: str, value: Any) -> None:
    number = float(value)
    if math.isfinite(number):  # a loss of NaN is usual, and no reason for a warning
        run.metric(_name(key, "metric"), number)


def _name(text: Any, otherwise: str) -> str:
    """Return a name as it is when the contract takes it, else *otherwise*."""
    try:
        check_identifier(str(text))
    except BadIdentifier:
        return otherwise
    return str(text)


def _role(context: str | None) -> str | None:
    if context is None:
        return None
    known = {"train": "training", "eval": "evaluation", "test": "testing"}
    return _name(known.get(context, context), "unnamed")
