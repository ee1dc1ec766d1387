"""What holds a version back? Compares standing orders with everything the version was made from.

An order about an artifact holds every version it means and whatever has the same digest; one about
a source, supplier or feedback channel what came from there; one about a stage or a producer what
any of their runs wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb

from lineseal.queries.ancestry import Ancestry
from lineseal.queries.containment.standing import (
    About,
    Standing,
    load_orders,
    load_quarantined,
    standing,
)
from lineseal.queries.node import Node
from lineseal.queries.statements import Statement
from lineseal.queries.times import Moment


def load_standing(
    connection: duckdb.DuckDBPyConnection, moment: Moment, officers: Sequence[str] = ()
) -> list[Standing]:
    """Load what is frozen, held or in quarantine; *officers* as for ``standing``."""
    orders = standing(load_orders(connection, moment), officers)
    return [*orders, *load_quarantined(connection, moment)]


def held(
    ancestry: Ancestry, statements: Mapping[int, Sequence[Statement]], orders: Iterable[Standing]
) -> list[tuple[Standing, str | None]]:
    """Return the orders that hold something in an ancestry back, each with the version it holds.

    The version is None for an order about a stage or a producer. Sorted by subject.
    """
    runs = [ancestry.evidence.runs[run] for run in ancestry.lineage.outputs]
    stages = {run.stage for run in runs}
    producers = {run.producer for run in runs}
    found: list[tuple[Standing, str | None]] = []
    for order in orders:
        about = order.order.about
        if about.type in ("stage", "producer"):
            if about.name in (stages if about.type == "stage" else producers):
                found.append((order, None))
            continue
        found += [
            (order, node.reference)
            for node in ancestry.nodes
            if means(about, node) or _came_from(about, statements.get(node.id, ()))
        ]
    return sorted(found, key=lambda one: (one[0].order.about.reference, one[1] or ""))


def means(about: About, node: Node) -> bool:
    """Tell whether an order about an artifact means this version, or the same bytes."""
    if about.kind is None:
        return False
    if about.digest is not None and about.digest == node.digest:
        return True
    if (about.kind, about.namespace, about.artifact) != (node.kind, node.namespace, node.name):
        return False
    if about.version is None and about.digest is None:
        return True
    unlike = None not in (about.digest, node.digest)  # both are known, and not the same
    return about.version is not None and about.version == node.version and not unlike


def _came_from(about: About, statements: Iterable[Statement]) -> bool:
    for said in statements:
        if about.type == "feedback_channel" and said.body == "feedback":
            if said.fields["channel"] == about.name:
                return True
        elif said.body == "registration" and about.name in origins(said.fields, about):
            return True
    return False


def origins(registration: dict[str, Any], about: About) -> set[str | None]:
    """Return the names of a registration's source or supplier that an order could use."""
    supplier = (registration["supplier"] or {}).get("name")
    if about.type == "supplier":
        return {supplier}
    if about.type != "source":
        return set()
    source = registration["source"] or {}
    uri = source.get("uri") or ""
    names = {supplier, source.get("publisher"), uri or None}
    if "://" in uri:
        names.add(uri.partition("://")[2].partition("/")[0])
    start = (about.name or "").rstrip("/")
    if start and uri.startswith(f"{start}/"):
        names.add(about.name)
    return names - {None}
