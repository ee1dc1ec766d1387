"""A gate lets a version through only when every rule passes, and says every reason when not.

Evidence: one story in which every rule passes, and for each rule the change that makes it refuse,
signed with real keys and materialised. Source: DESIGN 4.1, 8.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.simulator import SECOND, START, artifact

from lineseal.consumers.detect.detector import Detector
from lineseal.consumers.detect.policy import load_policy
from lineseal.queries.gate.answer import gate
from lineseal.schemas.errors import NotFound
from lineseal.schemas.model import (
    Containment,
    ContainmentAction,
    Decision,
    DecisionMode,
    Gate,
    LifecycleState,
    Outcome,
    Quarantine,
    QuarantineAction,
    Registration,
    Subject,
)
from lineseal.settings import Settings

from .gate_world import (
    DIGEST,
    MODEL,
    OTHER,
    RAW,
    REF,
    Part,
    World,
    about,
    evaluation,
    judge,
    refusals,
    tell,
    validation,
)

FROZEN = ContainmentAction.FREEZE
ONLY_ALICE = "1 of 2 people approved it with their own keys: alice"
FOREIGN = artifact(f"model:reg/fraud@{OTHER}")


def order(who: str, subject: Subject, action: ContainmentAction = FROZEN) -> Part:
    """Make a part in which a person orders something with their own key."""
    body = Containment(subject=subject, action=action, reason="poisoned", ordered_by=who)
    return lambda world: world.person(who, body)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return the world in which everything passes."""
    return tell(tmp_path_factory.mktemp("good"))


@pytest.mark.parametrize("name", ["promote", "rollback"])
def test_what_passes_every_rule_is_approved(good: World, name: str) -> None:
    """Each rule says why it passed."""
    answer = judge(good, name, given=[f"={DIGEST}", f"{REF}={DIGEST}"])

    assert (answer.verdict, answer.complete) == ("approved", True)
    assert {row["outcome"] for row in answer.rows} == {"passed"}
    assert {row["rule"] for row in answer.rows} == {
        *("quarantine", "containment", "revoked", "digests", "inputs"),
        *("validations", "evaluation", "people", "alerts", "ancestry"),
    }


def test_data_passes_the_gate_of_training(tmp_path: Path) -> None:
    """Two people approve the data; no evaluation is asked for."""
    world = tell(tmp_path, None, lambda world: world.approve("bob", RAW, at=Gate.TRAINING))

    answer = judge(world, "train", "dataset:lake/raw@1")

    assert (answer.verdict, refusals(answer)) == ("approved", [])


BROKEN: list[tuple[str | None, tuple[Part, ...], str, str]] = [
    ("input", (), "inputs", "nobody approved it"),
    (
        "input",
        (lambda world: world.approve("alice", RAW, at=Gate.DATASET, by=world.jobs),),
        "inputs",
        "the approval of alice is only asserted, not signed with their own key",
    ),
    ("validate", (), "validations", "nothing validated it"),
    (
        None,
        (lambda world: world.jobs.emit(validation(outcome=Outcome.FAIL)),),
        "validations",
        "pandera/schema came out as 'fail'",
    ),
    ("evaluate", (), "evaluation", f"nobody evaluated exactly {DIGEST[:19]}"),
    (
        "evaluate",
        (lambda world: world.jobs.emit(evaluation(FOREIGN)),),
        "evaluation",
        f"nobody evaluated exactly {DIGEST[:19]}",
    ),
    (
        "evaluate",
        (lambda world: world.jobs.emit(evaluation(artifact(REF))),),
        "evaluation",
        f"nobody evaluated exactly {DIGEST[:19]}",
    ),
    (
        None,
        (lambda world: world.jobs.emit(evaluation(outcome=Outcome.FAIL)),),
        "evaluation",
        "holdout came out as 'fail'",
    ),
    (
        "bob",
        (),
        "people",
        ONLY_ALICE,
    ),
    (
        "bob",
        (lambda world: world.approve("bob", by=world.jobs),),
        "people",
        f"{ONLY_ALICE}; the approval of bob is only asserted, not signed with their own key",
    ),
    (
        "bob",
        (lambda world: world.approve("bob", mode=DecisionMode.TIMEOUT),),
        "people",
        f"{ONLY_ALICE}; the approval of bob was given by timeout",
    ),
    (
        "bob",
        (lambda world: world.approve("bob", mode=DecisionMode.DEFAULT),),
        "people",
        f"{ONLY_ALICE}; the approval of bob was given by default",
    ),
    (
        None,
        (
            lambda world: world.jobs.emit(
                Quarantine(artifact=RAW, action=QuarantineAction.PLACED, reason="flipped")
            ),
        ),
        "quarantine",
        "dataset:lake/raw@1 is in quarantine: flipped",
    ),
    (
        None,
        (order("carol", about(artifact("dataset:lake/raw"))),),
        "containment",
        "dataset:lake/raw is frozen by carol: poisoned",
    ),
    (
        None,
        (order("carol", Subject(type="source", name="data.example.com")),),
        "containment",
        "source:data.example.com is frozen by carol: poisoned",
    ),
    (
        None,
        (order("carol", Subject(type="stage", name="train"), ContainmentAction.HOLD),),
        "containment",
        "stage:train is held by carol: poisoned",
    ),
    (
        None,
        (order("carol", Subject(type="producer", name="jobs")),),
        "containment",
        "producer:jobs is frozen by carol: poisoned",
    ),
    (
        None,
        (lambda world: world.approve("carol", RAW, at=Gate.TRAINING, decision=Decision.REJECT),),
        "revoked",
        "carol rejected it at the training gate",
    ),
]


