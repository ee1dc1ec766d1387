"""Tells of models: logged by a run, registered as a version, promoted by an alias or a stage.

What is on this machine is hashed; what is elsewhere is not fetched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from lineseal.producers.adapters.mlflow_runs import Call, Runs, name_or
from lineseal.producers.adapters.origins import named_by
from lineseal.producers.adapters.watching import Observer
from lineseal.producers.artifacts import ArtifactSpec, model
from lineseal.producers.capture.digest import digest_path
from lineseal.schemas.errors import Unreadable

_RETIRED_STAGES: Final = frozenset({"archived", "none"})
_MOST_MODELS: Final = 10_000


@dataclass(frozen=True, slots=True)
class LoggedModel:
    """Hold what a logged model is called and the digest of its folder, where it is known."""

    name: str
    model_id: str
    digest: str | None


class Models:
    """Knows the models that were logged or asked for in this process."""

    def __init__(self, runs: Runs) -> None:
        """Tell of models beside *runs*."""
        self._runs = runs
        self._namespace = runs.namespace
        self._models: dict[str, LoggedModel] = {}

    def tracking(self) -> dict[str, Observer]:
        """Return the observers of ``TrackingServiceClient`` for models."""
        return {"log_model_artifacts": self._on_model_artifacts}

    def registry(self) -> dict[str, Observer]:
        """Return the observers of ``ModelRegistryClient``."""
        return {
            "create_model_version": self._on_model_version,
            "copy_model_version": self._on_copied_version,
            "set_registered_model_alias": self._on_alias,
            "transition_model_version_stage": self._on_stage,
        }

    def logged(self, client: Any, model_id: str) -> ArtifactSpec:
        """Return a logged model, asked of *client* if need be."""
        return self._spec(self._logged(client, model_id))

    def _on_model_artifacts(self, call: Call, _: Any) -> None:
        """Record the folder of a logged model; parts that are added to one later are not."""
        if call["artifact_path"] is not None:
            return
        found = call["self"].get_logged_model(call["model_id"])
        logged = LoggedModel(
            name_or(found.name, "model"), found.model_id, self._measured(call["local_dir"])
        )
        self._remember(logged)
        if found.source_run_id is not None:
            self._runs.of({**call, "run_id": found.source_run_id}).writes(self._spec(logged))

    def _on_model_version(self, call: Call, version: Any) -> None:
        written = model(self._namespace, name_or(version.name, "model"), version=version.version)
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
        read = model(self._namespace, name_or(before.name, "model"), version=before.version)
        written = model(self._namespace, name_or(version.name, "model"), version=version.version)
        self._register(version, [read], written, None)

    def _register(
        self, version: Any, read: list[ArtifactSpec], written: ArtifactSpec, digest: str | None
    ) -> None:
        name = name_or(version.name, "model")
        if digest is not None:
            written = model(self._namespace, name, version=version.version, digest=digest)
        around = self._runs.known(version.run_id)
        self._runs.tell_at_once(f"{name}.register", read, [written], around)

    def _on_alias(self, call: Call, _: Any) -> None:
        self._promote(call["name"], call["version"], call["alias"])

    def _on_stage(self, call: Call, _: Any) -> None:
        retired = call["stage"].lower() in _RETIRED_STAGES
        self._promote(call["name"], call["version"], call["stage"], retired=retired)

    def _promote(self, name: str, version: Any, to: str, *, retired: bool = False) -> None:
        self._runs.emitter.promote(
            model(self._namespace, name_or(name, "model"), version=version),
            action="retire" if retired else "promote",
            to_environment=name_or(to, "unnamed"),
        )

    def _spec(self, logged: LoggedModel) -> ArtifactSpec:
        return model(self._namespace, logged.name, version=logged.model_id, digest=logged.digest)

    def _logged(self, client: Any, model_id: str) -> LoggedModel:
        known = self._models.get(model_id)
        if known is None:
            found = client.get_logged_model(model_id)
            digest = self._measured(found.artifact_location)
            known = LoggedModel(name_or(found.name, "model"), model_id, digest)
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
