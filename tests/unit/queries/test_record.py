"""``timeline``, ``who`` and the lists tell what the record says, in order, and what stands out.

Evidence: a labelled, approved, overridden model in a pipeline in memory, under the production
materialiser; decisions by default, by the maker, without a second person, and under no own key.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.integration.chain_world import watch
from tests.simulator import SECOND, START, Pipeline, artifact, human

from lineseal.commandline.output import Answer
from lineseal.queries.material import load_material
from lineseal.queries.record import lists
from lineseal.queries.record.timeline import timeline
from lineseal.schemas.model import (
    Access,
    AccessAction,
    AccessOutcome,
    Approval,
    Artifact,
    ArtifactUse,
    Decision,
    DecisionMode,
    Feedback,
    Gate,
    Kind,
    Override,
    Pair,
    RunEvent,
    RunState,
    Source,
    Subject,
    Submitter,
    Supplier,
)

MODEL, RAW = artifact("model:reg/fraud@7"), artifact("dataset:lake/raw@1")
CLICKS = artifact("dataset:lake/clicks@1")


def about(thing: Any) -> Subject:
    """Point at an artifact."""
    return Subject(type="artifact", artifact=thing)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Bob trains fraud 7 and approves it; alice overrides; a scheduler approves by default."""
    made = Pipeline(tmp_path_factory.mktemp("record"))
    jobs, alice, bob = made.producer("jobs"), made.person("alice"), made.person("bob")
    jobs.register(RAW, owner="dora", source=Source(uri="s3://raw"), supplier=Supplier(name="acme"))
    jobs.register(CLICKS, owner="web")
    jobs.emit(
        Feedback(
            channel="thumbs",
            artifact=CLICKS,
            submissions=900,
            submitters=12,
            top_submitters=(Submitter(pseudonym="p-41", share=0.61),),
        )
    )
    bob.run("train-7", reads=[RAW, CLICKS], writes=[MODEL], actor=human("bob"), stage="train")
    shared: dict[str, Any] = {"subject": about(MODEL), "decision": Decision.APPROVE}
    explicit: dict[str, Any] = {"gate": Gate.PROMOTION, "mode": DecisionMode.EXPLICIT}
    bob.emit(Approval(approver="bob", reason="fine", **shared, **explicit), actor=human("bob"))
    default: dict[str, Any] = {"gate": Gate.TRAINING, "mode": DecisionMode.DEFAULT}
    jobs.emit(Approval(approver="carol", requested_by="carol", **shared, **default))
    alice.emit(
        Override(
            target=about(MODEL),
            before="blocked",
            after="released",
            made_by="alice",
            approved_by="dora",
            reason="quarter end",
        ),
        actor=human("alice"),
    )
    jobs.emit(
        Override(
            target=Subject(type="stage", name="merge"),
            before="on",
            after="off",
            made_by="mallory",
            reason="\x1b[2Jtoo slow",
        )
    )
    jobs.emit(
        Access(
            principal="svc-7",
            action=AccessAction.WRITE,
            resource=about(RAW),
            outcome=AccessOutcome.ALLOWED,
        )
    )
    for producer in (jobs, alice, bob):
        producer.finish()
    made.materialise()
    return made


def ask(pipeline: Pipeline, question: Any, *arguments: Any, **options: Any) -> Answer:
    """Ask one question of the store."""
    with duckdb.connect(str(pipeline.store_path), read_only=True) as connection:
        answer: Answer = question(connection, *arguments, **options)
        return answer


def test_a_timeline_tells_runs_and_statements_in_order(pipeline: Pipeline) -> None:
    """Of the version alone; what was said of its data is in its ancestry."""
    alone = ask(pipeline, timeline, "model:reg/fraud@7")
    whole = ask(pipeline, timeline, "model:reg/fraud@7", ancestry=True)

    assert [row["did"] for row in alone.rows] == [
        "written by default/person:bob, COMPLETE",
        "approve at promotion",
        "approve at training",
        "override: blocked -> released",
    ]
    times = [row["event_time"] for row in whole.rows]
    assert times == sorted(times)
    assert "900 submissions through thumbs" in {row["did"] for row in whole.rows}
    assert "write allowed" in {row["did"] for row in whole.rows}


