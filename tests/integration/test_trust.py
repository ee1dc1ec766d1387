"""What a key may say, and what its word is worth after it was revoked.

What is promised: a key speaks only about the names it was enrolled for; what a compromised key
said stays visible and proves nothing; a store made anew refuses no good old record.
Source: DESIGN 4.3, ADR-0012.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.integration.chain_world import RUNNING, watch
from tests.simulator import Pipeline, artifact

from lineseal.queries.api import trace
from lineseal.queries.database import open_store
from lineseal.schemas.errors import KeyringError, KeyringRollback
from lineseal.signing.names import check_pattern


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """Return an empty pipeline."""
    return Pipeline(tmp_path)


def test_a_key_writes_and_registers_only_what_it_was_enrolled_for(pipeline: Pipeline) -> None:
    """Reading is free; each event outside is refused by itself, with its own code."""
    producer = pipeline.producer(
        "trainer", writes=frozenset({"model:reg/fraud*", "dataset:lake/*"})
    )
    outside = artifact("dataset:other/tx@1")
    producer.run("good", reads=[outside], writes=[artifact("model:reg/fraud-2@7")])
    producer.register(artifact("dataset:lake/tx@1"))
    producer.run("bad", writes=[artifact("model:reg/credit@7")])
    producer.register(outside)

    report = pipeline.materialise()

    assert (report.batches, report.rejects) == (4, {"NAME_SCOPE": 2})
    assert pipeline.query("SELECT count(*) FROM reject WHERE octet_length(raw) > 0") == [(2,)]


@pytest.mark.parametrize("pattern", ["", "model", "nothing:lake/x", "model:x", "dataset:lake/ "])
def test_a_pattern_that_can_match_nothing_is_refused(pattern: str) -> None:
    """A typing error must not lock a producer out silently."""
    with pytest.raises(KeyringError):
        check_pattern(pattern)


def test_what_a_compromised_key_said_stays_visible_and_proves_nothing(pipeline: Pipeline) -> None:
    """The edge is weak with its reason; what was recorded before still counts."""
    producer = pipeline.producer("trainer")
    producer.register(artifact("dataset:lake/tx@1"))
    pipeline.materialise()
    since = pipeline.clock()
    producer.run("r", reads=[artifact("dataset:lake/tx@1")], writes=[artifact("model:reg/f@7")])
    producer.finish()
    pipeline.materialise()
    pipeline.change_key(
        producer.signer, compromised_since=since, revoked_at=pipeline.clock(), revoked_reason="leak"
    )

    report = watch(pipeline)

    assert list(report.opened.values()) == ["KEY_COMPROMISED"]
    assert pipeline.query("SELECT count(*) FROM event") == [(3,)]
    with open_store(pipeline.store_path) as store:
        answer = trace(store, "model:reg/f@7", suspect="dataset:lake/tx@1", clock=pipeline.clock)
    assert answer.verdict == "possible"
    assert any("key counts as compromised" in warning for warning in answer.warnings)


def test_a_store_made_anew_keeps_good_old_records_of_a_revoked_key(pipeline: Pipeline) -> None:
    """A batch never seen before stays refused: the embedded log has no time of its own."""
    producer = pipeline.producer("trainer")
    producer.emit(RUNNING, run_id="old")
    pipeline.materialise()
    before = pipeline.query("SELECT header_sha256, first_seen FROM batch")
    pipeline.change_key(producer.signer, revoked_at=pipeline.clock())
    producer.emit(RUNNING, run_id="new")
    pipeline.store_path.unlink()

    report = pipeline.materialise()

    assert (report.batches, report.rejects) == (1, {"KEY_REVOKED": 1})
    assert [row[0] for row in before] == [
        sha for (sha,) in pipeline.query("SELECT header_sha256 FROM batch")
    ]


def test_a_fresh_store_refuses_an_older_keyring(pipeline: Pipeline) -> None:
    """The newest version used is remembered beside the store too."""
    producer = pipeline.producer("trainer")
    producer.emit(RUNNING, run_id="old")
    pipeline.materialise()
    pipeline.store_path.unlink()
    pipeline.keyring_version -= 1

    with pytest.raises(KeyringRollback):
        pipeline.materialise()
