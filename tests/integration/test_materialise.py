"""The store is a function of what the log holds, whatever happens on the way there.

What is promised: order, duplicates, restarts, kills and a full disk change nothing about the
graph, the runs and the chains that result; rows and positions always agree; nothing accepted is
lost or stored twice. Source: DESIGN 7; fault list F4, F18, F19, F30, F31.
"""

from __future__ import annotations

import multiprocessing
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.integration import materialise_child
from tests.integration.loads import RUNNING, assert_consistent, big_batches
from tests.integration.materialise_child import freeze, run_child
from tests.simulator import SECOND, START, Pipeline, artifact

ROOT = Path(__file__).resolve().parents[2]

GRAPH = """
  SELECT 'node', kind, namespace, name, version, digest, producer, run_id, NULL, made::VARCHAR,
    conflict::VARCHAR, NULL, appeared_at
  FROM artifact_version WHERE known_to IS NULL
  UNION ALL
  SELECT 'edge', kind, namespace, name, version, digest, node.producer, node.run_id,
    edge.producer || ' ' || edge.run_id || ' ' || direction, exact::VARCHAR, reasons::VARCHAR,
    event_id, event_time
  FROM edge JOIN artifact_version AS node USING (artifact_version_id)
  WHERE edge.known_to IS NULL AND node.known_to IS NULL
"""
"""Nodes and edges by their natural keys: surrogate ids are no part of any promise."""


def outcome(pipeline: Pipeline) -> dict[str, Any]:
    """Read everything that must not depend on how the records arrived."""
    return {
        "graph": sorted(map(repr, pipeline.query(GRAPH))),
        "run": sorted(map(repr, pipeline.query("SELECT * EXCLUDE (ingest_time) FROM run"))),
        "epochs": sorted(map(repr, pipeline.query("SELECT * FROM producer_epoch"))),
        "events": sorted(
            pipeline.query("SELECT event_id, producer, body, leaf_sha256, raw FROM event")
        ),
        "facts": sorted(map(repr, pipeline.query("SELECT * EXCLUDE (ingest_time) FROM run_io"))),
        "registrations": sorted(
            map(repr, pipeline.query("SELECT * EXCLUDE (ingest_time) FROM registration"))
        ),
    }


def tell_a_story(pipeline: Pipeline) -> None:
    """Fill the log with a bit of everything: versions, guesses, imports, epochs, a loss."""
    lake, trainer = pipeline.producer("lake"), pipeline.producer("trainer")
    legacy = pipeline.producer("legacy", roles=frozenset({"gateway"}))
    for day in range(3):
        at = START + day * 3600 * SECOND
        lake.register(artifact(f"dataset:partner/feed@{day}"), owner="data-team")
        lake.run(
            f"ingest-{day}",
            reads=[artifact(f"dataset:partner/feed@{day}")],
            writes=[artifact("dataset:lake/tx")],
            starts=at,
        )
        legacy.run(
            f"label-{day}",
            reads=[artifact("dataset:lake/tx")],
            writes=[artifact(f"label_set:lake/labels@{day}")],
            starts=at + 100 * SECOND,
            origin="import",
        )
        trainer.run(
            f"train-{day}",
            reads=[artifact("dataset:lake/tx"), artifact("label_set:lake/labels")],
            writes=[artifact(f"model:registry/fraud@{day}")],
            starts=at + 200 * SECOND,
            ends=at + 3650 * SECOND,
            stage="train",
        )
        trainer.reopen(crashed=day == 1)
    trainer.log_loss(3)
    lake.finish()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pipeline, dict[str, Any]]:
    """Tell the story once, in order and in one step, and remember what came of it."""
    pipeline = Pipeline(tmp_path_factory.mktemp("story"))
    tell_a_story(pipeline)
    report = pipeline.materialise()
    assert report.rejects == {}
    assert_consistent(pipeline)
    return pipeline, outcome(pipeline)


