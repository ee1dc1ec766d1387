"""The marks and enumerations the models share.

An ``Annotated`` mark tells the guard how to check a value: *identifiers* name things and are
compared, so they must look like what they are; everything else is free text, kept verbatim and
escaped where it is shown.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

IDENTIFIER: Final = "identifier"
DIGEST: Final = "digest"
VERSION: Final = "version"
TIME: Final = "time"

Identifier = Annotated[str, IDENTIFIER]
"""Non-empty NFC text of at most 1,024 bytes without control, bidi or invisible characters."""

Version = Annotated[str, VERSION]
"""An identifier that cannot be taken for another part of a REF: without ``@``, not starting with
``sha256:`` or ``run:``, and not ``unknown`` (ADR-0006)."""

Digest = Annotated[str, DIGEST]
"""``sha256:`` and 64 lower-case hex characters."""

Time = Annotated[int, TIME]
"""Microseconds UTC, from 1970 to the end of the year 9999: what every calendar knows."""


class Kind(StrEnum):
    """What sort of artifact a version is."""

    DATASET = "dataset"
    LABEL_SET = "label_set"
    FEATURE_SET = "feature_set"
    EMBEDDING_SET = "embedding_set"
    PREFERENCE_SET = "preference_set"
    MODEL = "model"
    CHECKPOINT = "checkpoint"
    MODEL_UPDATE = "model_update"
    CODE = "code"
    IMAGE = "image"
    CONFIG = "config"
    REPORT = "report"


class ActorKind(StrEnum):
    """Who acted."""

    HUMAN = "human"
    SERVICE = "service"
    SYSTEM = "system"


class Origin(StrEnum):
    """How directly the event was witnessed."""

    EMITTER = "emitter"
    GATEWAY = "gateway"
    IMPORT = "import"


class RunState(StrEnum):
    """OpenLineage run states that Lineseal records."""

    START = "START"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    FAIL = "FAIL"
    ABORT = "ABORT"


class Outcome(StrEnum):
    """Result of a check."""

    PASS = "pass"  # noqa: S105 - a result, not a secret
    WARN = "warn"
    FAIL = "fail"
    ERROR = "error"


class Decision(StrEnum):
    """What a person or gate decided."""

    APPROVE = "approve"
    REJECT = "reject"


class DecisionMode(StrEnum):
    """How a decision came about: only ``explicit`` counts at a gate."""

    EXPLICIT = "explicit"
    DEFAULT = "default"
    TIMEOUT = "timeout"
