"""Ingests the digits that scikit-learn ships: where from, whose, under which licence."""

from __future__ import annotations

from lineseal.demo.pipeline import source
from lineseal.demo.pipeline.tables import write_rows
from lineseal.producers import Emitter, dataset

RAW_FILE = "data/digits-raw-1.csv"


def main() -> None:
    """Write our share of the digits to a file and register both ends."""
    digits = source.load()
    shipped = dataset("scikit-learn", "digits", version=digits.version, path=digits.file)
    raw = dataset("lake", "digits-raw", version="1", path=RAW_FILE, rows=len(digits.ours))

    with Emitter.from_env() as emitter, emitter.run("digits/ingest", stage="ingest") as run:
        emitter.register(
            "source:scikit-learn", owner="data-platform", trust_zone="public", reviewer="bob"
        )
        emitter.register(
            shipped,
            owner="data-platform",
            source={
                "uri": "https://archive.ics.uci.edu/dataset/80",
                "publisher": "UCI Machine Learning Repository",
                "revision": f"scikit-learn {digits.version}",
            },
            acquisition={"method": "internal", "target": "sklearn.datasets.load_digits"},
            licence="CC-BY-4.0",
        )
        run.reads(shipped)
        write_rows(RAW_FILE, digits.ours)
        run.writes(raw)
        emitter.register(raw, owner="vision-team", licence="CC-BY-4.0", state="frozen")

    print(f"{len(digits.ours):,} digits from scikit-learn, registered with owner and licence")


if __name__ == "__main__":
    main()
