"""Makes each call of a training function a run: what it was given, its parameters, its model.

::

    @traced("fraud/train", model="model:registry/fraud@7", path="model.joblib")
    def train(X, y):
        forest = RandomForestClassifier(n_estimators=60).fit(X, y)
        joblib.dump(forest, "model.joblib")
        return forest

Every argument that is a table or an array is read with the digest of all its values (``content``),
plain arguments are parameters, and so are those of the estimator that is returned. It works on any
function and on the ``fit`` of an estimator of one's own; scikit-learn itself is not imported.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar, cast

from lineseal.producers.adapters.content import digest_content
from lineseal.producers.artifacts import FilePath, artifact, dataset, use_without_hashing
from lineseal.producers.emitter import Emitter
from lineseal.producers.run import Run
from lineseal.schemas.errors import Contained
from lineseal.schemas.model import ArtifactUse

P = ParamSpec("P")
R = TypeVar("R")


def traced(
    job: str,
    *,
    model: str | None = None,
    path: FilePath | None = None,
    reads: Mapping[str, str] | None = None,
    stage: str | None = "train",
    emitter: Emitter | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function that trains; ``current_run()`` gives the run inside it.

    Args:
        job: The job, as for ``Emitter.run``.
        model: REF of the model it makes; nothing is written when it raises.
        path: File or folder that it saves the model in, hashed when it returns.
        reads: REFs of what its arguments hold, by their names; ``dataset:JOB.ARGUMENT`` by default.
        stage: Stage of the pipeline.
        emitter: Whom to emit through; by default one from the environment, made at the first call.

    Raises:
        Contained: An argument is frozen or in quarantine (as ``Run.reads`` does).

    """
    known = dict(reads or {})

    @functools.cache
    def default_emitter() -> Emitter:
        return Emitter.from_env()

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            # A wrong call raises the function's own TypeError, from inside the run.
            with (emitter or default_emitter()).run(job, stage=stage) as run:
                _tell_arguments(run, signature, (args, kwargs), known)
                result = function(*args, **kwargs)
                _tell_estimator(run, result)
                if model is not None:
                    run.writes(artifact(model, path=path))
                return result

        return call

    return decorate


def _tell_arguments(
    run: Run,
    signature: inspect.Signature,
    call: tuple[tuple[Any, ...], dict[str, Any]],
    known: Mapping[str, str],
) -> None:
    try:
        bound = signature.bind(*call[0], **call[1])
        bound.apply_defaults()
        tables = {name: value for name, value in bound.arguments.items() if _is_table(value)}
        for name, value in bound.arguments.items():
            if isinstance(value, str | int | float):
                run.parameter(name, value)
        run.reads(*(_use(run, name, value, known.get(name)) for name, value in tables.items()))
    except Contained:
        raise
    except Exception as error:  # noqa: BLE001 - the function is called whatever happens to us
        run.emitter.refuse(error)


def _use(run: Run, name: str, value: Any, reference: str | None) -> ArtifactUse:
    content = digest_content(value)
    named = dataset(run.job.namespace, f"{run.job.name}.{name}")
    use = use_without_hashing(reference or named)
    if content is None:
        return use
    digest = use.artifact.digest or content.digest
    return replace(use, artifact=replace(use.artifact, digest=digest), rows=content.rows)


def _tell_estimator(run: Run, result: Any) -> None:
    try:
        get_params: Any = getattr(result, "get_params", None)
        if callable(get_params):
            run.parameter("estimator", type(result).__name__)
            for name, value in cast("dict[str, Any]", get_params(deep=False)).items():
                run.parameter(name, value)
    except Exception as error:  # noqa: BLE001 - an estimator may be anything
        run.emitter.refuse(error)


def _is_table(value: Any) -> bool:
    """Tell whether a value has rows: a data frame, a series, an array, a matrix."""
    return bool(getattr(value, "shape", None))
