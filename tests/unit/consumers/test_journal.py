"""Log entries are numbered without holes, and their leaves can be computed by anybody.

Source: DESIGN 7, "Tamper evidence"; RFC 6962, 2.1.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tests.simulator import Pipeline

from lineseal.consumers.journal import Entry
from lineseal.schemas.model import RunEvent, RunState


def test_the_leaf_is_the_documented_hash() -> None:
    """SHA-256 over a zero byte and JSON in ASCII, keys sorted, no spaces."""
    entry = Entry(
        kind="BATCH",
        value_sha256="ab" * 32,
        stream='a"\u00fc',
        position=7,
        ingest_time=1_790_000_000_000_000,
        detail='{"logged_at":null}',
    )
    text = (
        b'\0{"detail":{"logged_at":null},"ingest_time":1790000000000000,"kind":"BATCH",'
        b'"position":7,"stream":"a\\"\\u00fc","value_sha256":"' + b"ab" * 32 + b'"}'
    )

    assert entry.leaf.hex() == hashlib.sha256(text).hexdigest()


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
        " detail, leaf_sha256 FROM log_entry ORDER BY log_index"
    )

    assert [entry[0] for entry in entries] == list(range(6))
    assert [entry[1] for entry in entries] == ["BATCH", "REJECT"] * 3
    assert [entry[2] for entry in entries] == [
        hashlib.sha256(record.value).hexdigest() for record in pipeline.log.records()
    ]
    names = ("kind", "value_sha256", "stream", "position", "ingest_time", "detail")
    for _, *values, leaf in entries:
        document = dict(zip(names, values, strict=True))
        document["detail"] = json.loads(document["detail"])
        text = json.dumps(document, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(b"\0" + text.encode()).hexdigest() == leaf
    assert pipeline.query("SELECT reject_id FROM reject ORDER BY 1") == [(0,), (1,), (2,)]
