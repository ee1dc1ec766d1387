"""Finds the suspects of a question: by REF, by ``TYPE:NAME``, or all of a time."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable

import duckdb

from lineseal.queries.catalog import query
from lineseal.queries.completeness import Defect, make_defect
from lineseal.queries.graph import Traversal
from lineseal.queries.lookup import find_all_versions, find_one
from lineseal.queries.node import Node
from lineseal.queries.suspects.links import KEY, Link, Who, links
from lineseal.queries.suspects.suspects import ORIGINS, TYPES, Suspects, of_nodes
from lineseal.queries.times import Moment, TimeInput, format_time, parse_time
from lineseal.schemas.errors import Ambiguous, NotFound, QueryError
from lineseal.schemas.reference import format_reference

_KEY_ID = re.compile(r"[0-9a-f]{8,64}")
_KNOWN = 20


def find_suspects(
    connection: duckdb.DuckDBPyConnection,
    subject: str | None,
    moment: Moment,
    *,
    all_versions: bool = False,
    since: TimeInput = None,
    until: TimeInput = None,
) -> Suspects:
    """Find the versions that a question about impact starts from.

    Args:
        connection: The open store.
        subject: REF, or ``TYPE:NAME`` with one of ``TYPES``; None: everything of the time.
        moment: What to look at.
        all_versions: Of a REF, every version of its name.
        since: Claimed time, included, of what somebody did; not for a REF.
        until: The same, the end.

    Raises:
        InvalidReference, NotFound, Ambiguous: It means nothing, or more than one thing.
        QueryError: A time cannot be read, or the parameters do not go together.

    """
    type_, colon, name = (subject or "").partition(":")
    if subject is not None and not (colon and type_ in TYPES):
        if since is not None or until is not None:
            raise QueryError(
                "--from and --until are about what somebody did in that time; leave out the REF, "
                f"or name one of {', '.join(TYPES)}"
            )
        return _of_reference(connection, subject, moment, all_versions=all_versions)
    if all_versions:
        raise QueryError("--all-versions is about a REF")
    if subject is None and since is None and until is None:
        raise QueryError("name a REF, a TYPE:NAME, or a time with --from and --until")
    if subject is not None and not name:
        raise QueryError(f"nothing follows {type_}:")
    start, end = parse_time(since), parse_time(until)
    if start is not None and end is not None and end < start:
        raise QueryError("--until lies before --from")
    if type_ == KEY:
        name = _key_id(connection, name, moment)
    who = Who(
        type=type_ if subject else None, name=name if subject else None, since=since, until=until
    )
    return _of_links(connection, who, moment)


def _of_reference(
    connection: duckdb.DuckDBPyConnection, reference: str, moment: Moment, *, all_versions: bool
) -> Suspects:
    if not all_versions:
        node = find_one(connection, reference, moment)
        return of_nodes(node.reference, [node])
    nodes = find_all_versions(connection, reference, moment)
    first = nodes[0]
    named = format_reference(first.kind, first.namespace, first.name, None, None)
    return of_nodes(named, nodes)


def _of_links(connection: duckdb.DuckDBPyConnection, who: Who, moment: Moment) -> Suspects:
    said = _say(who)
    found: defaultdict[int, list[Link]] = defaultdict(list)
    for link in links(connection, who, moment):
        found[link.node].append(link)
    nodes = Traversal(connection, moment).nodes(found)
    if moment.as_of is not None:
        nodes = {id_: node for id_, node in nodes.items() if node.appeared_at <= moment.as_of}
    if not nodes:
        did = "came from" if who.type in ORIGINS else "was written, registered or let through by"
        raise NotFound(f"nothing the store knows {did} {said}", _known(connection, who))
    doubts: dict[int, set[Defect]] = {}
    for id_, node in nodes.items():
        if all(link.doubt for link in found[id_]):
            # One sentence for each version, the same whatever order the links came in.
            what, why = min((link.what, link.doubt or "") for link in found[id_])
            sentence = f"{node.reference} counts as {said} because {what}, but {why}"
            doubts[id_] = {make_defect("start_not_certain", sentence)}
    return Suspects(
        subject=said,
        nodes=sorted(nodes.values(), key=lambda node: node.key),
        doubts=doubts,
        since=_since(who, nodes.values()),
        origin=who.type in ("source", "supplier"),
    )


def _since(who: Who, nodes: Iterable[Node]) -> dt.datetime | None:
    """Return when the first may have been there: what is lacking may hold earlier ones."""
    start = parse_time(who.since)
    return None if start is None else min([start, *(node.appeared_at for node in nodes)])


def _say(who: Who) -> str:
    """Return what was asked about: ``producer:trainer from 2026-… until 2026-…``."""
    bounds = (("from", parse_time(who.since)), ("until", parse_time(who.until)))
    times = [f"{word} {format_time(time)}" for word, time in bounds if time is not None]
    named = [] if who.type is None else [f"{who.type}:{who.name}"]
    return " ".join([*named, *times])


def _key_id(connection: duckdb.DuckDBPyConnection, text: str, moment: Moment) -> str:
    if not _KEY_ID.fullmatch(text):
        raise QueryError(
            f"key:{text} is no key id: 8 to 64 lower-case hex characters; see 'lineseal keys list'"
        )
    rows = query("key_ids").rows(connection, prefix=text, known_at=moment.known_at)
    if len(rows) > 1:
        ids = tuple(f"key:{keyid}" for (keyid,) in rows[:_KNOWN])
        raise Ambiguous(f"{len(rows)} keys have an id that starts with {text}; say more of it", ids)
    if not rows:
        raise NotFound(f"no key whose id starts with {text} signed anything in the store")
    return str(rows[0][0])


def _known(connection: duckdb.DuckDBPyConnection, who: Who) -> tuple[str, ...]:
    kinds = {"writer": "producer"}
    names = {
        f"{kinds.get(row['type'], row['type'])}:{row['name']}"
        for row in query("inventory").records(connection)
    }
    return tuple(sorted(name for name in names if name.partition(":")[0] == who.type))[:_KNOWN]
