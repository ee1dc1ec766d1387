"""docs/profile.md is true: what it tells one to type works and prints what the page shows."""

from __future__ import annotations

from pathlib import Path

from tests import readme

PAGE = Path(__file__).resolve().parents[2] / "docs" / "profile.md"


def test_what_the_page_about_profiles_says_works(tmp_path: Path) -> None:
    """Every marked block runs, in order, in an empty folder."""
    for block, printed in readme.play(PAGE.read_text("utf-8"), tmp_path):
        assert readme.lasting(block.text) == readme.lasting(printed)
