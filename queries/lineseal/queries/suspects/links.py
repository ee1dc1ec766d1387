"""Which versions did these people, keys and sources have a hand in? Every link, and its doubts.

A link ties one version to what cannot be trusted: a run that wrote it, or a statement about it.
Without a doubt it is certain. Doubts only make a suspect weak, they never take it away: to suspect
too little would call clean what is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb

from lineseal.queries.catalog import query
from lineseal.queries.statements import NAME, load_untrusted
from lineseal.queries.suspects.suspects import ACTORS, ORIGINS
from lineseal.queries.times import Moment, TimeInput, parse_time

KEY, PERSON, STAGE = "key", "person", "stage"
_OF_NAMES = ("registration", "feedback")
"""Bodies that may speak of all versions of a name at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Say whose hand is looked for; ``type`` None means anybody's. Both times are included."""

    type: str | None
    name: str | None
    since: TimeInput = None
    until: TimeInput = None


@dataclass(frozen=True, slots=True)
class Link:
    """Tie one version to what was asked about; ``doubt`` is None when that is certain."""

    node: int
    what: str
    doubt: str | None


@dataclass(frozen=True, slots=True)
class _Said:
    """Hold one statement that makes a suspect of what it is about."""

    about: tuple[str, str, str, str | None, str | None]
    body: str
    producer: str
    event_id: str
    origin: str
    own_key: bool


def links(connection: duckdb.DuckDBPyConnection, who: Who, moment: Moment) -> Iterator[Link]:
    """Yield every link between some version and *who*."""
    asked = {
        "since": parse_time(who.since),
        "until": parse_time(who.until),
        **moment.parameters,
    }
    if who.type in ORIGINS:
        rows = query("artifacts_from").rows(connection, types=[who.type], names=[who.name], **asked)
        body = "feedback" if who.type == "feedback_channel" else "registration"
        said = [_Said(row[1:6], body, row[6], row[7], row[8], True) for row in rows]
        yield from _spoken(connection, said, who, moment)
        return
    written = query("written_by").rows(connection, type=who.type, name=who.name, **asked)
    yield from _written(connection, written, who, moment)
    if who.type != STAGE:
        rows = query("vouched_by").rows(connection, type=who.type, name=who.name, **asked)
        yield from _spoken(connection, [_Said(row[:5], *row[5:]) for row in rows], who, moment)


def _written(
    connection: duckdb.DuckDBPyConnection,
    rows: Sequence[tuple[int, str, str, int, bool]],
    who: Who,
    moment: Moment,
) -> Iterator[Link]:
    untrusted: dict[tuple[str, str], str] = {}
    if who.type != KEY:
        for producer, run_id, code in query("untrusted_runs").rows(
            connection, producers=sorted({row[1] for row in rows}), known_at=moment.known_at
        ):
            untrusted.setdefault((producer, run_id), code)
    for node, producer, run_id, reasons, own_key in rows:
        doubt = None
        if reasons:
            doubt = "which version it wrote is not certain"
        elif (producer, run_id) in untrusted:
            doubt = _unproven(untrusted[producer, run_id])
        elif who.type == PERSON and not own_key:
            doubt = "the name is only asserted"
        yield Link(node, f"run {run_id} wrote it", doubt)


def _spoken(
    connection: duckdb.DuckDBPyConnection, said: Sequence[_Said], who: Who, moment: Moment
) -> Iterator[Link]:
    if not said:
        return
    untrusted: dict[tuple[str, str], str] = {}
    if who.type != KEY:
        events = {(each.producer, each.event_id) for each in said}
        untrusted = load_untrusted(connection, events, moment)
    abouts = list(dict.fromkeys(each.about for each in said))
    meant: dict[tuple[str, str, str, str | None, str | None], list[tuple[int, str]]] = {}
    for place, node, names in query("versions_meant").rows(
        connection,
        kinds=[about[0] for about in abouts],
        namespaces=[about[1] for about in abouts],
        names=[about[2] for about in abouts],
        versions=[about[3] for about in abouts],
        digests=[about[4] for about in abouts],
        **moment.parameters,
    ):
        meant.setdefault(abouts[place], []).append((node, names))
    for each in said:
        code = untrusted.get((each.producer, each.event_id))
        for node, names in meant.get(each.about, ()):
            yield Link(node, f"{each.body} {each.event_id}", _doubt(each, who, code, names))


def _doubt(said: _Said, who: Who, code: str | None, names: str) -> str | None:
    if said.origin == "import" and who.type not in ACTORS:
        return "that comes from an unsigned import"
    if code is not None:
        return _unproven(code)
    if who.type == PERSON and not said.own_key:
        return "the name is only asserted"
    if names == "conflict":
        return "its version has several digests"
    if names == NAME and said.body not in _OF_NAMES:
        return "that names no version"
    return None


def _unproven(code: str) -> str:
    return f"that is recorded in a batch that proves nothing ({code})"
