"""Text from an event cannot steer a terminal or a spreadsheet.

What is promised: whatever is shown is one line of characters one can see; a CSV cell is never a
formula. Source: attack table A27, A32.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineseal.commandline.escape import csv_cell, visible
from lineseal.schemas.characters import is_hidden

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(text=ANY_TEXT)
def test_what_is_shown_hides_nothing(text: str) -> None:
    """No hidden character is left, on one line that any terminal can encode."""
    shown = visible(text)

    assert not [character for character in shown if is_hidden(character)]
    assert shown.encode().decode() == shown


@given(text=ANY_TEXT)
def test_what_is_seen_is_not_touched(text: str) -> None:
    """Text without hidden characters stays exactly as it is."""
    seen = "".join(character for character in text if not is_hidden(character))

    assert visible(seen) == seen


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("café 名", "café 名"),
        ("a\nb", r"a\u000ab"),
        ("\x1b[31mred", r"\u001b[31mred"),
        ("\x9b31m", r"\u009b31m"),
        ("evil\u202efdp.exe", r"evil\u202efdp.exe"),
        ("tw\u200bin", r"tw\u200bin"),
        ("fi\u3164ller", r"fi\u3164ller"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud800", r"\ud800"),
    ],
)
def test_hidden_characters_are_written_out(text: str, shown: str) -> None:
    """Escapes show the code point in the notation of Python and JSON."""
    assert visible(text) == shown


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_cell_that_would_be_a_formula_is_text(text: str) -> None:
    """A quote in front tells a spreadsheet that this is text."""
    assert csv_cell(text) == "'" + visible(text)


@pytest.mark.parametrize("text", ["", "a=b", "1-1", "mail@host", " =1"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    """Only the first character makes a formula."""
    assert csv_cell(text) == text
