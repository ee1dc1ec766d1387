"""What was refused is judged again when somebody asks, and its history stays.

What is promised: a record refused for a missing key is accepted once the key is enrolled, at the
moment of the retry; the reject stays, with what became of it; a key that was revoked when the
record first came stays refused; the same batch is never taken twice; positions are untouched.
Source: DESIGN 4.3; ADR-0012.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.integration.chain_world import RUNNING, batches, put, watch
from tests.simulator import Pipeline, Producer, artifact

from lineseal.consumers.retry import Retry
from lineseal.queries.api import trace
from lineseal.queries.database import open_store
from lineseal.schemas.errors import KeyringRollback


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """Return an empty pipeline."""
    return Pipeline(tmp_path)


def stranger(pipeline: Pipeline, name: str = "trainer") -> Producer:
    """Make a producer whose key nobody enrolled yet."""
    return Producer(pipeline, name, pipeline.new_key())


def enrol(pipeline: Pipeline, producer: Producer) -> None:
    """Enrol the key of *producer* from now on, as the command does."""
    pipeline.enrol(producer.signer, producer.name, not_before=pipeline.clock())


def retry(pipeline: Pipeline, code: str | None = None) -> Counter[str]:
    """Judge again; return what became of the rejects."""
    with pipeline.open_store() as store:
        steps = Retry(store, pipeline.keyring, pipeline.deployment, pipeline.clock).run(code)
        return sum((step.outcomes for step in steps), Counter[str]())


def test_a_record_is_accepted_once_its_key_is_enrolled(pipeline: Pipeline) -> None:
    """Its reject stays and says so; it is known from the retry on, and judged as of its arrival."""
    late = stranger(pipeline)
    late.run("r", reads=[artifact("dataset:lake/tx@1")], writes=[artifact("model:reg/f@7")])
    pipeline.materialise()
    (arrived,) = pipeline.query("SELECT ingest_time FROM reject")
    positions = pipeline.query("SELECT * FROM position")
    enrol(pipeline, late)

    outcomes = retry(pipeline)

    assert outcomes == {"ACCEPTED": 1}
    ((code, outcome, again),) = pipeline.query(
        "SELECT code, outcome, retried_at > ingest_time FROM reject"
    )
    assert (code, outcome, again) == ("UNKNOWN_KEY", "ACCEPTED", True)
    ((seen, known),) = pipeline.query(
        "SELECT first_seen, ingest_time = (SELECT retried_at FROM reject) FROM batch"
    )
    assert ((seen,), known) == (arrived, True)
    assert pipeline.query("SELECT kind FROM log_entry ORDER BY log_index") == [
        ("REJECT",),
        ("BATCH",),
        ("RETRY",),
    ]
    assert pipeline.query("SELECT * FROM position") == positions
    assert pipeline.query("SELECT count(*) FROM edge WHERE known_to IS NULL") == [(2,)]
    assert retry(pipeline) == {}


def test_what_a_retry_accepts_spoils_no_proof_any_more(pipeline: Pipeline) -> None:
    """A refused record of nobody's keeps models from being clean only while it is refused."""
    keeper, late = pipeline.producer("keeper"), stranger(pipeline)
    for name in ("tx@1", "other@1"):
        keeper.register(artifact(f"dataset:lake/{name}"))
    keeper.run("r", reads=[artifact("dataset:lake/tx@1")], writes=[artifact("model:reg/f@7")])
    keeper.finish()
    late.emit(RUNNING, run_id="x")
    late.finish()
    pipeline.materialise()
    enrol(pipeline, late)
    pipeline.change_key(late.signer, not_after=1)  # expired before it came: refused again
    assert retry(pipeline) == {"KEY_EXPIRED": 2}

    def verdict() -> str | None:
        with open_store(pipeline.store_path) as store:
            return trace(
                store, "model:reg/f@7", suspect="dataset:lake/other@1", clock=pipeline.clock
            ).verdict

    with pipeline.open_store() as store, store.transaction() as connection:
        connection.execute("UPDATE reject SET code = 'KEY_EXPIRED'")
    assert verdict() == "possible"
    pipeline.change_key(late.signer, not_after=None)
    assert retry(pipeline, "KEY_EXPIRED") == {"ACCEPTED": 2}
    assert verdict() == "clean"


