"""The digest of values in memory: every cell counts, and what cannot be told exactly has none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineseal.producers.adapters.content import digest_content

CELLS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary())


def digest(*values: Any) -> str:
    """Return the digest of values that have one."""
    content = digest_content(*values)
    assert content is not None
    return content.digest


@pytest.mark.parametrize("row", [0, 9_999, 10_000, 59_999])
@pytest.mark.parametrize("column", ["amount", "name", "label", "seen", "bought"])
def test_one_cell_anywhere_changes_the_digest(column: str, row: int) -> None:
    """Also past the rows that MLflow looks at, and also true for booleans and times."""
    changed = table()
    values: dict[str, Any] = {
        "amount": -1.0,
        "name": "x",
        "label": 1,
        "seen": True,
        "bought": pd.Timestamp("2026-01-02"),
    }
    changed.loc[row, column] = values[column]

    assert digest(changed) != digest(table())


def test_order_names_and_types_count_and_integer_indexes_do_not() -> None:
    """A table that went through a shuffle and back, or a file and back, is the same table."""
    original = table()
    shuffled = original.sample(frac=1, random_state=0)

    assert digest(shuffled) != digest(original)
    assert digest(shuffled.sort_index()) == digest(original)
    assert digest(original.iloc[10:].reset_index(drop=True)) == digest(original.iloc[10:])
    assert digest(original.rename(columns={"name": "title"})) != digest(original)
    assert digest(original.astype({"label": "int8"})) != digest(original)
    assert digest(original[["name", "amount"]]) != digest(original[["amount", "name"]])


def test_an_index_that_says_something_counts() -> None:
    """Dates in an index are data."""
    rows = pd.DataFrame({"x": [1, 2]}, index=pd.to_datetime(["2026-01-01", "2026-01-02"]))

    assert digest(rows) != digest(rows.set_index(rows.index + pd.Timedelta(days=1)))


@given(st.lists(CELLS, max_size=5), st.lists(CELLS, max_size=5))
def test_different_values_never_meet(left: list[Any], right: list[Any]) -> None:
    """1, 1.0, True and "1" are four values; NaN is itself."""
    assert (digest(left) == digest(right)) is (told(left) == told(right))


def told(values: list[Any]) -> list[tuple[str, str]]:
    """Say what each value is, in another way than the code does."""
    return [(type(value).__name__, repr(value)) for value in values]


def test_arrays_are_their_bytes_whatever_their_layout() -> None:
    """Byte order and memory order are no content; shape and type are."""
    array = np.arange(3_000_000, dtype="<i4").reshape(-1, 3)

    assert digest(np.asfortranarray(array)) == digest(array)
    assert digest(array.astype(">i4")) == digest(array)
    assert digest(array[::-1][::-1]) == digest(array)
    assert digest(array.reshape(3, -1)) != digest(array)
    assert digest(array, array[:, 0]) != digest(array)
    assert digest({"a": array, "b": array[0]}) == digest({"b": array[0], "a": array})


def test_what_cannot_be_told_has_no_digest() -> None:
    """An object's default text holds its address: no digest is better than that."""
    assert digest_content([object()]) is None
    assert digest_content(np.array([object()], dtype=object)) is None
    assert digest_content(iter([1])) is None


def table() -> pd.DataFrame:
    """Return 60,000 rows of everything."""
    count = 60_000
    return pd.DataFrame(
        {
            "amount": np.arange(count) / 7,
            "name": [f"row {n}" for n in range(count)],
            "label": np.zeros(count, dtype="int64"),
            "seen": np.zeros(count, dtype=bool),
            "bought": pd.Timestamp("2026-01-01"),
        }
    )
