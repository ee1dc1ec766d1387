"""Records what MLflow 3 is told: runs, data sets with full digests, models, versions, promotions.

``install()`` once, before the first run and before ``autolog()``; the job stays as it is::

    import lineseal.producers.adapters.mlflow as lineseal_mlflow

    lineseal_mlflow.install()

Or without a line of code: ``[emitter] mlflow`` (``mlflow_plugin``).

MLflow's own data-set digest is eight characters of MD5 over at most 10,000 rows: it is kept as
``reported_digest``. Ours covers every value (``content``), and under scikit-learn's autologging the
labels too, which MLflow leaves out for data frames. What is recorded:

* a run of MLflow: a run with MLflow's id, of the job ``NAMESPACE/EXPERIMENT``;
* ``log_input``, autologged data: a read of ``dataset:NAMESPACE/NAME@sha256:...``; when its
  source is a file or a table, a run ``EXPERIMENT.load`` says that the data came from there;
* ``log_model``: ``model:NAMESPACE/NAME@m-...`` with the digest of its folder;
* ``register_model``: a run ``NAME.register`` that reads this and writes
  ``model:NAMESPACE/NAME@1``;
* an alias or a stage that is set: a promotion; a version that is archived: a retirement. An alias
  that is deleted is not recorded: MLflow does not say which version it named.

Everything passes MLflow's two service clients, so these are watched, whoever calls them. What is
frozen or in quarantine is refused as by ``run.reads``: ``log_input`` raises ``Contained``. MLflow
catches that under autologging and goes on.
"""

from __future__ import annotations

import importlib
import importlib.util
import threading
from collections.abc import Callable
from typing import Any

from lineseal.producers.adapters import mlflow_events
from lineseal.producers.adapters.mlflow_data import attach_content, note_labels
from lineseal.producers.adapters.watching import Watch
from lineseal.producers.emitter import Emitter

_lock = threading.Lock()
_installed: tuple[Watch, Emitter | None] | None = None


def install(
    emitter: Emitter | None = None,
    *,
    namespace: str = "mlflow",
    stage: str | None = None,
    locate: Callable[[str], str | None] | None = None,
) -> None:
    """Record what MLflow is told from now on, in this process; a second call changes nothing.

    Args:
        emitter: Whom to emit through; by default one from the environment, which is closed by
            ``uninstall`` or when the interpreter ends.
        namespace: Namespace of the jobs, data sets and models.
        stage: Stage of the pipeline that the runs are.
        locate: Returns the REF of what a source URI or path holds, such as
            ``dataset:lake/transactions@3``; by default the name follows from the URI.

    Raises:
        ImportError: MLflow is not installed.

    """
    global _installed  # noqa: PLW0603 - a library is watched once per process
    data: Any = importlib.import_module("mlflow.data.dataset")
    tracking: Any = importlib.import_module("mlflow.tracking._tracking_service.client")
    registry: Any = importlib.import_module("mlflow.tracking._model_registry.client")
    with _lock:
        if _installed is not None:
            return
        watch = Watch("MLflow")
        teller = mlflow_events.Teller(
            emitter or Emitter.from_env(), namespace=namespace, stage=stage, locate=locate
        )
        watch.after(data.Dataset, "_to_mlflow_entity", attach_content)
        for method, observer in teller.tracking().items():
            watch.after(tracking.TrackingServiceClient, method, observer)
        for method, observer in teller.registry().items():
            watch.after(registry.ModelRegistryClient, method, observer)
        _watch_labels(watch)
        _installed = watch, teller.emitter if emitter is None else None


def uninstall() -> None:
    """Leave MLflow as it was; an emitter that ``install`` made is closed."""
    global _installed  # noqa: PLW0603
    with _lock:
        if _installed is None:
            return
        watch, own_emitter = _installed
        _installed = None
        watch.stop()
    if own_emitter is not None:
        own_emitter.close()


def _watch_labels(watch: Watch) -> None:
    """Watch where scikit-learn's autologging takes labels from."""
    if importlib.util.find_spec("sklearn") is None:
        return
    name = "mlflow.sklearn.utils"

    def imported(module: Any) -> None:
        watch.after(module, "_get_X_y_and_sample_weight", note_labels)

    if not getattr(importlib.import_module("mlflow").__spec__, "_initializing", False):
        imported(importlib.import_module(name))
    else:  # the plugin: it cannot be imported before the rest of MLflow is
        hooks: Any = importlib.import_module("mlflow.utils.import_hooks")
        hooks.register_post_import_hook(imported, name, overwrite=False)
