"""How the stages read, write and shuffle their tables; nothing here knows Lineseal.

A table is a CSV file with an ``id``, 64 columns of pixels (``p00`` to ``p63``, 0 to 16) or of
features (``f00`` to ``f63``, 0 to 1), and a ``label`` (the digit).
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

PIXELS = tuple(f"p{index:02d}" for index in range(64))
FEATURES = tuple(f"f{index:02d}" for index in range(64))
PIXEL_MAX = 16

Row = Mapping[str, str]


def read_rows(path: str | Path) -> list[dict[str, str]]:
    """Read all rows of a CSV file."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_rows(path: str | Path, rows: Sequence[Row]) -> None:
    """Write *rows*, at least one, as a CSV file; its folder is made when it is missing."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def shuffled(rows: Iterable[Row], salt: str) -> list[Row]:
    """Return *rows* in an order that depends on their ids and *salt* alone, on every machine."""
    return sorted(rows, key=lambda row: hashlib.sha256(f"{salt}:{row['id']}".encode()).digest())


def to_features(row: Row, label: str) -> dict[str, str]:
    """Scale the pixels of one image to 0 to 1 and give it *label*."""
    scaled = {
        feature: f"{int(row[pixel]) / PIXEL_MAX:.4f}"
        for pixel, feature in zip(PIXELS, FEATURES, strict=True)
    }
    return {"id": row["id"], **scaled, "label": label}


def matrix(rows: Iterable[Row]) -> list[list[float]]:
    """Return the features of *rows* as scikit-learn takes them."""
    return [[float(row[feature]) for feature in FEATURES] for row in rows]