def test_who_names_people_and_what_stands_out(pipeline: Pipeline) -> None:
    """Bob approved his own model; carol's approval came by default and is only a name."""
    answer = ask(pipeline, timeline, "model:reg/fraud@7", people=True)

    told = {row["by"]: (row["own_key"], row["reason"], row["stands_out"]) for row in answer.rows}
    assert told == {
        "bob": (True, "fine", ["made by the same person"]),
        "carol": (
            False,
            None,
            ["given by default", "requested by the same person", "the name is only asserted"],
        ),
        "alice": (True, "quarter end", []),
    }


def test_what_was_not_known_yet_is_not_told(pipeline: Pipeline) -> None:
    """As of the training nobody had approved anything."""
    ((moment,),) = pipeline.query("SELECT max(event_time) FROM event WHERE run_id = 'train-7'")

    answer = ask(pipeline, timeline, "model:reg/fraud@7", as_of=f"{moment.isoformat()}Z")

    assert [row["body"] for row in answer.rows] == ["run"]


@pytest.mark.parametrize(
    ("options", "who"),
    [
        ({}, ["alice", "mallory"]),
        ({"by": "alice"}, ["alice"]),
        ({"by": "nobody"}, []),
        ({"target": "model:reg/fraud@7"}, ["alice"]),
        ({"target": "model:reg/fraud"}, ["alice"]),
        ({"target": "model:reg/fra"}, []),
        ({"target": "stage:merge"}, ["mallory"]),
        ({"since": "2030-01-01"}, []),
        ({"until": "2030-01-01"}, ["alice", "mallory"]),
    ],
)
def test_overrides_are_found_by_person_target_and_time(
    pipeline: Pipeline, options: dict[str, str], who: list[str]
) -> None:
    """A name without a version means every version, and no other name."""
    assert [row["made_by"] for row in ask(pipeline, lists.overrides, **options).rows] == who


def test_an_override_under_no_own_key_says_so(pipeline: Pipeline) -> None:
    """Whoever wrote mallory's name did not sign as mallory."""
    rows = ask(pipeline, lists.overrides).rows

    assert {row["made_by"]: row["own_key"] for row in rows} == {"alice": True, "mallory": False}


def test_access_names_resource_and_outcome(pipeline: Pipeline) -> None:
    """Filtered by the resource as by the principal."""
    (row,) = ask(pipeline, lists.access, resource="dataset:lake/raw").rows

    assert (row["principal"], row["action"], row["resource"]) == (
        "svc-7",
        "write",
        "dataset:lake/raw@1",
    )
    assert ask(pipeline, lists.access, principal="someone").rows == []


def test_feedback_is_found_behind_the_model(pipeline: Pipeline) -> None:
    """By pseudonym and share, however far up."""
    (row,) = ask(pipeline, lists.feedback, "model:reg/fraud@7").rows

    assert (row["channel"], row["reference"], row["depth"]) == (
        "thumbs",
        "dataset:lake/clicks@1",
        1,
    )
    assert row["top_submitters"] == ["p-41 61.0%"]


def test_the_inventory_lists_the_supply_chain(pipeline: Pipeline) -> None:
    """Stages that ran, sources and suppliers that were registered, owners, writers."""
    rows = ask(pipeline, lists.inventory).rows

    assert [(row["type"], row["name"], row["things"]) for row in rows] == [
        ("owner", "dora", 1),
        ("owner", "web", 1),
        ("source", "s3://raw", 1),
        ("stage", "train", 1),
        ("supplier", "acme", 1),
        ("writer", "person:bob", 1),
    ]


def test_the_lists_are_empty_before_anything_was_recorded(tmp_path: Path) -> None:
    """No rows are an answer."""
    made = Pipeline(tmp_path)
    made.producer("jobs").finish()
    made.materialise()

    for question in (lists.overrides, lists.access, lists.inventory):
        assert ask(made, question).rows == []