@settings(max_examples=20)
@given(data=st.data())
def test_order_duplicates_and_a_restart_do_not_matter(
    story: tuple[Pipeline, dict[str, Any]], data: st.DataObject
) -> None:
    """Shuffled, partly doubled, in steps of any size and cut in two, the result is the same."""
    pipeline, expected = story
    told = pipeline.log.entries
    doubled = data.draw(st.lists(st.sampled_from(told), max_size=5), label="doubled")
    shuffled = data.draw(st.permutations(told + doubled), label="order")
    limit = data.draw(st.sampled_from([3, 7, 512]), label="records in a step")
    first_steps = data.draw(st.integers(0, 3), label="steps before the restart")
    store_path, pipeline.log.entries = pipeline.store_path, shuffled
    try:
        with tempfile.TemporaryDirectory() as folder:
            pipeline.store_path = Path(folder) / "store.duckdb"
            report = pipeline.materialise(limit=limit, steps=first_steps)
            report += pipeline.materialise(limit=limit)

            assert len(doubled) == report.duplicates
            assert report.rejects == {}
            assert expected == outcome(pipeline)
    finally:
        pipeline.log.entries, pipeline.store_path = told, store_path


def test_a_restart_reads_on_where_the_store_says(tmp_path: Path) -> None:
    """Nothing is read twice and nothing is skipped across three processes."""
    pipeline = Pipeline(tmp_path)
    producer = pipeline.producer("trainer")
    for number in range(7):
        producer.emit(RUNNING, run_id=f"run-{number}")

    reports = [pipeline.materialise(limit=2, steps=2), pipeline.materialise(limit=2)]

    assert [report.records for report in reports] == [4, 3]
    assert [report.duplicates for report in reports] == [0, 0]
    assert assert_consistent(pipeline) == 7


def test_nothing_new_changes_nothing(tmp_path: Path) -> None:
    """An idle step does not even touch the file."""
    pipeline = Pipeline(tmp_path)
    pipeline.producer("trainer").emit(RUNNING, run_id="run-1")
    pipeline.materialise()
    before = pipeline.store_path.read_bytes()

    report = pipeline.materialise()

    assert report.idle
    assert before == pipeline.store_path.read_bytes()


def test_twenty_kills_leave_rows_and_positions_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kill -9 at any moment: what a step reported is there, and rows are as positions say."""
    pipeline = Pipeline(tmp_path)
    producer = pipeline.producer("trainer")
    for number in range(300):
        producer.run(f"run-{number}", reads=[artifact("dataset:lake/tx")])
    freeze(pipeline)
    monkeypatch.syspath_prepend(str(ROOT))
    nursery = multiprocessing.get_context("forkserver")
    nursery.set_forkserver_preload([materialise_child.__name__])
    moments = random.Random(7)  # noqa: S311 - any will do, the same in every run
    done = [0]
    for _ in range(20):
        ours, theirs = nursery.Pipe(duplex=False)
        child = nursery.Process(target=run_child, args=(tmp_path, 2, None, theirs))
        child.start()
        theirs.close()
        reported = 0
        for _ in range(moments.randint(1, 4)):
            reported = ours.recv()
        time.sleep(moments.uniform(0.0, 0.1))
        child.kill()
        child.join()
        ours.close()
        done.append(assert_consistent(pipeline))

        assert done[-2] + reported <= done[-1]

    pipeline.materialise()

    assert 0 < done[-1] < 300
    assert assert_consistent(pipeline) == 300
    assert pipeline.query("SELECT count(DISTINCT event_id) FROM event") == [(600,)]


@pytest.mark.parametrize(
    ("limit", "batches"),
    [(100_000, 6), (17_500_000, 40)],
    ids=["commit fails", "commit or checkpoint fails"],
)
def test_a_full_disk_stops_and_then_goes_on(tmp_path: Path, limit: int, batches: int) -> None:
    """A failed COMMIT means unknown: the store is asked, nothing is lost, nothing doubled."""
    pipeline = Pipeline(tmp_path)
    big_batches(pipeline.producer("trainer"), batches)
    freeze(pipeline)

    child = subprocess.run(
        [sys.executable, "-m", materialise_child.__name__, str(tmp_path), "4", str(limit)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=False,
    )

    assert child.returncode == 0, child.stderr
    assert "STORE" in child.stdout
    assert batches == assert_consistent(pipeline)