def test_a_key_revoked_before_the_record_came_stays_refused(pipeline: Pipeline) -> None:
    """The reject says why it was refused first, and why it still is."""
    late = stranger(pipeline)
    late.emit(RUNNING, run_id="early")
    pipeline.materialise()
    revoked_at = pipeline.clock()
    late.emit(RUNNING, run_id="late")
    pipeline.materialise()
    enrol(pipeline, late)
    pipeline.change_key(late.signer, revoked_at=revoked_at)

    outcomes = retry(pipeline)

    assert outcomes == {"ACCEPTED": 1, "KEY_REVOKED": 1}
    assert pipeline.query("SELECT code, outcome FROM reject ORDER BY reject_id") == [
        ("UNKNOWN_KEY", "ACCEPTED"),
        ("UNKNOWN_KEY", "KEY_REVOKED"),
    ]
    assert pipeline.query("SELECT run_id FROM run") == [("early",)]


def test_the_same_batch_is_taken_once_however_often_it_was_refused(pipeline: Pipeline) -> None:
    """Twice among the rejects, or accepted meanwhile from another place in the log."""
    late = stranger(pipeline)
    first, second = batches(late, 2)
    put(pipeline, late, first, first, second)
    pipeline.materialise()
    enrol(pipeline, late)
    put(pipeline, late, second)
    pipeline.materialise()

    outcomes = retry(pipeline)

    assert outcomes == {"ACCEPTED": 1, "DUPLICATE": 2}
    assert pipeline.query("SELECT batch_seq FROM batch ORDER BY ALL") == [(0,), (1,)]
    assert pipeline.query("SELECT count(*) FROM event") == [(2,)]
    assert watch(pipeline).opened == {}


def test_a_gap_closes_when_the_missing_batch_is_accepted_on_retry(pipeline: Pipeline) -> None:
    """Findings are a function of the batches, wherever they came from."""
    late = stranger(pipeline)
    first, second = batches(late, 2)
    put(pipeline, late, first)
    pipeline.materialise()
    enrol(pipeline, late)
    put(pipeline, late, second)
    pipeline.materialise()
    assert pipeline.query("SELECT code FROM finding WHERE closed_at IS NULL") == [("GAP",)]

    retry(pipeline)

    assert pipeline.query("SELECT code FROM finding WHERE closed_at IS NULL") == []


def test_only_the_reason_asked_for_is_judged_again(pipeline: Pipeline) -> None:
    """The others are not even looked at."""
    late = stranger(pipeline)
    late.emit(RUNNING, run_id="r")
    pipeline.log.append("trainer", b"garbage")
    pipeline.materialise()

    outcomes = retry(pipeline, "MALFORMED")

    assert outcomes == {"MALFORMED": 1}
    assert pipeline.query("SELECT code, outcome FROM reject ORDER BY reject_id") == [
        ("UNKNOWN_KEY", None),
        ("MALFORMED", "MALFORMED"),
    ]


def test_many_rejects_are_judged_in_steps(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step is a transaction of its own, and says how far it is."""
    monkeypatch.setattr("lineseal.consumers.retry._STEP_RECORDS", 2)
    late = stranger(pipeline)
    put(pipeline, late, *batches(late, 5))
    pipeline.materialise()
    enrol(pipeline, late)

    with pipeline.open_store() as store:
        steps = list(Retry(store, pipeline.keyring, pipeline.deployment, pipeline.clock).run())

    assert [step.done for step in steps] == [(2, 5), (4, 5), (5, 5)]
    assert sum(step.events for step in steps) == 5
    assert pipeline.query("SELECT count(DISTINCT ingest_time) FROM batch") == [(3,)]


def test_a_retry_under_an_older_keyring_is_refused(pipeline: Pipeline) -> None:
    """As the materialiser refuses it."""
    pipeline.producer("trainer").emit(RUNNING, run_id="r")
    pipeline.materialise()
    pipeline.keyring_version -= 1

    with pytest.raises(KeyringRollback):
        retry(pipeline)


def test_the_materialiser_goes_on_where_it_was_after_a_retry(pipeline: Pipeline) -> None:
    """Log entries stay numbered without holes, and nothing is read twice."""
    late = stranger(pipeline)
    late.emit(RUNNING, run_id="a")
    pipeline.materialise()
    enrol(pipeline, late)
    retry(pipeline)
    late.emit(RUNNING, run_id="b")

    report = pipeline.materialise()

    assert (report.batches, report.duplicates) == (1, 0)
    assert pipeline.query("SELECT log_index FROM log_entry ORDER BY 1") == [(n,) for n in range(4)]
    assert pipeline.query("SELECT run_id FROM event ORDER BY ingest_time") == [("a",), ("b",)]
