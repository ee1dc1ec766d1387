"""The pipeline's own model registry: which file is which version, and which one is live.

A joblib file is a pickle: loading one runs what is inside. So a model is loaded only from the
file whose SHA-256 was noted when this pipeline trained it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]

_INDEX = Path("models/registry.json")


def save(version: str, trained: Any) -> Path:
    """Store a trained model under *version* and return its file."""
    file = Path(f"models/digits-{version}.joblib")
    file.parent.mkdir(parents=True, exist_ok=True)
    joblib.dump(trained, file)
    _write({**_read(), version: hashlib.sha256(file.read_bytes()).hexdigest()})
    return file


def load(version: str) -> Any:
    """Load the model *version*.

    Raises:
        ValueError: The file is not the one that was stored.

    """
    file = Path(f"models/digits-{version}.joblib")
    if hashlib.sha256(file.read_bytes()).hexdigest() != _read()[version]:
        raise ValueError(f"{file} is not the file that was trained; it is not opened")
    return joblib.load(file)


def set_production(version: str) -> str | None:
    """Make *version* the live one and return the version it replaces."""
    index = _read()
    _write({**index, "production": version})
    return index.get("production")


def production() -> str | None:
    """Return the version that is live, or None before the first promotion."""
    return _read().get("production")


def _read() -> dict[str, str]:
    return json.loads(_INDEX.read_text("utf-8")) if _INDEX.exists() else {}


def _write(index: dict[str, str]) -> None:
    _INDEX.write_text(json.dumps(index, indent=2) + "\n", "utf-8")
