"""docs/instrument.md is true: what it tells one to type works, with the real libraries.

What is promised: every marked block runs, in order, in an empty folder, and prints what the page
shows.
"""

from __future__ import annotations

from pathlib import Path

from tests import readme

PAGE = Path(__file__).resolve().parents[3] / "docs" / "instrument.md"


def test_what_the_page_says_works(tmp_path: Path) -> None:
    """Block by block."""
    outputs = list(readme.play(PAGE.read_text("utf-8"), tmp_path))

    assert outputs
    for block, printed in outputs:
        assert readme.lasting(block.text) == readme.lasting(printed)
