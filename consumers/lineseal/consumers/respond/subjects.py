"""What does somebody mean who writes a REF, or ``source:NAME``? Finds it in the store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineseal.commandline.output import Answer
from lineseal.queries.cli.common import ask
from lineseal.queries.containment.answer import NAMED_TYPES
from lineseal.queries.containment.questions import REACH, ReachParams
from lineseal.schemas.errors import NotFound
from lineseal.schemas.model import Artifact, Kind, Subject
from lineseal.schemas.reference import parse_reference, to_artifact


def about_subject(subject: str, *, unseen: bool) -> Answer:
    """Ask what an order about *subject* would stop; ``extra["about"]`` describes it.

    Raises:
        NotFound: The store knows nothing of that name, and it is not *unseen*.

    """
    try:
        return ask(REACH, ReachParams(subject=subject))
    except NotFound:
        if not unseen:
            raise
    kind, _, name = subject.partition(":")
    about: dict[str, str | None] = {"type": kind, "name": name, "kind": None}
    if kind not in NAMED_TYPES:
        thing = to_artifact(parse_reference(subject))
        about = {
            "type": "artifact",
            "name": None,
            "kind": thing.kind,
            "namespace": thing.namespace,
            "artifact": thing.name,
            "version": thing.version,
            "digest": thing.digest,
        }
    extra = {"about": about, "reference": subject, "artifacts": [], "made_from_it": []}
    return Answer(query=REACH.name, subject=subject, extra=extra)


def to_subject(about: Mapping[str, Any]) -> Subject:
    """Make the subject of an event of such a description."""
    if about["kind"] is None:
        return Subject(type=about["type"], name=about["name"])
    thing = Artifact(
        kind=Kind(about["kind"]),
        namespace=about["namespace"],
        name=about["artifact"],
        version=about["version"],
        digest=about["digest"],
    )
    return Subject(type="artifact", artifact=thing)
