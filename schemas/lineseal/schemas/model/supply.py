"""Where things come from: sources, suppliers, owners and state."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lineseal.schemas.model._types import Digest, Identifier, Time
from lineseal.schemas.model.common import Count, Metric, Pair, Subject


class LifecycleState(StrEnum):
    """State of a registered thing."""

    DRAFT = "draft"
    FROZEN = "frozen"
    RETIRED = "retired"


class Role(StrEnum):
    """What a data set is for."""

    TRAINING = "training"
    HOLDOUT = "holdout"
    CHALLENGE = "challenge"
    GOLDEN = "golden"
    FEEDBACK = "feedback"


class AcquisitionMethod(StrEnum):
    """How data was come by."""

    INTERNAL = "internal"
    PARTNER = "partner"
    PURCHASED = "purchased"
    SCRAPED = "scraped"
    SYNTHETIC = "synthetic"
    USER = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Describe an upstream source. ``uri`` is text: nothing ever opens it."""

    uri: str
    revision: str | None = None
    publisher: str | None = None
    maintainers: tuple[str, ...] = ()
    last_activity: int | None = None
    verified: bool | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplier:
    """Name who supplied it and who works for them."""

    name: Identifier
    sub_processors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquisition:
    """Say how the data was come by; digests name the crawl target, filter or generator."""

    method: AcquisitionMethod
    target: str | None = None
    target_digest: Digest | None = None
    filter_digest: Digest | None = None
    generator_digest: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Summarise a data set as ``lineseal profile`` measured it."""

    rows: int
    missing: int | None = None
    outliers: int | None = None
    near_duplicates: int | None = None
    suspicious_characters: int | None = None
    label_counts: tuple[Count, ...] = ()
    source_counts: tuple[Count, ...] = ()
    metrics: tuple[Metric, ...] = ()
    row_sketch: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Register an artifact, stage or source with its owner and provenance.

    ``opaque`` says that what it was made from is not disclosed: its ancestry is never complete.
    """

    subject: Subject
    owner: Identifier | None = None
    state: LifecycleState | None = None
    role: Role | None = None
    trust_zone: Identifier | None = None
    risk_tier: Identifier | None = None
    source: Source | None = None
    supplier: Supplier | None = None
    acquisition: Acquisition | None = None
    collected_at: Time | None = None
    retrieved_at: Time | None = None
    submitted_by: Identifier | None = None
    licence: str | None = None
    reviewer: Identifier | None = None
    publisher_digest: str | None = None
    publisher_signature: str | None = None
    manifest_root: Digest | None = None
    profile: Profile | None = None
    opaque: bool = False
    attributes: tuple[Pair, ...] = ()
