"""Frozen, typed models of the event contract; the Avro schema is derived from them.

Body classes are listed in ``BODY_FIELDS``: field name of ``Body`` to class. That name is also
the name of the table a body lands in (``run`` is the exception: its facts land in ``run_event``
and ``run_io``, from which ``run`` is a view).
"""

from __future__ import annotations

import dataclasses
from typing import Any, TypeAlias, get_args, get_type_hints

from lineseal.schemas.model._types import (
    DIGEST,
    IDENTIFIER,
    TIME,
    VERSION,
    ActorKind,
    Decision,
    DecisionMode,
    Digest,
    Identifier,
    Kind,
    Origin,
    Outcome,
    RunState,
    Time,
    Version,
)
from lineseal.schemas.model.assurance import (
    Approval,
    Check,
    Evaluation,
    Gate,
    Phase,
    Promotion,
    PromotionAction,
    Quarantine,
    QuarantineAction,
    Slice,
    Suite,
    SuiteKind,
    Validation,
    Verdict,
)
from lineseal.schemas.model.batch import (
    BATCH_FORMAT,
    BATCH_PAYLOAD_TYPE,
    BatchFlags,
    BatchHeader,
    BatchSignature,
    Genesis,
    Loss,
    SignedBatch,
)
from lineseal.schemas.model.common import (
    Actor,
    Artifact,
    ArtifactUse,
    Count,
    Evidence,
    Job,
    Metric,
    Pair,
    Subject,
    Workload,
)
from lineseal.schemas.model.event import Body, Event
from lineseal.schemas.model.people import (
    Access,
    AccessAction,
    AccessOutcome,
    Agreement,
    Feedback,
    Flip,
    LabelMethod,
    LabelReview,
    Override,
    Submitter,
)
from lineseal.schemas.model.response import (
    Containment,
    ContainmentAction,
    Erasure,
    Incident,
    IncidentState,
    KeyAction,
    KeyChange,
)
from lineseal.schemas.model.run import Code, Environment, ParentRun, RunEvent
from lineseal.schemas.model.supply import (
    Acquisition,
    AcquisitionMethod,
    LifecycleState,
    Profile,
    Registration,
    Role,
    Source,
    Supplier,
)

AnyBody: TypeAlias = (
    RunEvent
    | Registration
    | Validation
    | Evaluation
    | Quarantine
    | Approval
    | Promotion
    | Override
    | LabelReview
    | Feedback
    | Access
    | Containment
    | Incident
    | Verdict
    | KeyChange
    | Erasure
)

BODY_FIELDS: dict[str, type] = {
    field.name: next(
        arg for arg in get_args(get_type_hints(Body)[field.name]) if arg is not type(None)
    )
    for field in dataclasses.fields(Body)
}
"""Body field name to body class, in the order of the Avro schema."""

DECIDED_BY = {"approval": "approver", "override": "made_by", "containment": "ordered_by"}
"""Bodies that state a human decision, to the field that names who decided: verified only under
that person's own key (DESIGN 4.1)."""

HUMAN_BODIES = frozenset(DECIDED_BY)
"""Names of the bodies that state a human decision."""


def body_of(value: AnyBody) -> Body:
    """Wrap one body value into a ``Body`` whose other fields are null.

    Raises:
        TypeError: *value* is none of the body classes.

    """
    for name, cls in BODY_FIELDS.items():
        if type(value) is cls:
            fields: dict[str, Any] = {name: value}
            return Body(**fields)
    raise TypeError(f"{type(value).__name__} is not an event body")


def body_name(body: Body) -> str:
    """Return the field name of the one body that is set.

    Raises:
        ValueError: None or several are set.

    """
    names = [name for name in BODY_FIELDS if getattr(body, name) is not None]
    if len(names) != 1:
        raise ValueError(f"exactly one body must be set, not {len(names)}")
    return names[0]


__all__ = [
    "BATCH_FORMAT",
    "BATCH_PAYLOAD_TYPE",
    "BODY_FIELDS",
    "DECIDED_BY",
    "DIGEST",
    "HUMAN_BODIES",
    "IDENTIFIER",
    "TIME",
    "VERSION",
    "Access",
    "AccessAction",
    "AccessOutcome",
    "Acquisition",
    "AcquisitionMethod",
    "Actor",
    "ActorKind",
    "Agreement",
    "AnyBody",
    "Approval",
    "Artifact",
    "ArtifactUse",
    "BatchFlags",
    "BatchHeader",
    "BatchSignature",
    "Body",
    "Check",
    "Code",
    "Containment",
    "ContainmentAction",
    "Count",
    "Decision",
    "DecisionMode",
    "Digest",
    "Environment",
    "Erasure",
    "Evaluation",
    "Event",
    "Evidence",
    "Feedback",
    "Flip",
    "Gate",
    "Genesis",
    "Identifier",
    "Incident",
    "IncidentState",
    "Job",
    "KeyAction",
    "KeyChange",
    "Kind",
    "LabelMethod",
    "LabelReview",
    "LifecycleState",
    "Loss",
    "Metric",
    "Origin",
    "Outcome",
    "Override",
    "Pair",
    "ParentRun",
    "Phase",
    "Profile",
    "Promotion",
    "PromotionAction",
    "Quarantine",
    "QuarantineAction",
    "Registration",
    "Role",
    "RunEvent",
    "RunState",
    "SignedBatch",
    "Slice",
    "Source",
    "Subject",
    "Submitter",
    "Suite",
    "SuiteKind",
    "Supplier",
    "Time",
    "Validation",
    "Verdict",
    "Version",
    "Workload",
    "body_name",
    "body_of",
]
