"""What a data set looks like: missing cells, outliers, near-duplicates, hidden characters, labels.

* **missing**: cells that are empty, null, NaN, NA or None.
* **outliers**: rows with a number farther than three quartile ranges outside the quartiles of its
  column (Tukey's outer fence). A column is numeric when 95 in 100 of its cells are numbers.
* **near_duplicates**: rows that equal an earlier one when case, punctuation, spaces, accents and
  all but three digits of a number do not count. Label and source do not count either.
* **suspicious_characters**: zero-width, bidi, control and other characters that nobody sees.
* **row_sketch**: the smallest 1,024 of the rows' digests, without label and source: a bottom-k
  sketch, by which the share of one data set in another is estimated without its rows.

Source: Beyer et al., "On synopses for distinct-value estimation under multiset operations" (2007).
"""

# ruff: noqa: S608 - names and texts go through quoted() and literal(); a view takes no parameters

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb

from lineseal.commandline.escape import visible
from lineseal.queries.profile.source import literal, quoted, refusal
from lineseal.schemas.errors import InvalidDocument

SKETCH_SIZE: Final = 1024
"""Digests of a registration's sketch: as many as fit well into one event."""
MAX_COUNTS: Final = 200
OTHERS: Final = "(others)"
_MISSING: Final = "('', 'null', 'nan', 'na', 'n/a', 'none')"
_HIDDEN: Final = (
    r"[\p{Cf}\x{00}-\x{08}\x{0B}\x{0C}\x{0E}-\x{1F}\x{7F}-\x{9F}\x{2028}\x{2029}"
    r"\x{34F}\x{115F}\x{1160}\x{17B4}\x{17B5}\x{180B}-\x{180F}\x{2800}\x{3164}\x{FFA0}]"
)
_NUMERIC_SHARE: Final = 0.95
_NAME_LENGTH: Final = 200
_DIGEST_SPACE: Final = 1 << 64


@dataclass(frozen=True, slots=True)
class Column:
    """What one column holds; the fences are None when it is not numeric or never varies."""

    name: str
    missing: int
    suspicious: int
    low: float | None
    high: float | None