def test_an_override_that_a_stolen_key_signed_is_nobodys_decision(tmp_path: Path) -> None:
    """It stays in the list, as a name that is only asserted; before the theft was known it was."""
    made = Pipeline(tmp_path)
    alice = made.person("alice")
    override = Override(
        target=about(MODEL), before="off", after="on", made_by="alice", reason="because"
    )
    alice.emit(override, actor=human("alice"))
    made.materialise()
    ((ingested,),) = made.query("SELECT max(ingest_time) FROM event")
    known = f"{ingested.isoformat()}Z"
    made.change_key(alice.signer, compromised_since=START, revoked_at=made.clock())
    watch(made)

    assert [row["own_key"] for row in ask(made, lists.overrides).rows] == [False]
    assert [row["own_key"] for row in ask(made, lists.overrides, known_at=known).rows] == [True]


def test_an_event_id_used_twice_ties_nothing_to_another_thing(tmp_path: Path) -> None:
    """Alice approves 7 and, under the same id, 8: each approval is about its own version."""
    made = Pipeline(tmp_path)
    alice, other = made.person("alice"), artifact("model:reg/fraud@8")
    shared: dict[str, Any] = {"gate": Gate.PROMOTION, "decision": Decision.APPROVE}
    shared |= {"mode": DecisionMode.EXPLICIT, "approver": "alice"}
    first = alice.emit(Approval(subject=about(MODEL), reason="7", **shared), actor=human("alice"))
    for thing, reason in ((other, "8"), (MODEL, "7 again")):
        approval = Approval(subject=about(thing), reason=reason, **shared)
        alice.emit(approval, actor=human("alice"), event_id=first.event_id)
    for thing in (MODEL, other):
        alice.register(thing)
    made.materialise()

    def reasons(reference: str) -> list[str | None]:
        answer = ask(made, timeline, reference, people=True)
        return [row["reason"] for row in answer.rows if row["body"] == "approval"]

    assert reasons("model:reg/fraud@7") == ["7", "7 again"]
    assert reasons("model:reg/fraud@8") == ["8"]


def test_a_timeline_in_the_middle_of_a_run_does_not_know_its_end(tmp_path: Path) -> None:
    """What a run says only later, it had not said; who joined it later had not."""
    made = Pipeline(tmp_path)
    jobs = made.producer("jobs")
    use = (ArtifactUse(artifact=MODEL, rows=5),)
    later = (Pair(key="later", value="yes"),)
    for hour, state in enumerate((RunState.START, RunState.RUNNING, RunState.COMPLETE)):
        event = RunEvent(state=state, outputs=use, parameters=later if hour else ())
        actor = {"actor": human("bob")} if hour else {}
        jobs.emit(event, run_id="r", event_time=START + hour * 3600 * SECOND, **actor)
    made.materialise()
    asked: dict[str, Any] = {"as_of": "2026-01-01T00:30:00Z"}

    (row,) = ask(made, timeline, "model:reg/fraud@7", **asked).rows
    with duckdb.connect(str(made.store_path), read_only=True) as connection:
        early, late = (load_material(connection, "model:reg/fraud@7", **one) for one in (asked, {}))

    assert (row["did"], row["event_time"]) == (
        "being written by default/jobs",
        "2026-01-01T00:00:00.000000Z",
    )
    assert [details.parameters for details in early.details.values()] == [[]]
    assert [len(details.parameters) for details in late.details.values()] == [1]


def test_a_target_may_be_named_by_its_digest(tmp_path: Path) -> None:
    """Or without version, or by the start of the digest."""
    made = Pipeline(tmp_path)
    digest = f"sha256:{64 * 'a'}"
    thing = Artifact(kind=Kind.MODEL, namespace="default", name="m", version="1", digest=digest)
    override = Override(target=about(thing), before="a", after="b", made_by="eve", reason="r")
    made.producer("jobs").emit(override)
    made.materialise()

    for target in ("model:m", "model:default/m@1", f"model:m@{digest}", "model:m@sha256:aaaa"):
        assert len(ask(made, lists.overrides, target=target).rows) == 1, target
    for target in ("model:m@2", "model:m@sha256:bbbb", "model:n", "stage:m"):
        assert ask(made, lists.overrides, target=target).rows == [], target
