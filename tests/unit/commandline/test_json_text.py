"""Fast or not, JSON is what the standard library gives, byte for byte.

What is promised: key order, ASCII escapes, indents and refusals of ``json.dumps``.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineseal.commandline import json_text
from lineseal.commandline.json_text import indented

TEXTS = st.one_of(
    st.text(), st.sampled_from(["},\n      {", "[", "]", "\n    ", "\u2028", '"', ""])
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
    st.datetimes(),
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=2).map(tuple),
        st.dictionaries(TEXTS, inner, max_size=3),
    ),
    max_leaves=6,
)
KEYS = st.one_of(TEXTS, st.integers(), st.none(), st.booleans())
ROWS = st.lists(
    st.one_of(st.dictionaries(KEYS, SCALARS, max_size=3), st.dictionaries(TEXTS, ANYTHING)),
    max_size=4,
)


def expected(value: Any) -> str:
    """Render as the standard library does."""
    return json.dumps(value, indent=2, ensure_ascii=True, allow_nan=False, default=str)


@given(st.one_of(ANYTHING, st.dictionaries(KEYS, st.one_of(ROWS, ANYTHING), max_size=4)))
def test_any_value_is_rendered_as_the_standard_library_does(value: Any) -> None:
    """Rows flat and nested, mixed and empty; texts that look like structure."""
    assert indented(value) == expected(value)


def test_rows_beyond_one_piece_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one piece ends and the next begins nothing is lost."""
    monkeypatch.setattr(json_text, "_AT_ONCE", 3)
    rows: list[dict[str, Any]] = [{"a": number, "b": []} for number in range(8)]
    rows[4] = {"a": [1, {"b": dt.date(2026, 1, 1)}]}

    assert indented({"rows": rows, "c": 1}) == expected({"rows": rows, "c": 1})


@pytest.mark.parametrize("value", [{"a": [{"b": float("nan")}]}, {"a": float("inf")}, float("nan")])
def test_a_number_that_is_not_finite_is_refused(value: Any) -> None:
    """JSON has none."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        indented(value)