class Measure:
    """Measures one view of text cells; every method reads the file once."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, view: str, content: Sequence[str]
    ) -> None:
        """Measure *view*; *content* are its columns without label and source."""
        self._connection, self._view, self._content = connection, view, sorted(content)

    def columns(self, names: Sequence[str]) -> tuple[int, list[Column]]:
        """Return the number of rows, and what each column holds."""
        parts = ["count(*)"]
        for name in names:
            cell, number = quoted(name), f"try_cast({quoted(name)} AS DOUBLE)"
            missing = f"{cell} IS NULL OR lower(trim({cell})) IN {_MISSING}"
            parts += [
                f"count(*) FILTER ({missing})",
                f"coalesce(sum(length({cell}) - length({_without_hidden(cell)})), 0)",
                f"count(*) FILTER (isfinite({number}))",
                f"approx_quantile({number}, [0.25, 0.75]) FILTER (isfinite({number}))",
            ]
        row = self._row(f"SELECT {', '.join(parts)} FROM {self._view}")
        rows = int(row[0])
        return rows, [
            _column(name, rows, row[1 + 4 * index : 5 + 4 * index])
            for index, name in enumerate(names)
        ]

    def outliers(self, columns: Sequence[Column]) -> int:
        """Return how many rows hold a number outside the fences of its column."""
        tests = [
            f"try_cast({quoted(c.name)} AS DOUBLE) NOT BETWEEN {c.low!r} AND {c.high!r} "
            f"AND NOT isnan(try_cast({quoted(c.name)} AS DOUBLE))"
            for c in columns
            if c.low is not None and c.name in self._content
        ]
        if not tests:
            return 0
        outside = " OR ".join(f"coalesce({test}, false)" for test in tests)
        return int(self._row(f"SELECT count(*) FILTER ({outside}) FROM {self._view}")[0])

    def distinct(self) -> tuple[int, int]:
        """Return how many different rows there are, exactly and nearly."""
        exact, near = self._key(_exact), self._key(_near)
        row = self._row(
            f"SELECT count(DISTINCT hash({exact})), count(DISTINCT hash({near})) FROM {self._view}"
        )
        return int(row[0]), int(row[1])

    def counts(self, column: str) -> dict[str, int]:
        """Return how often each value of a column stands there, the most frequent first."""
        value = f"coalesce({quoted(column)}, '')"
        found = self._rows(
            f"SELECT left({value}, {_NAME_LENGTH}) AS name, count(*) AS n FROM {self._view} "
            f"GROUP BY name ORDER BY n DESC, name LIMIT {MAX_COUNTS + 1}"
        )
        counts: dict[str, int] = {}
        for name, number in found[:MAX_COUNTS]:
            # Two values that differ by what nobody sees stay two: the difference is written out.
            counts[visible(str(name)) or "(empty)"] = int(number)
        if len(found) > MAX_COUNTS:
            total = int(self._row(f"SELECT count(*) FROM {self._view}")[0])
            counts[OTHERS] = total - sum(counts.values())
        return counts

    def sketch(self, size: int, distinct: int) -> list[str]:
        """Return the smallest digests of the rows, 16 hex characters each, in order."""
        token = f"left(sha256({self._key(_exact)}), 16)"
        # What cannot be among the smallest need not be kept until the end.
        share = min(1.0, 4 * size / max(1, distinct))
        for limit in (share, 1.0):
            below = "" if limit == 1.0 else f"WHERE token < '{int(limit * _DIGEST_SPACE):016x}'"
            found = self._rows(
                f"SELECT DISTINCT token FROM (SELECT {token} AS token FROM {self._view}) {below} "
                f"ORDER BY token LIMIT {size}"
            )
            if len(found) == size or limit == 1.0:
                break
        return [str(row[0]) for row in found]

    def _key(self, form: Any) -> str:
        """Return a row's content as one text; JSON keeps the cells apart."""
        cells = ", ".join(f"{literal(name)}: {form(quoted(name))}" for name in self._content)
        return f"CAST(to_json({{{cells}}}) AS VARCHAR)"

    def _row(self, statement: str) -> tuple[Any, ...]:
        return self._rows(statement)[0]

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(statement).fetchall()
        except duckdb.OutOfMemoryException as error:
            raise InvalidDocument("it needs more memory; use --memory-limit") from error
        except duckdb.Error as error:
            raise refusal(error) from error


def _column(name: str, rows: int, found: Sequence[Any]) -> Column:
    missing, suspicious, numbers, quartiles = found
    low = high = None
    if quartiles and numbers and numbers >= _NUMERIC_SHARE * (rows - missing):
        first, third = float(quartiles[0]), float(quartiles[1])
        reach = 3 * (third - first)
        if reach > 0 and third + reach < float("inf") and first - reach > float("-inf"):
            low, high = first - reach, third + reach
    return Column(name, int(missing), int(suspicious), low, high)


def _without_hidden(cell: str) -> str:
    return f"regexp_replace({cell}, {literal(_HIDDEN)}, '', 'g')"


def _exact(cell: str) -> str:
    """Return a cell as text that is the same in CSV, JSON and Parquet: 1, 1.0 and 1e0."""
    number = f"try_cast({cell} AS DOUBLE)"
    return f"coalesce(CAST({number} AS VARCHAR), {cell}, '')"


def _near(cell: str) -> str:
    number = f"try_cast({cell} AS DOUBLE)"
    text = f"strip_accents(lower({_without_hidden(cell)}))"
    words = f"trim(regexp_replace({text}, '[^\\p{{L}}\\p{{N}}]+', ' ', 'g'))"
    return f"coalesce(format('{{:.2e}}', {number}), {words}, '')"
