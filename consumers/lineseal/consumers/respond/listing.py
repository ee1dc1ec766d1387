"""What must not be read? Makes the containment list of the orders that stand in the store.

Only orders under a person's own key stop jobs; what is in quarantine does too, since pipelines put
it there. An order about a source, supplier or feedback channel becomes the artifacts that came
from there, since a job knows what it reads and not where that came from.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import duckdb

from lineseal.queries.catalog import query
from lineseal.queries.containment.holding import load_standing
from lineseal.queries.containment.standing import About, Order
from lineseal.queries.times import Moment
from lineseal.schemas.model import Artifact, Kind
from lineseal.signing.containment import Contained

_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - the store keeps naive UTC
_FROM = ("source", "supplier", "feedback_channel")

Described = tuple[str, str, str, str | None, str | None]


def contained_now(
    connection: duckdb.DuckDBPyConnection, officers: Sequence[str]
) -> tuple[Contained, ...]:
    """Return what must not be read, sorted by reference and order."""
    orders = [
        one.order for one in load_standing(connection, Moment(), officers) if one.order.proven
    ]
    if not orders:
        return ()
    described = [_described(order.about) for order in orders]
    named = [(place, order.about) for place, order in enumerate(orders) if _is_origin(order.about)]
    if named:
        rows = query("artifacts_from").rows(
            connection,
            types=[about.type for _, about in named],
            names=[about.name for _, about in named],
        )
        for place, *artifact in dict.fromkeys(row[:6] for row in rows):
            described[named[place][0]].append(_artifact(artifact))
    meant = _meant(connection, described)
    found = [
        _entry(order, {*own, *same})
        for order, own, same in zip(orders, described, meant, strict=True)
    ]
    return tuple(sorted(found, key=lambda each: (each.reference, each.event_id)))


def _described(about: About) -> list[Described]:
    if about.kind is None or about.namespace is None or about.artifact is None:
        return []
    return [(about.kind, about.namespace, about.artifact, about.version, about.digest)]


def _is_origin(about: About) -> bool:
    return about.type in _FROM and about.name is not None


def _artifact(values: Sequence[str | None]) -> Described:
    kind, namespace, name, version, digest = values
    return str(kind), str(namespace), str(name), version, digest


def _meant(
    connection: duckdb.DuckDBPyConnection, described: Sequence[Sequence[Described]]
) -> list[set[Described]]:
    """Find the versions and digests that the store knows of what orders describe."""
    flat = [(place, each) for place, some in enumerate(described) for each in some]
    found: list[set[Described]] = [set() for _ in described]
    if not flat:
        return found
    columns: list[list[str | None]] = [[], [], [], [], []]
    for _, each in flat:
        for column, value in zip(columns, each, strict=True):
            column.append(value)
    rows = query("same_artifacts").rows(
        connection,
        kinds=columns[0],
        namespaces=columns[1],
        names=columns[2],
        versions=columns[3],
        digests=columns[4],
    )
    for place, _, *artifact in rows:
        number, of = flat[place]
        one = _artifact(artifact)
        # Two contents of one version: an order by digest means one of them, in every name.
        if of[3] is not None or of[4] is not None:
            found[number].add(one)
    return found


def _entry(order: Order, artifacts: set[Described]) -> Contained:
    return Contained(
        type=order.about.type,
        reference=order.about.reference,
        name=order.about.name,
        action=order.action,
        reason=order.reason,
        ordered_by=order.ordered_by,
        since=(order.event_time - _EPOCH) // dt.timedelta(microseconds=1),
        event_id=order.event_id,
        artifacts=tuple(
            Artifact(
                kind=Kind(kind), namespace=namespace, name=name, version=version, digest=digest
            )
            for kind, namespace, name, version, digest in sorted(
                artifacts, key=lambda each: tuple(part or "" for part in each)
            )
        ),
    )
