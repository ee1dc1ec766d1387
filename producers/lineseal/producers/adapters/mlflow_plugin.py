"""The plugin that MLflow loads by itself, so that a job needs no line of code.

MLflow loads every ``mlflow.run_context_provider`` while it is being imported. Nothing is recorded
unless ``[emitter] mlflow`` of the home says so (``LINESEAL_EMITTER__MLFLOW=true`` in the
environment); a process without a home is left alone. Whatever goes wrong is a warning in the log
``lineseal``: an exception here would break ``import mlflow``.
"""

from __future__ import annotations

import importlib
from typing import Any

from lineseal.schemas.errors import HomeNotFound
from lineseal.settings import find_home, load_settings
from lineseal.transport.embedded.voice import LOGGER

_IMPORTED_LAST = "mlflow.client"
"""MLflow imports it after everything that is watched."""


class RecordingContext:
    """Asked by MLflow for tags at the start of each run; it has none, but being made is enough."""

    def __init__(self) -> None:
        """Record what MLflow is told, if the home wants that, once MLflow is imported."""
        try:
            if _is_wanted():
                hooks: Any = importlib.import_module("mlflow.utils.import_hooks")
                hooks.register_post_import_hook(_record, _IMPORTED_LAST, overwrite=False)
        except Exception as error:  # noqa: BLE001 - the job must live on
            LOGGER.warning("MLflow is not recorded: %s: %s", type(error).__name__, error)

    def in_context(self) -> bool:
        """Return False: there are no tags."""
        return False

    def tags(self) -> dict[str, str]:
        """Return no tags."""
        return {}


def _is_wanted() -> bool:
    try:
        home = find_home()
    except HomeNotFound:
        return False
    return load_settings(home).emitter.mlflow


def _record(module: object) -> None:
    del module
    try:
        from lineseal.producers.adapters.mlflow import install  # noqa: PLC0415 - not before MLflow

        install()
    except Exception as error:  # noqa: BLE001
        LOGGER.warning("MLflow is not recorded: %s: %s", type(error).__name__, error)
