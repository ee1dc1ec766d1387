"""Checks a table: its columns, its ranges, its labels, its ids.

It cannot see whether a label is *true*: that is how poison gets in. Arguments: REF FILE.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from lineseal.demo.pipeline.tables import FEATURES, PIXEL_MAX, PIXELS, Row, read_rows
from lineseal.producers import Emitter, artifact, report

_DIGITS = frozenset("0123456789")


def main(reference: str, file: str) -> int:
    """Check the table in *file* and return the exit status: 0 passed, 1 rows were rejected."""
    rows = read_rows(file)
    kind, _, rest = reference.partition(":")
    name, version = rest.rsplit("/", 1)[1].split("@")
    report_file = Path(f"reports/{name}-validation-{version}.json")
    checked = artifact(reference, path=file, rows=len(rows))

    with Emitter.from_env() as emitter, emitter.run("digits/validate", stage="validate") as run:
        run.reads(checked)
        rejected = [row["id"] for row in rows if not _is_sound(row)]
        repeated = len(rows) - len({row["id"] for row in rows})
        outcome = "fail" if rejected or repeated else "pass"
        found = {"kind": kind, "checked": len(rows), "rejected": rejected, "repeated": repeated}
        report_file.parent.mkdir(exist_ok=True)
        report_file.write_text(json.dumps(found) + "\n", "utf-8")
        run.writes(report("lake", f"{name}-validation", version=version, path=report_file))
        emitter.validate(
            checked,
            tool="digits-pipeline",
            name="schema-and-ranges",
            outcome=outcome,
            rows_checked=len(rows),
            rows_rejected=len(rejected),
            metrics={"repeated_ids": repeated},
        )

    print(f"{name}@{version}: {len(rows):,} rows checked, {len(rejected)} rejected: {outcome}")
    return 0 if outcome == "pass" else 1


def _is_sound(row: Row) -> bool:
    """Say whether a row has all its columns, each in range, and a digit for a label."""
    columns, most = (PIXELS, PIXEL_MAX) if PIXELS[0] in row else (FEATURES, 1)
    try:
        in_range = all(0 <= float(row[column]) <= most for column in columns)
    except (KeyError, ValueError):
        return False
    return in_range and row.get("label") in _DIGITS


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
