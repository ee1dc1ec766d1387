"""A producer's last batches are dropped: no number is missing, and only its silence tells.

What is promised: where the keyring says when a producer is to be heard, what its silence may hide
makes no model clean and no ``impact`` complete, until it is heard again and its chain is whole.
Source: DESIGN 4.2 and 8; ADR-0005.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from tests.integration.chain_world import watch
from tests.simulator import SECOND, Entry, Pipeline, Producer, artifact

from lineseal.queries import api

SUSPECT = "dataset:lake/feed@1"
MODEL = "model:reg/fraud@1"


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """Return a pipeline in which a suspect became a model by way of a copy."""
    return Pipeline(tmp_path)


def play(pipeline: Pipeline, *, expected: bool) -> tuple[Producer, list[Entry]]:
    """Seal it all but drop the last batch of who copies; return both."""
    feed = pipeline.producer("ingest")
    feed.register(artifact("dataset:lake/raw"))
    feed.run("ingest-1", reads=[artifact("dataset:lake/raw@1")], writes=[artifact(SUSPECT)])
    feed.finish()
    every = 600 * SECOND if expected else None
    copier = pipeline.producer("copier", expected_every=every)
    copier.register(artifact("dataset:lake/copy"))
    kept = len(pipeline.log.entries)
    copier.run("copy-1", reads=[artifact(SUSPECT)], writes=[artifact("dataset:lake/copy@1")])
    copier.finish()
    dropped = pipeline.log.entries[kept:]
    del pipeline.log.entries[kept:]
    trainer = pipeline.producer("trainer")
    trainer.run("train-1", reads=[artifact("dataset:lake/copy@1")], writes=[artifact(MODEL)])
    trainer.finish()
    pipeline.materialise()
    pipeline.clock.advance(601)
    watch(pipeline)
    return copier, dropped


def ask(pipeline: Pipeline) -> tuple[str | None, list[str]]:
    """Return the verdict on the model, and why ``impact`` is not complete."""
    now = pipeline.clock.now
    with duckdb.connect(str(pipeline.store_path), read_only=True) as connection:
        traced = api.trace(connection, MODEL, suspect=SUSPECT, clock=lambda: now)
        reached = api.impact(connection, SUSPECT, clock=lambda: now)
    return traced.verdict, [warning.split(":")[0] for warning in reached.warnings]


def test_silence_that_the_keyring_forbids_proves_nothing(pipeline: Pipeline) -> None:
    """The model that was made meanwhile is possible; what was dropped shows it was affected."""
    copier, dropped = play(pipeline, expected=True)

    silent = ask(pipeline)
    pipeline.log.entries += dropped
    copier.reopen(crashed=True)
    copier.send()
    pipeline.materialise()
    watch(pipeline)

    assert silent == ("possible", ["SILENT_PRODUCER in producer copier"])
    assert ask(pipeline) == ("affected", [])


def test_silence_that_nobody_forbids_is_not_told_from_a_crash(pipeline: Pipeline) -> None:
    """The limit that ADR-0005 states: an epoch off the way may end without being closed."""
    play(pipeline, expected=False)

    assert ask(pipeline) == ("clean", [])
