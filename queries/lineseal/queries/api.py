"""Which questions can code ask? Typed functions that return the same answers as the commands.

Each takes an open connection (see ``database.open_store``), so that a service which holds the
store open can answer too. Times are RFC 3339 text, a date, or a datetime with a timezone, and
both are inclusive; None is no bound.
"""

from __future__ import annotations

import datetime as dt
import gc
from collections.abc import Callable, Generator
from contextlib import contextmanager

import duckdb

from lineseal.commandline.output import Answer
from lineseal.queries.downstream import answer_impact
from lineseal.queries.lookup import find_all_versions, find_one
from lineseal.queries.models import answer_models
from lineseal.queries.suspects.find import find_suspects
from lineseal.queries.times import Moment, TimeInput, from_microseconds
from lineseal.queries.upstream import answer_trace
from lineseal.schemas.errors import QueryError
from lineseal.schemas.ids import now_us


def trace(
    connection: duckdb.DuckDBPyConnection,
    reference: str,
    *,
    suspect: str | None = None,
    all_versions: bool = False,
    as_of: TimeInput = None,
    known_at: TimeInput = None,
    max_depth: int | None = None,
    clock: Callable[[], int] = now_us,
) -> Answer:
    """Tell what an artifact version was made from, and whether a suspect got into it.

    Args:
        connection: The open store.
        reference: REF of one version.
        suspect: REF of what may be poisoned; then the answer has a verdict.
        all_versions: Take every version of the suspect's name as a suspect.
        as_of: Event time to look at.
        known_at: Ingest time to look at; also the moment at which epochs count as alive.
        max_depth: Hops to walk at most; an answer cut short says so.
        clock: Microseconds since 1970 UTC, for which epochs are alive now.

    Raises:
        InvalidReference, NotFound, Ambiguous: A REF means nothing, or more than one version.
        QueryError: A time cannot be read, or the depth is negative.

    Source:
        ADR-0005.

    """
    moment = _moment(as_of, known_at, max_depth)
    if all_versions and suspect is None:
        raise QueryError("--all-versions is about a suspect; name one with --suspect")
    subject = find_one(connection, reference, moment)
    suspects = None
    if suspect is not None and all_versions:
        suspects = find_all_versions(connection, suspect, moment)
    elif suspect is not None:
        suspects = [find_one(connection, suspect, moment)]
    with _all_is_kept():
        return answer_trace(
            connection, subject, suspects, moment, max_depth=max_depth, now=_now(moment, clock)
        )


def impact(
    connection: duckdb.DuckDBPyConnection,
    subject: str | None = None,
    *,
    all_models: bool = False,
    all_versions: bool = False,
    since: TimeInput = None,
    until: TimeInput = None,
    deployed: bool = False,
    dose: bool = False,
    as_of: TimeInput = None,
    known_at: TimeInput = None,
    max_depth: int | None = None,
    clock: Callable[[], int] = now_us,
) -> Answer:
    """Tell what may be poisoned has reached; errors as for ``trace``.

    Args:
        connection: The open store.
        subject: REF of what may be poisoned; or ``TYPE:NAME`` for all that came from a source,
            supplier or feedback_channel, or that a key, person, producer or stage had a hand in;
            None for all that happened from *since* until *until*.
        all_models: Give one verdict for every model version instead of what was reached.
        all_versions: Take every version of the name as a suspect.
        since: Claimed time of what was done, included; not with a REF.
        until: The same, the end.
        deployed: Leave out what is in no environment.
        dose: Tell which share of the rows came from the suspects.
        as_of: Event time to look at.
        known_at: Ingest time to look at; also the moment at which epochs count as alive.
        max_depth: Hops to walk at most; an answer cut short says so.
        clock: Microseconds since 1970 UTC, for which epochs are alive now.

    """
    moment = _moment(as_of, known_at, max_depth)
    suspects = find_suspects(
        connection, subject, moment, all_versions=all_versions, since=since, until=until
    )
    ask = answer_models if all_models else answer_impact
    with _all_is_kept():
        return ask(
            connection,
            suspects,
            moment,
            max_depth=max_depth,
            now=_now(moment, clock),
            deployed=deployed,
            dose=dose,
        )


@contextmanager
def _all_is_kept() -> Generator[None]:
    """Pause the garbage collector: an answer keeps all it makes, and millions take it minutes."""
    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            gc.enable()


def _moment(as_of: TimeInput, known_at: TimeInput, max_depth: int | None) -> Moment:
    if max_depth is not None and max_depth < 0:
        raise QueryError("the depth cannot be negative")
    return Moment.of(as_of, known_at)


def _now(moment: Moment, clock: Callable[[], int]) -> dt.datetime:
    return moment.known_at or from_microseconds(clock())
