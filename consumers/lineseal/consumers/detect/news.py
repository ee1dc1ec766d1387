"""What is new, and what has to be judged again because of it? The temporary tables rules read.

They are made once for all rules that run after a commit. A rule is shown the part of them that the
kinds of facts it reads have touched.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import duckdb

from lineseal.consumers.script import run_script
from lineseal.queries.rules import Rule

_BEGINNING = dt.datetime(1, 1, 1)  # noqa: DTZ001 - the store's times are UTC without zone
_READS = "rule_reads"
"""Variable of the connection: the kinds of facts that the rule asked now reads."""
_FACTS = (
    "run_event",
    "run_io",
    "event",
    "batch",
    "reject",
    "finding",
    "registration",
    "validation",
    "evaluation",
    "quarantine",
    "approval",
    "promotion",
    "override",
    "label_review",
    "feedback",
    "access",
    "containment",
    "incident",
    "verdict",
    "key_change",
    "erasure",
)
_FAR = re.compile(
    r"\b(?:FROM|JOIN)\s+(?:touched_upstream|touched_downstream|affected_run|training\w*|ancestor)\b",
    re.IGNORECASE,
)


def fresh(connection: duckdb.DuckDBPyConnection, since: dt.datetime | None) -> frozenset[str]:
    """Return the tables that have rows after *since*; None is the beginning."""
    rows = connection.execute(_script("fresh.sql"), {"since": since or _BEGINNING}).fetchall()
    return frozenset(name for (name,) in rows)


def prepare(
    connection: duckdb.DuckDBPyConnection, since: dt.datetime | None, rules: Iterable[Rule]
) -> int:
    """Make the temporary tables *rules* read; return how many parts training runs come in."""
    due = list(rules)
    far = {fact for rule in due if _FAR.search(rule.sql) for fact in rule.reads}
    learned = {fact for rule in due if rule.learns for fact in rule.reads}
    _show(connection, _FACTS)
    _run(
        connection,
        "prepare.sql",
        since=since or _BEGINNING,
        # At first everything is touched by what runs used; the ways from other facts add nothing.
        facts=[] if since is None else sorted(far),
        learned=sorted(learned) if since is not None or not learned else list(_FACTS),
        upstream=since is not None and any(rule.judges == "touched_upstream" for rule in due),
    )
    prepare_training(connection, 0)
    row = connection.execute("SELECT coalesce(max(part), 0) + 1 FROM training_run").fetchone()
    return int(row[0]) if row else 1


def prepare_training(connection: duckdb.DuckDBPyConnection, part: int) -> None:
    """Make the temporary tables about one part of the training runs."""
    _run(connection, "training.sql", part=part)


def show(connection: duckdb.DuckDBPyConnection, rule: Rule, *, everything: bool) -> None:
    """Show *rule*, which is asked next, what its kinds of facts have touched, or everything."""
    _show(connection, _FACTS if everything else rule.reads)


def _show(connection: duckdb.DuckDBPyConnection, facts: Sequence[str]) -> None:
    connection.execute(f"SET VARIABLE {_READS} = $facts", {"facts": list(facts)})


def _run(connection: duckdb.DuckDBPyConnection, name: str, **values: Any) -> None:
    run_script(connection, _script(name), **values)


@cache
def _script(name: str) -> str:
    return files("lineseal.consumers").joinpath("sql", "detect", name).read_text("utf-8")
