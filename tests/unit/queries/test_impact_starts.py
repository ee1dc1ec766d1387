"""``impact`` starts from sources, suppliers, keys, producers, people, stages and times too.

What is promised: everything they wrote, registered, changed or let through is a suspect, for
certain only where that is proven, and no model is clean that may hold what is not told. Evidence:
a small company under the production materialiser. Source: ADR-0024.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.simulator import SECOND, START, Pipeline, Producer, artifact, human

from lineseal.commandline.output import Answer
from lineseal.queries import api
from lineseal.schemas.errors import Ambiguous, NotFound, QueryError
from lineseal.schemas.model import (
    Acquisition,
    AcquisitionMethod,
    Approval,
    Decision,
    DecisionMode,
    Gate,
    Origin,
    Registration,
    Source,
    Subject,
    Supplier,
)

from .graph_builder import verdicts

FEED, OWN, MIX = (artifact(f"dataset:lake/{name}@1") for name in ("feed", "own", "mix"))
INTERNAL = Acquisition(method=AcquisitionMethod.INTERNAL)
DAY = 86_400 * SECOND


def approve(version: int, **fields: Any) -> Approval:
    """Approve one version of the model."""
    values: dict[str, Any] = {"decision": Decision.APPROVE, "approver": "alice", **fields}
    return Approval(
        subject=Subject(type="artifact", artifact=artifact(f"model:reg/m@{version}")),
        gate=Gate.PROMOTION,
        mode=DecisionMode.EXPLICIT,
        **values,
    )


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Train four models.

    1 from the feed of Acme, 2 from data of our own, 3 by the night shift, which read our own data,
    4 from data that says nothing of where it comes from. Alice approved 2 under her key; a service
    says that she approved 3, and that bob rejected 1.
    """
    made = Pipeline(tmp_path_factory.mktemp("starts"))
    jobs, night, alice = made.producer("jobs"), made.producer("night"), made.person("alice")
    acme = {"source": Source(uri="s3://acme/feed"), "supplier": Supplier(name="Acme")}
    jobs.register(FEED, **acme)
    jobs.register(OWN, acquisition=INTERNAL)
    jobs.run("merge", reads=[FEED, OWN], writes=[MIX], stage="merge")
    jobs.run("train-1", reads=[MIX], writes=[artifact("model:reg/m@1")], stage="train")
    jobs.run("train-2", reads=[OWN], writes=[artifact("model:reg/m@2")], stage="train")
    late = START + DAY
    night.run(
        "train-3", reads=[OWN], writes=[artifact("model:reg/m@3")], starts=late, ends=late + SECOND
    )
    untold = artifact("dataset:lake/untold@1")
    jobs.register(untold)
    jobs.run("train-4", reads=[untold], writes=[artifact("model:reg/m@4")])
    alice.emit(approve(2), actor=human("alice"))
    jobs.emit(approve(3))
    jobs.emit(approve(1, approver="bob", decision=Decision.REJECT))
    for producer in (jobs, night, alice):
        producer.finish()
    made.materialise()
    return made


def ask(pipeline: Pipeline, subject: str | None = None, **options: Any) -> Answer:
    """Ask which models are affected."""
    with duckdb.connect(str(pipeline.store_path), read_only=True) as connection:
        options = {"all_models": True, "clock": pipeline.clock, **options}
        return api.impact(connection, subject, **options)


def models(answer: Answer) -> dict[str, str | None]:
    """Return the verdict of each model by its version."""
    return {name.rpartition("@")[2]: verdict for name, verdict in verdicts(answer).items()}


@pytest.mark.parametrize("start", ["source:s3://acme", "source:acme", "supplier:Acme"])
def test_what_came_from_a_source_is_followed(pipeline: Pipeline, start: str) -> None:
    """Model 4 is not clean: its data does not say where it comes from."""
    answer = ask(pipeline, start)

    assert models(answer) == {"1": "affected", "2": "clean", "3": "clean", "4": "possible"}
    assert answer.subject == start
    assert answer.extra["suspects"] == ["dataset:lake/feed@1"]
    (warning,) = answer.warnings
    assert warning.startswith("no registration of dataset:lake/untold@1 says where it comes from")


def test_what_a_producer_wrote_or_registered_is_followed(pipeline: Pipeline) -> None:
    """The night shift wrote model 3 and nothing else; its key says the same."""
    keyid = next(entry.keyid for entry in pipeline.entries.values() if entry.producer == "night")

    for start in ("producer:night", f"key:{keyid}", f"key:{keyid[:12]}"):
        answer = ask(pipeline, start)
        assert models(answer) == {"1": "clean", "2": "clean", "3": "affected", "4": "clean"}
        assert answer.extra["suspects"] == ["model:reg/m@3"]


def test_a_stage_is_the_runs_of_it(pipeline: Pipeline) -> None:
    """The merge stage wrote the mixed table."""
    answer = ask(pipeline, "stage:merge")

    assert answer.extra["suspects"] == ["dataset:lake/mix@1"]
    assert models(answer) == {"1": "affected", "2": "clean", "3": "clean", "4": "clean"}


