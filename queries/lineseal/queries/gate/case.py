"""What does a gate judge? One version with everything known about it, loaded once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import duckdb

from lineseal.queries.catalog import query
from lineseal.queries.containment.holding import load_standing
from lineseal.queries.containment.standing import Standing
from lineseal.queries.gate.policy import Policy
from lineseal.queries.makers import load_makers
from lineseal.queries.material import Material
from lineseal.queries.node import Node
from lineseal.queries.statements import Statement, load_named
from lineseal.queries.times import Moment

MODELS = frozenset({"model", "checkpoint", "model_update"})
DATA = frozenset({"dataset", "label_set", "feature_set", "embedding_set", "preference_set"})


class Outcome(StrEnum):
    """How a rule came out."""

    PASSED = "passed"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Check:
    """Hold what one rule found about one thing; ``reason`` is a full sentence."""

    rule: str
    outcome: Outcome
    reference: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Hold what the rules look at.

    ``given`` are digests of bytes on somebody's disk, by the REF they were given for; an empty
    REF means the subject. ``now`` is naive UTC.
    """

    gate: str
    policy: Policy
    material: Material
    makers: Mapping[int, set[str]]
    orders: Sequence[Standing]
    named: Mapping[tuple[str, str], list[Statement]]
    alerts: Sequence[Mapping[str, Any]]
    detections: tuple[int, int]
    given: Sequence[tuple[str, str]]
    now: dt.datetime

    @property
    def subject(self) -> Node:
        """Return the version that is judged."""
        return self.material.ancestry.subject

    @property
    def inputs(self) -> list[Node]:
        """Return the data and models that no known run made from anything."""
        lineage = self.material.ancestry.lineage
        return [
            node
            for node in self.material.nodes
            if node.kind in MODELS | DATA
            and not any(edge.run in lineage.inputs for edge in lineage.writers.get(node.id, ()))
        ]

    def about(self, node: Node) -> list[Statement]:
        """Return everything said about a version, the oldest first."""
        return self.material.statements.get(node.id, [])


def load_case(
    connection: duckdb.DuckDBPyConnection,
    material: Material,
    *,
    gate: str,
    policy: Policy,
    given: Sequence[tuple[str, str]],
    officers: Sequence[str],
    now: dt.datetime,
) -> Case:
    """Load what *gate* needs to know beside the *material*."""
    moment: Moment = material.moment
    ancestry = material.ancestry
    ((rules, behind),) = query("detection_state").rows(connection)
    return Case(
        gate=gate,
        policy=policy,
        material=material,
        makers=load_makers(connection, ancestry.lineage.writers, ancestry.evidence.runs, moment),
        orders=load_standing(connection, moment, officers),
        named=load_named(connection, moment),
        alerts=query("open_alerts").records(connection, severities=list(policy.alert_severities)),
        detections=(rules, behind),
        given=given,
        now=now,
    )


def refused(rule: str, reference: str, reason: str) -> Check:
    """Make a check that refuses."""
    return Check(rule=rule, outcome=Outcome.REFUSED, reference=reference, reason=reason)


def passed(rule: str, reference: str, reason: str) -> Check:
    """Make a check that passes."""
    return Check(rule=rule, outcome=Outcome.PASSED, reference=reference, reason=reason)
