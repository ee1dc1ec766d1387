"""Finds the published schemas and tables the renderings are checked against.

They are other projects' data and no part of this one: ``LINESEAL_TEST_DATA``, or
``../shared/data`` beside the project. Where they are not, those tests are skipped.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
# Read once: the tests themselves run without any LINESEAL_ variable.
DATA = Path(os.environ.get("LINESEAL_TEST_DATA") or _ROOT.parent / "shared" / "data")


def reference_file(*parts: str) -> Path:
    """Return a file of the reference data, or skip the test that asks for it."""
    path = DATA.joinpath(*parts)
    if not path.is_file():
        pytest.skip(f"no reference data: {'/'.join(parts)} is not in {DATA}")
    return path