def test_an_asserted_name_only_makes_possible(pipeline: Pipeline) -> None:
    """Alice's own key signed for 2; that she approved 3 is what a service says."""
    answer = ask(pipeline, "person:alice")

    assert models(answer) == {"1": "clean", "2": "affected", "3": "possible", "4": "clean"}
    (warning,) = answer.warnings
    assert warning.startswith("model:reg/m@3 counts as person:alice because approval ")
    assert warning.endswith(", but the name is only asserted")


def test_who_stopped_something_did_not_spoil_it(pipeline: Pipeline) -> None:
    """Bob rejected model 1, and did nothing else."""
    with pytest.raises(NotFound, match="person:bob"):
        ask(pipeline, "person:bob")


def test_a_time_suspects_all_that_was_done_in_it(pipeline: Pipeline) -> None:
    """The second day is the night shift's; both ends are included."""
    at = "2026-01-02T00:00:00Z"
    ((registered,),) = pipeline.query("SELECT min(event_time) FROM registration")
    first = f"{registered.isoformat()}Z"

    assert ask(pipeline, since=at, until=at).extra["suspects"] == ["model:reg/m@3"]
    assert ask(pipeline, since="2026-01-02").subject == "from 2026-01-02T00:00:00.000000Z"
    assert ask(pipeline, "producer:jobs", until=first).extra["suspects"] == ["dataset:lake/feed@1"]
    with pytest.raises(NotFound):
        ask(pipeline, since="2026-01-03")


@pytest.mark.parametrize(
    ("subject", "options", "error"),
    [
        (None, {}, QueryError),
        ("dataset:lake/feed@1", {"since": "2026-01-01"}, QueryError),
        ("producer:jobs", {"all_versions": True}, QueryError),
        ("producer:", {}, QueryError),
        (None, {"since": "2026-01-02", "until": "2026-01-01"}, QueryError),
        ("key:no-hex", {}, QueryError),
        ("key:00000000", {}, NotFound),
        ("supplier:Nobody", {}, NotFound),
    ],
)
def test_what_makes_no_sense_is_refused(
    pipeline: Pipeline, subject: str | None, options: Any, error: type[QueryError]
) -> None:
    """Never an empty answer that reads like nobody is affected."""
    with pytest.raises(error):
        ask(pipeline, subject, **options)


def test_names_that_look_alike_are_named(pipeline: Pipeline) -> None:
    """As for a REF."""
    with pytest.raises(NotFound) as caught:
        ask(pipeline, "supplier:acme")

    assert caught.value.candidates == ("supplier:Acme",)
    assert not isinstance(caught.value, Ambiguous)


def test_an_import_that_names_a_source_is_no_proof(tmp_path: Path) -> None:
    """Anybody can write what is imported."""
    made = Pipeline(tmp_path)
    jobs = made.producer("jobs")
    jobs.register(OWN, acquisition=INTERNAL)
    jobs.register(OWN, supplier=Supplier(name="Acme"))
    evil = Registration(
        subject=Subject(type="artifact", artifact=OWN), supplier=Supplier(name="Evil")
    )
    jobs.emit(evil, origin=Origin.IMPORT)
    jobs.run("train", reads=[OWN], writes=[artifact("model:reg/m@1")])
    jobs.finish()
    made.materialise()

    assert models(ask(made, "supplier:Acme")) == {"1": "affected"}
    assert models(ask(made, "supplier:Evil")) == {"1": "possible"}


def test_a_key_that_counts_as_stolen_still_did_what_it_signed(tmp_path: Path) -> None:
    """What it wrote is suspected for certain by its key, not by its producer's name."""
    made = Pipeline(tmp_path)
    jobs, other = made.producer("jobs"), made.producer("other")
    other.register(OWN, acquisition=INTERNAL)
    jobs.run("prepare", reads=[OWN], writes=[MIX])
    other.run("train", reads=[MIX], writes=[artifact("model:reg/m@1")])
    jobs.finish()
    made.materialise()
    made.change_key(jobs.signer, compromised_since=START, revoked_at=made.clock())
    other.send()
    made.materialise()

    assert models(ask(made, f"key:{jobs.signer.keyid}")) == {"1": "affected"}
    assert models(ask(made, "producer:jobs")) == {"1": "possible"}


def test_a_hole_before_the_first_known_write_keeps_models_from_being_clean(tmp_path: Path) -> None:
    """What the producer did in there nobody knows."""
    made = Pipeline(tmp_path)
    jobs, other = made.producer("jobs"), made.producer("other")
    other.register(OWN, acquisition=INTERNAL)
    other.run("train", reads=[OWN], writes=[artifact("model:reg/m@1")])
    lose(jobs)
    jobs.run("write", reads=[OWN], writes=[MIX])
    for producer in (jobs, other):
        producer.finish()
    made.materialise()

    assert models(ask(made, "producer:jobs")) == {"1": "possible"}


def lose(producer: Producer) -> None:
    """Seal a batch that never arrives."""
    producer.seal(producer.event(approve(9)))


def test_only_what_is_deployed_is_shown_when_asked(pipeline: Pipeline) -> None:
    """Nothing is in any environment here."""
    assert ask(pipeline, "producer:night", deployed=True).rows == []
    assert ask(pipeline, "producer:night", deployed=True, all_models=False).rows == []