@pytest.mark.parametrize(("without", "more", "rule", "reason"), BROKEN)
def test_a_rule_that_is_broken_refuses(
    tmp_path: Path, without: str | None, more: tuple[Part, ...], rule: str, reason: str
) -> None:
    """Exactly this rule, and for exactly this reason."""
    world = tell(tmp_path, without, *more)

    answer = judge(world)

    assert answer.verdict == "refused"
    assert refusals(answer) == [(rule, reason)]


@pytest.mark.parametrize(
    ("given_bytes", "reason"),
    [
        (f"={OTHER}", f"the bytes given are {OTHER[:19]}, recorded is {DIGEST[:19]}"),
        (f"dataset:lake/raw@1={DIGEST}", "no digest of it is recorded to compare with"),
    ],
)
def test_other_bytes_than_recorded_refuse(good: World, given_bytes: str, reason: str) -> None:
    """Also where there is nothing to compare with."""
    assert refusals(judge(good, given=[given_bytes])) == [("digests", reason)]


def test_bytes_of_something_else_are_a_mistake(good: World) -> None:
    """A typing error in CI must not count as a check that passed."""
    with pytest.raises(NotFound, match="is not what"):
        judge(good, given=[f"dataset:lake/other@1={DIGEST}"])


def test_the_policy_decides(good: World) -> None:
    """Each setting can make the same version fail, or pass."""

    def with_policy(policy: str) -> list[tuple[str, str]]:
        return refusals(judge(good, policy=policy))

    assert with_policy("people = 3")[0][0] == "people"
    assert with_policy("[promote]\npeople = 3")[0][0] == "people"
    assert with_policy("[rollback]\npeople = 3") == []
    assert with_policy('approvers = ["alice"]') == [
        (
            "people",
            f"{ONLY_ALICE}; bob is not among those who may approve here",
        )
    ]
    assert with_policy('validations = ["cleanlab/labels"]') == [
        ("validations", "cleanlab/labels did not check it")
    ]
    assert with_policy('evaluations = ["canary"]') == [
        ("evaluation", "the suite canary is missing")
    ]
    assert with_policy('evaluation_kinds = ["canary"]') == [
        ("evaluation", "no suite of the kind canary is there")
    ]
    assert with_policy("require_file = true")[0][0] == "digests"
    assert with_policy("input_approvals = 2")[0][0] == "inputs"


def test_an_ancestry_that_is_not_proven_is_incomplete(tmp_path: Path) -> None:
    """Nothing was found, but nothing is proven: that is not the same as a refusal."""
    world = tell(tmp_path, None, lambda world: world.jobs.run("open", reads=[], writes=[MODEL]))
    world.jobs.chain = world.jobs.sealer.open_epoch(None)
    world.jobs.run("late", reads=[artifact("dataset:lake/raw")], writes=[MODEL])
    world.pipeline.materialise()

    answer = judge(world)

    assert (answer.verdict, answer.complete) == ("incomplete", False)
    assert judge(world, policy="require_proven_ancestry = false").verdict == "approved"


def test_a_source_that_was_approved_covers_what_came_from_it(tmp_path: Path) -> None:
    """Not every version of a feed needs an approval of its own."""
    source = Subject(type="source", name="https://data.example.com/raw")
    world = tell(tmp_path, "input", lambda world: world.approve("carol", source, at=Gate.SOURCE))

    assert refusals(judge(world)) == []


