"""Says what a data set of MLflow holds and where it says that it comes from.

MLflow turns a data set into an entity of texts before it logs it, perhaps later and in another
thread; the digest of its values is taken at that moment and travels with the entity.
"""

from __future__ import annotations

import json
import threading
import weakref
from collections.abc import Mapping
from typing import Any, cast

from lineseal.producers.adapters.content import Content, digest_content
from lineseal.producers.adapters.origins import Origin, named_by

_ATTRIBUTE = "_lineseal_content"
_VALUES = (("features", "targets"), ("df",), ("features_data", "labels_data"))
"""What the classes of ``mlflow.data`` call their values."""

_fitted = threading.local()


def note_labels(_call: Mapping[str, Any], result: Any) -> None:
    """Remember what scikit-learn is being fitted to: MLflow logs a data frame without labels."""
    try:
        _fitted.pair = (weakref.ref(result[0]), result[1])
    except TypeError:  # a list: MLflow logs none
        _fitted.pair = None


def attach_content(call: Mapping[str, Any], result: Any) -> None:
    """Hash all values of a data set and attach what they are to its entity."""
    dataset = call["self"]
    for names in _VALUES:
        if all(hasattr(dataset, name) for name in names):
            values = [getattr(dataset, name) for name in names]
            if names == ("df",):
                values += _labels_of(values[0])
            content = digest_content(*values)
            if content is not None:
                setattr(result, _ATTRIBUTE, content)
            return


def content_of(entity: Any) -> Content | None:
    """Return what was attached to the entity of a data set."""
    return getattr(entity, _ATTRIBUTE, None)


def origin_of(entity: Any) -> Origin | None:
    """Return where the data is said to come from; None for code and what is in no known form."""
    try:
        source: Any = json.loads(entity.source)
    except (TypeError, ValueError):
        return None
    if not isinstance(source, dict):
        return None
    said = cast("dict[str, Any]", source)
    if entity.source_type == "code":
        return None
    version = said.get("delta_table_version", said.get("revision"))
    uri = next(
        (str(said[key]) for key in ("uri", "url", "delta_table_name", "path") if said.get(key)),
        None,
    )
    if uri is None:
        return None
    scheme = "hf" if entity.source_type == "hugging_face" else None
    return named_by(uri, None if version is None else str(version), scheme)


def _labels_of(table: Any) -> list[Any]:
    """Return the labels that *table* is being fitted to in this thread, once."""
    pair: tuple[weakref.ref[Any], Any] | None = getattr(_fitted, "pair", None)
    if pair is None or pair[0]() is not table:
        return []
    _fitted.pair = None
    return [pair[1]]
