"""Asks a user's own rule, which is not trusted: it reads, for a while, and within bounds.

One statement of a kind that reads, in a read-only transaction, on a connection that reaches no
file and no network (``Store`` sees to that). It runs in the process that writes the store, since
no other can open it: so its time, the memory of the process meanwhile, its rows and the length of
their texts are bounded, and a rule that breaks a bound takes nothing down with it.
"""

from __future__ import annotations

import resource
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

import duckdb

from lineseal.queries.rules import Rule
from lineseal.queries.sql_worker import address_space, check_statement, watch
from lineseal.schemas.errors import SqlRefused

MAX_ROWS = 10_000
"""Occurrences one of a user's own rules may return."""
MAX_TEXT = 2_000
"""Characters of a text it returns; what is longer is cut off."""

_BOUNDED = f"""
SELECT
  left(scope, {MAX_TEXT}) AS scope, left(subject, {MAX_TEXT}) AS subject, seen_at,
  left(event_id, {MAX_TEXT}) AS event_id, left(reason, {MAX_TEXT}) AS reason
FROM (
{{}}
)
LIMIT {MAX_ROWS + 1}
"""  # noqa: S608 - numbers of ours


def ask_guarded(
    connection: duckdb.DuckDBPyConnection,
    rule: Rule,
    values: Mapping[str, Any],
    *,
    seconds: float,
) -> list[tuple[Any, ...]]:
    """Return the rows of *rule*, at most ``MAX_ROWS``.

    Raises:
        SqlRefused: It does more than read, or ran over a bound; the message says which.
        QueryError, duckdb.Error: It cannot be run.

    """
    check_statement(connection, rule.sql)
    statement = _BOUNDED.format(rule.sql.rstrip().rstrip(";"))
    connection.execute("BEGIN TRANSACTION READ ONLY")
    try:
        with _bounded_memory(connection), watch(connection, seconds):
            rows = connection.execute(statement, dict(values)).fetchall()
    except duckdb.InterruptException as error:
        raise SqlRefused(f"rule {rule.rule_id} ran over its {seconds:g} seconds") from error
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        raise SqlRefused(f"rule {rule.rule_id} took more memory than it may") from error
    finally:
        connection.execute("ROLLBACK")
    if len(rows) > MAX_ROWS:
        raise SqlRefused(f"rule {rule.rule_id} returns more than {MAX_ROWS} occurrences")
    return rows


@contextmanager
def _bounded_memory(connection: duckdb.DuckDBPyConnection) -> Generator[None]:
    """Keep the process from growing without end while the block runs.

    Past the bound an allocation fails, and DuckDB gives the statement up: better than the kernel
    ending the process. It holds for all threads, which have the headroom.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = address_space(connection)
    known = [each for each in (most, soft, hard) if each not in (None, resource.RLIM_INFINITY)]
    if most is not None:
        resource.setrlimit(resource.RLIMIT_AS, (min(known), hard))
    try:
        yield
    finally:
        if most is not None:
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