def test_what_is_retired_is_not_trained_on(tmp_path: Path) -> None:
    """Models that were made from it before are not touched by that."""
    retired = Registration(subject=about(RAW), state=LifecycleState.RETIRED)
    world = tell(
        tmp_path,
        None,
        lambda world: world.jobs.emit(retired),
        lambda world: world.approve("bob", RAW, at=Gate.TRAINING),
    )

    assert refusals(judge(world, "train", "dataset:lake/raw@1")) == [("revoked", "it is retired")]
    assert refusals(judge(world)) == []


def test_what_a_compromised_key_decided_counts_for_nothing(tmp_path: Path) -> None:
    """Neither its approvals nor what its runs wrote."""
    world = tell(tmp_path)
    for name in ("bob", "jobs"):
        key = (world.people.get(name) or world.jobs).signer
        world.pipeline.change_key(key, compromised_since=START + SECOND)
    world.jobs.pipeline.log.append("jobs", world.people["carol"].seal())
    world.pipeline.materialise()

    found = refusals(judge(world))

    assert ("revoked", "it was sealed") not in found
    assert {rule for rule, _ in found} >= {"revoked", "people"}
    assert any("its key is suspended (KEY_COMPROMISED)" in reason for _, reason in found)


def test_an_open_critical_alert_refuses_and_unseen_commits_are_incomplete(
    good: World, tmp_path: Path
) -> None:
    """Nobody looked, somebody looked, somebody found something."""
    copy = tmp_path / "store.duckdb"
    copy.write_bytes(good.pipeline.store_path.read_bytes())
    with duckdb.connect(str(copy)) as connection:

        def ask() -> Any:
            return gate(connection, "promote", REF, clock=good.pipeline.clock)

        unseen = ask()
        Detector(load_policy(Settings(), None), clock=good.pipeline.clock).run(connection)
        seen = ask()
        _add_alert(connection, "alert-1", "dataset:lake/raw@1", "open")
        _add_alert(connection, "alert-2", "dataset:lake/other@1", "open")
        _add_alert(connection, "alert-3", "source:https://data.example.com/raw", "acknowledged")
        _add_alert(connection, "alert-4", "producer:jobs", "closed")
        found = ask()

    assert unseen.verdict == "incomplete"
    assert unseen.warnings == [f"{REF}: no detection ran on this store: run 'lineseal detect'"]
    assert seen.verdict == "approved"
    assert [row["reference"] for row in found.rows if row["outcome"] == "refused"] == [
        "alert:alert-1",
        "alert:alert-3",
    ]


def _add_alert(
    connection: duckdb.DuckDBPyConnection, identity: str, subject: str, status: str
) -> None:
    columns = connection.execute(
        "SELECT column_name, data_type FROM duckdb_columns()"
        " WHERE table_name = 'alert_change' AND NOT is_nullable"
    ).fetchall()
    known = {
        "alert_id": identity,
        "subject": subject,
        "status": status,
        "severity": "critical",
        "rule_id": "DP-001",
        "title": "Bytes of a version changed",
    }
    row: dict[str, Any] = {
        name: known.get(name)
        or ([] if kind.endswith("[]") else 1 if kind == "BIGINT" else "2026-01-01")
        for name, kind in columns
    }
    marks = ", ".join(f"${name}" for name in row)
    names = ", ".join(f'"{name}"' for name in row)
    connection.execute(f"INSERT INTO alert_change ({names}) VALUES ({marks})", row)  # noqa: S608


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_reasons_do_not_depend_on_the_order_of_arrival(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Late, twice or shuffled: the same facts give the same rows."""
    world = World(tmp_path_factory.mktemp("order"))
    told = tell(tmp_path_factory.mktemp("told"), "bob", *_TROUBLE)
    entries = told.pipeline.log.entries
    expected = judge(told)
    order_of_arrival = data.draw(st.permutations(range(len(entries))))
    world.pipeline.entries = told.pipeline.entries
    world.pipeline.clock = told.pipeline.clock
    world.pipeline.log.entries = [entries[place] for place in order_of_arrival] + entries[:3]
    world.pipeline.materialise(limit=5)

    actual = judge(world)

    assert actual.rows == expected.rows
    assert (actual.verdict, actual.warnings) == (expected.verdict, expected.warnings)


_TROUBLE: tuple[Part, ...] = (
    order("carol", about(RAW)),
    order("alice", about(RAW), ContainmentAction.RELEASE),
    order("bob", Subject(type="producer", name="jobs")),
    lambda world: world.jobs.emit(validation(outcome=Outcome.WARN)),
    lambda world: world.approve("bob", mode=DecisionMode.TIMEOUT),
    lambda world: world.approve("carol", decision=Decision.REJECT),
    lambda world: world.jobs.emit(
        Quarantine(artifact=RAW, action=QuarantineAction.PLACED, reason="flipped")
    ),
)
