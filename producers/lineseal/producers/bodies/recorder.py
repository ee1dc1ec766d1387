"""What the body methods need from the emitter, and the types their callers may use."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from lineseal.schemas.model import AnyBody, Count, Evidence, Metric

Fields: TypeAlias = Mapping[str, Any]
"""A nested record given by its fields."""

Moment: TypeAlias = int | str | datetime
"""A time: microseconds UTC, ISO 8601 text with a zone, or a ``datetime`` with one."""

Metrics: TypeAlias = Mapping[str, float] | Iterable[Metric]
Counts: TypeAlias = Mapping[str, int] | Iterable[Count]
EvidenceLike: TypeAlias = str | Evidence | Fields
"""Evidence by name, or ``name@sha256:HEX``."""

Texts: TypeAlias = str | Iterable[str]
"""One text or several."""


class Recorder(ABC):
    """Builds a body and emits it."""

    @abstractmethod
    def record(self, body: type[AnyBody], values: Fields) -> str | None:
        """Build a body from friendly values and emit it; None stands for "not given"."""

    @property
    @abstractmethod
    def actor_id(self) -> str | None:
        """Return who acts: the person, or the producer; None when that is not known."""
