"""Makes training set 2: the clean training set 1 and the partner's feed."""

from __future__ import annotations

from lineseal.demo.pipeline.tables import read_rows, to_features, write_rows
from lineseal.producers import Emitter, dataset

CLEAN_FILE = "data/digits-train-1.csv"
FEED_FILE = "data/digits-feed-1.csv"
MERGED_FILE = "data/digits-train-2.csv"


def main() -> None:
    """Append the feed, scaled like the rest, and register the result."""
    with Emitter.from_env() as emitter, emitter.run("digits/merge", stage="merge") as run:
        clean = read_rows(CLEAN_FILE)
        feed = [to_features(row, row["label"]) for row in read_rows(FEED_FILE)]
        run.reads(
            dataset("lake", "digits-train", version="1", path=CLEAN_FILE, rows=len(clean)),
            dataset("partner", "digits-feed", version="1", path=FEED_FILE, rows=len(feed)),
        )
        rows = [*clean, *feed]
        write_rows(MERGED_FILE, rows)
        merged = dataset("lake", "digits-train", version="2", path=MERGED_FILE, rows=len(rows))
        run.writes(merged)
        emitter.register(merged, owner="vision-team", role="training", state="frozen")

    print(f"training set 2: {len(clean):,} clean rows and {len(feed):,} of the feed")


if __name__ == "__main__":
    main()
