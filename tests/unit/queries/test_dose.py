"""``impact --dose`` tells which share of its rows came from the suspects, and never guesses.

Each number is worked out in the test that states it. Source: ADR-0024.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.simulator import Pipeline, artifact

from lineseal.queries import api
from lineseal.schemas.model import Artifact, ArtifactUse, Profile, Registration, Subject

FEED, OWN, MIX, TABLE = (
    artifact(f"dataset:lake/{name}@1") for name in ("feed", "own", "mix", "table")
)
MODEL = artifact("model:reg/m@1")

Use = Artifact | ArtifactUse


def rows(thing: Artifact, count: int) -> ArtifactUse:
    """Use *count* rows of something."""
    return ArtifactUse(artifact=thing, rows=count)


def measure(
    folder: Path, *runs: tuple[Sequence[Use], Sequence[Use]], suspect: str = "dataset:lake/feed@1"
) -> dict[str, tuple[float | None, str | None]]:
    """Play *runs* and return dose and what keeps it unknown, by the name of what was reached."""
    made = Pipeline(folder)
    jobs = made.producer("jobs")
    for thing in (FEED, OWN):
        jobs.register(thing)
    for number, (reads, writes) in enumerate(runs):
        jobs.run(f"r{number}", reads=reads, writes=writes)
    jobs.finish()
    made.materialise()
    with duckdb.connect(str(made.store_path), read_only=True) as connection:
        answer = api.impact(connection, suspect, dose=True, clock=made.clock)
    return {row["name"]: (row["dose"], row["dose_unknown"]) for row in answer.rows}


def test_rows_that_are_all_kept_keep_their_share(tmp_path: Path) -> None:
    """547 of 1,347 merged rows came from the feed; the model read 1,347 of those and 653 others.

    547 / 1347 = 0.406088; 547 / 2000 = 0.2735.
    """
    found = measure(
        tmp_path,
        ([rows(FEED, 547), rows(OWN, 800)], [rows(MIX, 1347)]),
        ([rows(MIX, 1347), rows(OWN, 653)], [MODEL]),
    )

    assert found == {"feed": (1.0, None), "mix": (0.406088, None), "m": (0.2735, None)}


def test_rows_that_were_left_out_leave_the_share_unknown(tmp_path: Path) -> None:
    """Which of 1,347 rows are the 1,000 that were kept nobody said; what follows is unknown too."""
    found = measure(
        tmp_path,
        ([rows(FEED, 547), rows(OWN, 800)], [rows(MIX, 1000)]),
        ([rows(MIX, 1000)], [MODEL]),
    )

    assert found["mix"] == (None, "default/jobs (run r0) read 1,347 rows and wrote 1,000")
    assert found["m"] == (None, "that of dataset:lake/mix@1 is not known")


def test_what_was_made_of_nothing_else_is_all_of_it(tmp_path: Path) -> None:
    """However many rows were kept, and though nobody counted: they all came from the feed."""
    found = measure(tmp_path, ([FEED], [TABLE]), ([TABLE], [MODEL]))

    assert found == {"feed": (1.0, None), "table": (1.0, None), "m": (1.0, None)}


def test_a_count_that_nobody_said_is_not_guessed(tmp_path: Path) -> None:
    """Of our own data there is no count at all."""
    found = measure(tmp_path, ([rows(FEED, 5), OWN], [MODEL]))

    assert found["m"] == (
        None,
        "nobody said how many rows of dataset:lake/own@1 were read by default/jobs (run r0)",
    )


def test_a_registered_profile_says_how_many_rows_a_version_has(tmp_path: Path) -> None:
    """30 of 40 rows; the run itself did not count."""
    made = Pipeline(tmp_path)
    jobs = made.producer("jobs")
    for thing, count in ((FEED, 30), (OWN, 10)):
        subject = Subject(type="artifact", artifact=thing)
        jobs.emit(Registration(subject=subject, profile=Profile(rows=count)))
    jobs.run("train", reads=[FEED, OWN], writes=[MODEL])
    jobs.finish()
    made.materialise()
    with duckdb.connect(str(made.store_path), read_only=True) as connection:
        answer = api.impact(connection, "dataset:lake/feed@1", all_models=True, dose=True)

    assert [(row["dose"], row["verdict"]) for row in answer.rows] == [(0.75, "affected")]


def test_two_writers_a_circle_and_a_base_model_have_no_dose(tmp_path: Path) -> None:
    """Who wrote what is there, how often it went round, how much weights remember: not known."""
    base, tuned = artifact("model:reg/base@1"), artifact("model:reg/tuned@1")
    found = measure(
        tmp_path,
        ([rows(FEED, 1)], [rows(MIX, 1)]),
        ([rows(OWN, 1)], [rows(MIX, 1)]),
        ([rows(FEED, 1), rows(TABLE, 1)], [rows(TABLE, 2)]),
        ([rows(FEED, 1)], [base]),
        ([base, rows(OWN, 9)], [tuned]),
    )

    assert found["mix"] == (None, "2 runs wrote it")
    assert found["table"] == (None, "it was made from itself")
    assert found["base"] == (1.0, None)
    assert found["tuned"][0] is None
    assert "is not made of rows" in str(found["tuned"][1])


def test_a_hop_that_is_not_certain_has_no_dose(tmp_path: Path) -> None:
    """The run named no version of the feed."""
    found = measure(
        tmp_path, ([ArtifactUse(artifact=artifact("dataset:lake/feed"), rows=3)], [MODEL])
    )

    assert found["m"] == (None, "default/jobs (run r0) read or wrote something that is not certain")


def test_a_model_that_is_not_proven_clean_has_no_dose(tmp_path: Path) -> None:
    """0 is a claim too."""
    made = Pipeline(tmp_path)
    jobs = made.producer("jobs")
    for thing in (FEED, OWN):
        jobs.register(thing)
    jobs.run("a", reads=[OWN], writes=[MODEL])
    jobs.run("b", reads=[artifact("dataset:lake/stray@1")], writes=[artifact("model:reg/m@2")])
    jobs.finish()
    made.materialise()
    with duckdb.connect(str(made.store_path), read_only=True) as connection:
        answer = api.impact(connection, "dataset:lake/feed@1", all_models=True, dose=True)

    assert {row["version"]: (row["verdict"], row["dose"]) for row in answer.rows} == {
        "1": ("clean", 0.0),
        "2": ("possible", None),
    }


@settings(max_examples=5)
@given(counts=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=4))
def test_a_chain_of_merges_is_a_chain_of_products(
    tmp_path_factory: pytest.TempPathFactory, counts: list[tuple[int, int]]
) -> None:
    """Each merge takes *a* rows of the table before and *b* of our own: the share shrinks so."""
    before: Artifact = FEED
    runs: list[tuple[Sequence[Use], Sequence[Use]]] = []
    expected = 1.0
    for number, (kept, own) in enumerate(counts):
        table = artifact(f"dataset:lake/t{number}@1")
        runs.append(([rows(before, kept), rows(OWN, own)], [rows(table, kept + own)]))
        expected *= kept / (kept + own)
        before = table

    found = measure(tmp_path_factory.mktemp("chain"), *runs)

    assert found[before.name][0] == pytest.approx(expected, abs=1e-6)
