"""What is known about incidents? The list of them, and one with all that belongs to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from lineseal.commandline.output import Answer
from lineseal.queries.catalog import query
from lineseal.queries.containment.standing import Order, load_orders, standing
from lineseal.queries.incident.record import CLOSED, Record, load_records
from lineseal.queries.times import Moment, TimeInput, format_time
from lineseal.schemas.errors import Ambiguous, NotFound

_LEAST = 4

Row = dict[str, Any]


def incidents(connection: duckdb.DuckDBPyConnection, *, known_at: TimeInput = None) -> Answer:
    """List all incidents, the open ones first, then the newest."""
    moment = Moment.of(None, known_at)
    records = load_records(connection, moment)
    records.sort(key=lambda record: record.opened_at, reverse=True)
    records.sort(key=lambda record: record.state == CLOSED)
    return Answer(
        query="incidents",
        known_at=format_time(moment.known_at),
        rows=[_head(record) for record in records],
    )


def incident(
    connection: duckdb.DuckDBPyConnection, incident_id: str, *, known_at: TimeInput = None
) -> Answer:
    """Show one incident: what was found, ordered and kept, in order; cause and failed control.

    Orders belong to it that it names, that name it as their ticket, or that were given about one
    of its subjects while it was open.

    Raises:
        NotFound: There is none; ``candidates`` are the ids that are.

    """
    moment = Moment.of(None, known_at)
    found = load_records(connection, moment, incident_id)
    if not found:
        known = tuple(record.incident_id for record in load_records(connection, moment))
        raise NotFound(
            f"the store has no incident {incident_id!r}; if it was just opened, run "
            "'lineseal materialise' first",
            known[:20],
        )
    (record,) = found
    every = load_orders(connection, moment)
    orders = [order for order in every if _belongs(order, record)]
    rows = [*_events(record), *_alerts(connection, record), *_findings(connection, record)]
    rows += [_order(order) for order in orders]
    rows += [_row(None, "evidence", name, None, None, "") for name in record.named("evidence")]
    rows.sort(
        key=lambda row: (row["time"] is None, row["time"] or "", row["what"], row["reference"])
    )
    abouts = {order.about for order in orders}
    stands = [one.order.about.reference for one in standing(every) if one.order.about in abouts]
    return Answer(
        query="incident",
        subject=incident_id,
        known_at=format_time(moment.known_at),
        rows=rows,
        remarks=[f"{reference} is still contained" for reference in stands],
        extra=_head(record) | {"still_contained": stands},
    )


def parts(
    connection: duckdb.DuckDBPyConnection,
    *,
    alerts: Sequence[str] = (),
    findings: Sequence[str] = (),
    orders: Sequence[str] = (),
) -> Answer:
    """Find the whole ids of what belongs to an incident by their starts.

    Raises:
        NotFound, Ambiguous: Nothing has an id that starts so, or several have.

    """
    rows: list[Row] = []
    known = [order.event_id for order in load_orders(connection, Moment())]
    for kind, texts in (("alert", alerts), ("finding", findings), ("order", orders)):
        for text in texts:
            if kind == "order":
                ids = [identity for identity in known if identity.startswith(text)]
            else:
                ids = [row[0] for row in query(f"{kind}s_by_prefix").rows(connection, prefix=text)]
            rows.append({"type": kind, "id": _only(kind, text, ids)})
    return Answer(query="incident-parts", rows=rows)


def _only(kind: str, text: str, ids: Sequence[str]) -> str:
    if len(text) < _LEAST:
        raise NotFound(f"give at least {_LEAST} characters of the {kind}'s id, not {text!r}")
    if not ids:
        raise NotFound(f"no {kind}'s id starts with {text!r}")
    if len(ids) > 1:
        raise Ambiguous(f"several {kind}s' ids start with {text!r}", tuple(ids[:20]))
    return ids[0]


def _head(record: Record) -> Row:
    first, last = record.events[0], record.events[-1]
    closed = record.closed_at
    return {
        "incident_id": record.incident_id,
        "state": record.state,
        "opened_at": format_time(record.opened_at),
        "opened_by": first["by"],
        "closed_at": format_time(closed),
        "closed_by": last["by"] if closed is not None else None,
        "subjects": [about.reference for about in record.subjects],
        "cause": record.cause,
        "failed_control": record.failed_control,
        "actions": list(record.actions),
    }


def _belongs(order: Order, record: Record) -> bool:
    if order.ticket == record.incident_id or order.event_id in record.named("order"):
        return True
    closed = record.closed_at
    in_time = order.event_time >= record.opened_at and (
        closed is None or order.event_time <= closed
    )
    return in_time and order.about in record.subjects


def _events(record: Record) -> list[Row]:
    return [
        _row(
            format_time(event["event_time"]),
            "incident",
            record.incident_id,
            event["by"],
            event["own_key"],
            f"{event['state']}: {event['cause']}" if event["cause"] else event["state"],
        )
        for event in record.events
    ]


def _alerts(connection: duckdb.DuckDBPyConnection, record: Record) -> list[Row]:
    rows: list[Row] = []
    for name in record.named("alert"):
        for found in query("alerts_by_prefix").records(connection, prefix=name):
            detail = f"{found['rule_id']}, {found['severity']}, {found['status']}: {found['title']}"
            row = _row(
                format_time(found["first_seen"]), "alert", found["subject"], None, None, detail
            )
            rows.append(row | {"id": found["alert_id"]})
    return rows


def _findings(connection: duckdb.DuckDBPyConnection, record: Record) -> list[Row]:
    rows: list[Row] = []
    for name in record.named("finding"):
        for found in query("findings_by_prefix").records(connection, prefix=name):
            reference = f"producer:{found['producer']}"
            detail = f"{found['code']}: {found['detail']}"
            row = _row(format_time(found["opened_at"]), "finding", reference, None, None, detail)
            rows.append(row | {"id": found["finding_id"]})
    return rows


def _order(order: Order) -> Row:
    row = _row(
        format_time(order.event_time),
        order.action,
        order.about.reference,
        order.ordered_by,
        order.proven,
        order.reason,
    )
    return row | {"id": order.event_id}


def _row(
    time: str | None,
    what: str,
    reference: str,
    by: str | None,
    own_key: bool | None,
    detail: str,
) -> Row:
    return {
        "time": time,
        "what": what,
        "reference": reference,
        "by": by,
        "own_key": own_key,
        "detail": detail,
        "id": None,
    }
