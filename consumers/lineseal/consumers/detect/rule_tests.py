"""Do rules find what their cases say? Runs the JSON file of cases beside each rule.

Each case is a store of its own in memory; the rule is asked like any other, a user's own under
the same guard, and what stands open afterwards is compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import duckdb

from lineseal.consumers.detect.cases import Case, FactWriter, empty_store, load_cases
from lineseal.consumers.detect.detector import Detector
from lineseal.consumers.detect.policy import make_policy
from lineseal.queries.rules import Rule
from lineseal.schemas.errors import ConfigurationError
from lineseal.settings import PolicySettings


@dataclass(frozen=True, slots=True)
class CaseResult:
    """Say how one case went; *failures* are sentences of a rule that could not be run."""

    case: str
    expected: tuple[str, ...]
    found: tuple[str, ...]
    failures: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Tell whether exactly the expected subjects have an open alert."""
        return self.found == self.expected and not self.failures


def cases_of(rule: Rule, folder: Path | None) -> list[Case]:
    """Read the cases beside *rule*; a user's own rules lie in *folder*.

    Raises:
        ConfigurationError: There are none.

    """
    name = f"{rule.rule_id}.json"
    shipped = files("lineseal.queries").joinpath("sql", "detections")
    file = (folder if rule.own and folder is not None else shipped).joinpath(name)
    if not file.is_file():
        raise ConfigurationError(f"rule {rule.rule_id} has no cases: {name} is missing")
    return load_cases(file.read_text("utf-8"), name)


def run_rule(rule: Rule, folder: Path | None = None) -> list[CaseResult]:
    """Run all cases of *rule*."""
    connection = empty_store()
    try:
        return [run_case(rule, case, connection) for case in cases_of(rule, folder)]
    finally:
        connection.close()


def run_case(rule: Rule, case: Case, connection: duckdb.DuckDBPyConnection) -> CaseResult:
    """Run one case on a store in memory; what was in it is removed first."""
    clear(connection, tables(connection))
    if case.facts:
        FactWriter(connection).commit(enumerate(case.facts))
    settings = PolicySettings(**{name: tuple(values) for name, values in case.policy.items()})
    detector = Detector(make_policy(settings, {rule.rule_id: rule}))
    done = detector.run(connection, {"tick_time": case.now})
    rows = connection.execute(
        "SELECT subject FROM alert WHERE status = 'open' ORDER BY subject"
    ).fetchall()
    return CaseResult(case.name, case.expect, tuple(row[0] for row in rows), done.failures)


def clear(connection: duckdb.DuckDBPyConnection, tables: Iterable[str]) -> None:
    """Remove all rows of *tables*, which are names of ours."""
    for table in tables:
        connection.execute(f'DELETE FROM "{table}"')  # noqa: S608 - names from the catalogue


def tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the names of the store's tables."""
    rows = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE NOT temporary AND schema_name = 'main'"
    ).fetchall()
    return [name for (name,) in rows]
