"""Log entries are numbered without holes, and their leaves can be computed by anybody.

Source: DESIGN 7, "Tamper evidence"; RFC 6962, 2.1.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.simulator import Pipeline

from lineseal.consumers.apply import Arrival
from lineseal.consumers.journal import entry_leaf
from lineseal.schemas.model import RunEvent, RunState

ARRIVAL = Arrival(
    stream="a|b", position=7, log_key="trainer", logged_at=None, ingest_time=1_790_000_000_000_000
)


def test_the_leaf_is_the_documented_hash() -> None:
    """SHA-256 over a zero byte and the five fields with bars between them."""
    text = b"\0BATCH|" + b"ab" * 32 + b"|a|b|7|1790000000000000"

    assert entry_leaf("BATCH", "ab" * 32, ARRIVAL) == hashlib.sha256(text).hexdigest()


def test_every_stored_entry_can_be_checked_from_its_columns(tmp_path: Path) -> None:
    """Indexes run from 0 over all commits; the value hashes are those of the log's records."""
    pipeline = Pipeline(tmp_path)
    producer = pipeline.producer("trainer")
    for number in range(3):
        producer.emit(RunEvent(state=RunState.START), run_id=f"run-{number}")
        pipeline.log.append("trainer", b"garbage")
    for _ in range(3):
        pipeline.materialise(limit=2, steps=1)

    entries = pipeline.query(
        "SELECT log_index, kind, value_sha256, stream, position, epoch_us(ingest_time),"
        " leaf_sha256 FROM log_entry ORDER BY log_index"
    )

    assert [entry[0] for entry in entries] == list(range(6))
    assert [entry[1] for entry in entries] == ["BATCH", "REJECT"] * 3
    assert [entry[2] for entry in entries] == [
        hashlib.sha256(record.value).hexdigest() for record in pipeline.log.records()
    ]
    for _, *fields, leaf in entries:
        text = "|".join(map(str, fields))
        assert hashlib.sha256(b"\0" + text.encode()).hexdigest() == leaf
    assert pipeline.query("SELECT reject_id FROM reject ORDER BY 1") == [(0,), (1,), (2,)]
