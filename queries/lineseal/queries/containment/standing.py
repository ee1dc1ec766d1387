"""Which orders stand? A function of the set of orders, whatever the order they arrived in.

A freeze or a hold stands until two people have released exactly its subject since, each in an
event of their own under their own key. Anybody may be one of them; a name that is only asserted
releases nothing. An order that is only asserted stands at gates, where somebody can ask; it stops
no job. Source: ADR-0030.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import duckdb

from lineseal.queries.approvals import person_key
from lineseal.queries.catalog import query
from lineseal.queries.times import Moment
from lineseal.schemas.reference import format_reference

RELEASE = "release"
RELEASERS = 2
"""People who have to release something."""
QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Name what an order is about; ``kind`` to ``digest`` are those of an artifact."""

    type: str
    name: str | None = None
    kind: str | None = None
    namespace: str | None = None
    artifact: str | None = None
    version: str | None = None
    digest: str | None = None

    @property
    def reference(self) -> str:
        """Return how people write it: a REF, or ``type:name``."""
        if self.kind is None or self.namespace is None or self.artifact is None:
            return f"{self.type}:{self.name}"
        tail = self.version
        if self.version and self.digest:
            tail = f"{self.version}@{self.digest}"
        return format_reference(self.kind, self.namespace, self.artifact, tail, self.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Hold one order; ``proven``: under the own key of the person who gave it."""

    about: About
    action: str
    event_time: dt.datetime
    event_id: str
    producer: str
    proven: bool
    reason: str
    ordered_by: str
    notified: tuple[str, ...] = ()
    ticket: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Hold what stands: the newest proven order, else the newest, and who released it so far."""

    order: Order
    released_by: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """Return what holds, by whom and why."""
        order = self.order
        if order.action == QUARANTINE:
            return f"{order.about.reference} is in quarantine: {order.reason}"
        word = "frozen" if order.action == "freeze" else "held"
        only = "" if order.proven else " (only asserted, not signed with their own key)"
        return f"{order.about.reference} is {word} by {order.ordered_by}{only}: {order.reason}"


def load_orders(connection: duckdb.DuckDBPyConnection, moment: Moment) -> list[Order]:
    """Load every order of containment, the oldest first."""
    return [
        Order(
            about=About(
                type=row["type"],
                name=row["subject_name"],
                kind=row["kind"],
                namespace=row["namespace"],
                artifact=row["name"],
                version=row["version"],
                digest=row["digest"],
            ),
            action=row["action"],
            event_time=row["event_time"],
            event_id=row["event_id"],
            producer=row["producer"],
            proven=row["proven"],
            reason=row["reason"],
            ordered_by=row["ordered_by"],
            notified=tuple(row["notified"] or ()),
            ticket=row["ticket"],
        )
        for row in query("containment_orders").records(connection, **moment.parameters)
    ]


def load_quarantined(connection: duckdb.DuckDBPyConnection, moment: Moment) -> list[Standing]:
    """Load what is in quarantine, as orders that stand."""
    return [
        Standing(
            order=Order(
                about=About(
                    type="artifact",
                    kind=row["kind"],
                    namespace=row["namespace"],
                    artifact=row["name"],
                    version=row["version"],
                    digest=row["digest"],
                ),
                action=QUARANTINE,
                event_time=row["event_time"],
                event_id=row["event_id"],
                producer="",
                proven=True,
                reason=row["reason"],
                ordered_by=row["placed_by"],
            )
        )
        for row in query("quarantined").records(connection, **moment.parameters)
    ]


def standing(orders: Iterable[Order], officers: Collection[str] = ()) -> list[Standing]:
    """Return what stands, by subject.

    Args:
        orders: All of them, in any order.
        officers: People who may order and release; empty: anybody under their own key. The
            order of anybody else counts like one that is only asserted.

    """
    allowed = {person_key(officer) for officer in officers}
    by_subject: dict[About, list[Order]] = {}
    for order in sorted(orders, key=lambda one: (one.event_time, one.event_id, one.producer)):
        by_subject.setdefault(order.about, []).append(order)
    found = [_stands(history, allowed) for history in by_subject.values()]
    return sorted(
        (one for one in found if one is not None), key=lambda one: one.order.about.reference
    )


def _stands(history: Iterable[Order], allowed: set[str]) -> Standing | None:
    current: Order | None = None
    released: dict[str, str] = {}
    for order in history:
        counts = order.proven and (not allowed or person_key(order.ordered_by) in allowed)
        if order.action == RELEASE:
            if counts and current is not None:
                released.setdefault(person_key(order.ordered_by), order.ordered_by)
            if len(released) >= RELEASERS:
                current, released = None, {}
            continue
        if counts or current is None or not current.proven:
            current, released = order if counts else _asserted(order), {}
    if current is None:
        return None
    return Standing(order=current, released_by=tuple(sorted(released.values())))


def _asserted(order: Order) -> Order:
    return dataclasses.replace(order, proven=False)
