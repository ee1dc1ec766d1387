"""Labels the images: mostly as the source says, in three places as Alice reads them.

Her decisions are signed with her own key, so they are hers and nobody else's.
"""

from __future__ import annotations

from lineseal.demo.pipeline.tables import read_rows, write_rows
from lineseal.producers import Emitter, dataset, label_set

RAW_FILE = "data/digits-raw-1.csv"
LABELS_FILE = "data/digits-labels-1.csv"

CORRECTIONS = {"digit-1658": "3", "digit-1729": "5", "digit-1765": "5"}
"""What Alice reads where the drawing contradicts the label that came with it."""


def main() -> None:
    """Write the label set, and record each label that a person changed."""
    rows = read_rows(RAW_FILE)
    came_with = {row["id"]: row["label"] for row in rows}
    labels = {**came_with, **CORRECTIONS}
    raw = dataset("lake", "digits-raw", version="1", path=RAW_FILE, rows=len(rows))
    labelled = label_set("lake", "digits-labels", version="1", path=LABELS_FILE, rows=len(rows))

    with (
        Emitter.from_env(person="alice") as alice,
        alice.run("digits/label", stage="label", trigger="weekly label review") as run,
    ):
        run.reads(raw)
        write_rows(LABELS_FILE, [{"id": row, "label": label} for row, label in labels.items()])
        run.writes(labelled)
        alice.register(labelled, owner="vision-team", state="frozen")
        for row, label in CORRECTIONS.items():
            alice.override(
                labelled,
                before=came_with[row],
                after=label,
                reason=f"{row} is drawn as a {label}",
                items_affected=1,
            )
        alice.review_labels(
            labelled,
            annotator="alice",
            items=len(rows),
            flips=[f"{came_with[row]}={label}=1" for row, label in CORRECTIONS.items()],
        )

    print(f"alice relabels {len(CORRECTIONS)} of them and signs with her own key")


if __name__ == "__main__":
    main()
