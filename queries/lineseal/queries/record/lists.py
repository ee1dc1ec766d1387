"""What do the record's plain lists say? Overrides, access, feedback behind a model, inventory."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import duckdb

from lineseal.commandline.output import Answer
from lineseal.queries.catalog import query
from lineseal.queries.graph import Direction, Traversal
from lineseal.queries.lookup import find_one
from lineseal.queries.record.writers import with_rights
from lineseal.queries.statements import load_statements, load_untrusted
from lineseal.queries.times import Moment, TimeInput, format_time, from_microseconds, parse_time
from lineseal.schemas.ids import now_us
from lineseal.schemas.reference import DEFAULT_NAMESPACE, format_reference


def overrides(
    connection: duckdb.DuckDBPyConnection,
    *,
    by: str | None = None,
    target: str | None = None,
    since: TimeInput = None,
    until: TimeInput = None,
    known_at: TimeInput = None,
) -> Answer:
    """List overrides, the oldest first.

    Args:
        connection: The open store.
        by: Only those this person made.
        target: Only those of this REF or ``type:name``; without a version those of every version.
        since: Event time, included.
        until: Event time, included.
        known_at: Ingest time, included: what had arrived by then.

    Raises:
        QueryError: A time cannot be read.

    """
    moment = Moment.of(None, known_at)
    found = query("overrides").records(
        connection,
        made_by=by,
        since=parse_time(since),
        until=parse_time(until),
        known_at=moment.known_at,
    )
    untrusted = load_untrusted(
        connection, {(row["producer"], row["event_id"]) for row in found}, moment
    )
    rows = [
        row
        | {
            "event_time": format_time(row["event_time"]),
            "target": _subject(row["target"]),
            "expires_at": _time(row["expires_at"]),
            # What a stolen key signed is nobody's decision (ADR-0012).
            "own_key": row["own_key"] and (row["producer"], row["event_id"]) not in untrusted,
        }
        for row in found
        if _is_about(row["target"], target)
    ]
    return Answer(
        query="overrides", subject=target, known_at=format_time(moment.known_at), rows=rows
    )


def access(
    connection: duckdb.DuckDBPyConnection,
    *,
    principal: str | None = None,
    resource: str | None = None,
    since: TimeInput = None,
    until: TimeInput = None,
    known_at: TimeInput = None,
) -> Answer:
    """List who accessed what, the oldest first; arguments as for ``overrides``.

    Args:
        connection: The open store.
        principal: Only what this one did.
        resource: Only of this REF or ``type:name``.
        since: Event time, included.
        until: Event time, included.
        known_at: Ingest time, included: what had arrived by then.

    """
    moment = Moment.of(None, known_at)
    found = query("accesses").records(
        connection,
        principal=principal,
        since=parse_time(since),
        until=parse_time(until),
        known_at=moment.known_at,
    )
    rows = [
        row | {"event_time": format_time(row["event_time"]), "resource": _subject(row["resource"])}
        for row in found
        if _is_about(row["resource"], resource)
    ]
    return Answer(
        query="access", subject=resource, known_at=format_time(moment.known_at), rows=rows
    )


def feedback(
    connection: duckdb.DuckDBPyConnection,
    reference: str,
    *,
    as_of: TimeInput = None,
    known_at: TimeInput = None,
) -> Answer:
    """Tell whose feedback went into a version: every window behind it, by pseudonym and share.

    Raises:
        InvalidReference, NotFound, Ambiguous: The REF means nothing, or more than one version.
        QueryError: A time cannot be read.

    """
    moment = Moment.of(as_of, known_at)
    subject = find_one(connection, reference, moment)
    lineage = Traversal(connection, moment).walk([subject.id], Direction.UPSTREAM)
    rows = [
        {
            "event_time": format_time(said.event_time),
            "channel": said.fields["channel"],
            "reference": lineage.nodes[node].reference,
            "submissions": said.fields["submissions"],
            "submitters": said.fields["submitters"],
            "top_submitters": [
                f"{one['pseudonym']} {one['share']:.1%}"
                for one in said.fields["top_submitters"] or ()
            ],
            "new_account_share": said.fields["new_account_share"],
            "repeat_share": said.fields["repeat_share"],
            "throttled": said.fields["throttled"],
            "reviewed_by": said.fields["reviewed_by"],
            **lineage.nodes[node].to_row(),
            "run_id": lineage.nodes[node].run_id,
            "depth": lineage.depth[node],
            "names": said.names,
            "event_id": said.event_id,
        }
        for node, about in load_statements(connection, lineage.nodes, moment).items()
        for said in about
        if said.body == "feedback"
    ]
    rows.sort(key=lambda row: (row["event_time"], row["reference"], row["event_id"]))
    return Answer(
        query="feedback",
        subject=subject.reference,
        as_of=format_time(moment.as_of),
        known_at=format_time(moment.known_at),
        rows=rows,
    )


def inventory(
    connection: duckdb.DuckDBPyConnection,
    *,
    known_at: TimeInput = None,
    clock: Callable[[], int] = now_us,
) -> Answer:
    """List stages, sources, suppliers, owners, and the producers that write or may write."""
    moment = parse_time(known_at)
    found = query("inventory").records(connection, known_at=moment)
    rows = [
        row | {side: format_time(row[side]) for side in ("first_seen", "last_seen")}
        for row in found
    ]
    now = moment or from_microseconds(clock())
    return Answer(
        query="inventory",
        known_at=format_time(moment),
        rows=with_rights(connection, rows, known_at=moment, now=now),
    )


def _subject(text: str) -> str:
    """Print what a statement is about as a REF, or as ``type:name`` where it is no artifact."""
    subject: Mapping[str, Any] = json.loads(text)
    artifact = subject["artifact"]
    if artifact is None or artifact["kind"] is None:
        return f"{subject['type']}:{subject['name']}"
    named = (artifact[part] for part in ("kind", "namespace", "name", "version", "digest"))
    return format_reference(*named)


def _is_about(text: str, wanted: str | None) -> bool:
    """Tell whether a subject is *wanted*, or a version of it; a digest may be cut short."""
    subject: Mapping[str, Any] = json.loads(text)
    artifact = subject["artifact"]
    if wanted is None or artifact is None or artifact["kind"] is None:
        return wanted in (None, f"{subject['type']}:{subject['name']}")
    names = [f"{artifact['kind']}:{artifact['namespace']}/{artifact['name']}"]
    if artifact["namespace"] == DEFAULT_NAMESPACE:
        names.append(f"{artifact['kind']}:{artifact['name']}")
    for name in names:
        if wanted in (name, f"{name}@{artifact['version']}"):
            return True
        digest = wanted.removeprefix(f"{name}@")
        if digest.startswith("sha256:") and (artifact["digest"] or "").startswith(digest):
            return True
    return False


def _time(microseconds: int | None) -> str | None:
    return None if microseconds is None else format_time(from_microseconds(microseconds))
