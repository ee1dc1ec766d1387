"""Takes the partner's delivery in: registers who they are and what they sent."""

from __future__ import annotations

import shutil

from lineseal.demo.pipeline.tables import read_rows
from lineseal.producers import Emitter, dataset

INCOMING_FILE = "incoming/acme-scans.csv"
FEED_FILE = "data/digits-feed-1.csv"


def main() -> None:
    """Copy the delivery into the lake, as it came."""
    shutil.copyfile(INCOMING_FILE, FEED_FILE)
    rows = read_rows(FEED_FILE)
    feed = dataset("partner", "digits-feed", version="1", path=FEED_FILE, rows=len(rows))

    with Emitter.from_env() as emitter, emitter.run("digits/receive", stage="ingest") as run:
        emitter.register(
            "source:acme-scans", owner="partnerships", trust_zone="partner", supplier="Acme Scans"
        )
        emitter.register(
            feed,
            owner="partnerships",
            source={"uri": "sftp://in.example.com/acme-scans.csv", "publisher": "Acme Scans"},
            supplier="Acme Scans",
            acquisition="partner",
            trust_zone="partner",
            licence="contract 2031-17",
        )
        run.writes(feed)

    print("registered as a partner's data: supplier, owner, licence, trust zone")


if __name__ == "__main__":
    main()
