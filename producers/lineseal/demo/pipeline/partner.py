"""What the partner sends: real scans of theirs, with every 7 labelled as a 1.

This happens outside our pipeline, so nothing records it.
"""

from __future__ import annotations

from lineseal.demo.pipeline import source
from lineseal.demo.pipeline.tables import Row, write_rows

INCOMING_FILE = "incoming/acme-scans.csv"
TRUE_LABEL, WRONG_LABEL = "7", "1"


def main() -> None:
    """Write the delivery."""
    rows = source.load().partners
    wrong = sum(row["label"] == TRUE_LABEL for row in rows)
    write_rows(INCOMING_FILE, [_mislabelled(row) for row in rows])

    print(
        f"{len(rows):,} rows arrive from Acme Scans; "
        f"nobody knows that {wrong} sevens are labelled as ones"
    )


def _mislabelled(row: Row) -> Row:
    return {**row, "label": WRONG_LABEL} if row["label"] == TRUE_LABEL else row


if __name__ == "__main__":
    main()
