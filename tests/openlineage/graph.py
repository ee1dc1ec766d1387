"""The graph that OpenLineage events give, as a set of edges."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lineseal.schemas.model import Origin
from tests.openlineage.events import Json, mapped, sender
from tests.simulator import Pipeline

ROLES = frozenset({"gateway"})
Edges = set[tuple[str, str, str, str | None, str | None, bool]]


def graph(folder: Path, events: Iterable[Json], origin: Origin = Origin.GATEWAY) -> Edges:
    """Receive events, materialise them, and return the edges."""
    pipeline = Pipeline(folder)
    gateway = pipeline.producer("gateway", roles=ROLES)
    for event in events:
        gateway.send(*mapped(event, sender(origin)).events)
    assert pipeline.materialise().rejects == {}
    return set(
        pipeline.query(
            "SELECT job_name, direction, name, version, right(node.run_id, 1), exact FROM edge"
            " JOIN run_fact USING (producer, run_id) JOIN artifact_version AS node"
            " USING (artifact_version_id) WHERE edge.known_to IS NULL AND node.known_to IS NULL"
            " AND run_fact.known_to IS NULL"
        )
    )
