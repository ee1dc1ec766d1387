"""What is frozen, held or in quarantine, and what would an order stop? Answers for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from lineseal.commandline.output import Answer
from lineseal.queries.approvals import person_key
from lineseal.queries.catalog import query
from lineseal.queries.containment.holding import load_standing
from lineseal.queries.containment.standing import RELEASERS, About, Standing
from lineseal.queries.graph import Direction, Traversal
from lineseal.queries.lookup import find_all_versions, find_one
from lineseal.queries.node import Node
from lineseal.queries.times import Moment, TimeInput, format_time
from lineseal.schemas.errors import Ambiguous, NotFound, QueryError
from lineseal.schemas.reference import parse_reference

NAMED_TYPES = ("feedback_channel", "producer", "source", "stage", "supplier")
"""What an order can be about beside an artifact."""
_FROM = ("feedback_channel", "source", "supplier")


def standing_orders(
    connection: duckdb.DuckDBPyConnection,
    *,
    officers: Sequence[str] = (),
    as_of: TimeInput = None,
    known_at: TimeInput = None,
) -> Answer:
    """List what is frozen, held or in quarantine, and who released it so far."""
    moment = Moment.of(as_of, known_at)
    return Answer(
        query="containment",
        as_of=format_time(moment.as_of),
        known_at=format_time(moment.known_at),
        rows=[_row(one) for one in load_standing(connection, moment, officers)],
    )


def reach(connection: duckdb.DuckDBPyConnection, subject: str) -> Answer:
    """Tell what an order about *subject* would stop: jobs and their owners.

    Args:
        connection: The open store.
        subject: A REF (without version: all of them), or ``source:NAME``, ``stage:NAME``,
            ``producer:NAME``, ``feedback_channel:NAME``, ``supplier:NAME``.

    Raises:
        InvalidReference, NotFound, Ambiguous: The store knows no such thing, or several.

    """
    about, nodes = _find(connection, subject)
    rows = query("pipelines").records(
        connection,
        ids=[node.id for node in nodes],
        stage=about.name if about.type == "stage" else None,
        producer=about.name if about.type == "producer" else None,
    )
    if about.kind is None and not rows and not nodes:
        raise NotFound(f"the store knows no {about.type} called {about.name!r}", _known(connection))
    made = _made_from(connection, nodes)
    for row in rows:
        row["last_run"] = format_time(row["last_run"])
    return Answer(
        query="containment-reach",
        subject=subject,
        rows=rows,
        extra={
            "about": _about(about),
            "reference": about.reference,
            "artifacts": sorted(node.reference for node in nodes),
            "made_from_it": made,
        },
    )


def find_standing(answer: Answer, text: str, releaser: str) -> dict[str, Any]:
    """Return the standing order that *text* means: its subject, or the start of its event id.

    Raises:
        NotFound: Nothing like it stands; ``candidates`` are what does.
        Ambiguous: It is the start of several ids.
        QueryError: *releaser* has released it already, or it is in quarantine.

    """
    rows = [row for row in answer.rows if row["reference"] == text]
    rows = rows or [row for row in answer.rows if row["event_id"].startswith(text)]
    if not rows:
        known = tuple(sorted({row["reference"] for row in answer.rows}))
        raise NotFound(f"no order about {text} stands; release what was ordered", known)
    if len({row["reference"] for row in rows}) > 1:
        raise Ambiguous(f"several orders' ids start with {text!r}; say more")
    row = dict(rows[0])
    if row["action"] == "quarantine":
        raise QueryError(
            f"{text} is in quarantine, which no order put it into: use 'lineseal emit quarantine "
            "--action released'"
        )
    if person_key(releaser) in {person_key(person) for person in row["released_by"]}:
        raise QueryError(f"{releaser} has released {text} already; a second person has to")
    return row


def _row(one: Standing) -> dict[str, Any]:
    order = one.order
    return {
        "reference": order.about.reference,
        "action": order.action,
        "since": format_time(order.event_time),
        "ordered_by": order.ordered_by,
        "own_key": order.proven,
        "reason": order.reason,
        "released_by": list(one.released_by),
        "releases_needed": RELEASERS - len(one.released_by),
        "ticket": order.ticket,
        "event_id": order.event_id,
        "about": _about(order.about),
    }


def _about(about: About) -> dict[str, str | None]:
    return {
        "type": about.type,
        "name": about.name,
        "kind": about.kind,
        "namespace": about.namespace,
        "artifact": about.artifact,
        "version": about.version,
        "digest": about.digest,
    }


def _find(connection: duckdb.DuckDBPyConnection, subject: str) -> tuple[About, list[Node]]:
    kind, colon, name = subject.partition(":")
    if colon and kind in NAMED_TYPES:
        about = About(type=kind, name=name)
        return about, _came_from(connection, about) if kind in _FROM else []
    reference, moment = parse_reference(subject), Moment()
    nodes = find_all_versions(connection, subject, moment)
    if len({(node.kind, node.namespace, node.name) for node in nodes}) > 1:
        raise Ambiguous(
            f"{subject} is the name of several artifacts; name the namespace or the digest",
            tuple(sorted({node.reference for node in nodes}))[:20],
        )
    first = nodes[0]
    digest = None
    if reference.digest_prefix is not None:
        digest = find_one(connection, subject, moment).digest
    about = About(
        type="artifact",
        kind=first.kind,
        namespace=first.namespace,
        artifact=first.name,
        version=reference.version,
        digest=digest,
    )
    return about, _nodes(connection, [about])


def _nodes(connection: duckdb.DuckDBPyConnection, abouts: Sequence[About]) -> list[Node]:
    """Find the versions that descriptions mean, and what has the same bytes."""
    rows = query("same_artifacts").rows(
        connection,
        kinds=[about.kind for about in abouts],
        namespaces=[about.namespace for about in abouts],
        names=[about.artifact for about in abouts],
        versions=[about.version for about in abouts],
        digests=[about.digest for about in abouts],
    )
    found = Traversal(connection, Moment()).nodes({row[1] for row in rows})
    return list(found.values())


def _came_from(connection: duckdb.DuckDBPyConnection, about: About) -> list[Node]:
    rows = query("artifacts_from").rows(connection, types=[about.type], names=[about.name])
    abouts = [
        About(
            type="artifact",
            kind=kind,
            namespace=space,
            artifact=name,
            version=version,
            digest=digest,
        )
        for kind, space, name, version, digest in dict.fromkeys(row[1:6] for row in rows)
    ]
    return _nodes(connection, abouts) if abouts else []


def _made_from(connection: duckdb.DuckDBPyConnection, nodes: Sequence[Node]) -> list[str]:
    """Return what was made from these versions: gates refuse it, but jobs may read it."""
    starts = [node.id for node in nodes]
    down = Traversal(connection, Moment()).walk(starts, Direction.DOWNSTREAM)
    return sorted(node.reference for key, node in down.nodes.items() if key not in set(starts))


def _known(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    rows = query("inventory").records(connection)
    kinds = {"writer": "producer"}
    names = {f"{kinds.get(row['type'], row['type'])}:{row['name']}" for row in rows}
    return tuple(sorted(name for name in names if name.partition(":")[0] in NAMED_TYPES))[:20]
