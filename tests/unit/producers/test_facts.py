"""Every fact of the contract can be recorded in one call, and says who said it.

What is promised: there is a method for every body; a path is hashed wherever an artifact is named;
a person's decision counts as verified only under that person's own key. Source: DESIGN 4.1.

Evidence: the public API against a home made by the real commands, read back through the log, the
verifier and the strict codec.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lineseal.producers import Emitter, artifact, dataset
from lineseal.schemas.ids import now_us
from lineseal.schemas.model import RunEvent, RunState
from lineseal.settings import Home, load_settings
from lineseal.signing.verify import check_event_scope, verify_batch

from .world import BODY, PRODUCER, keyring_of, records_of, said_in, told_by

FACTS: dict[str, Callable[[Emitter], str | None]] = {
    "registration": lambda e: e.register("dataset:lake/tx@3", owner="o", source="https://h/x"),
    "validation": lambda e: e.validate("dataset:lake/tx@3", tool="t", name="n", rows_checked=5),
    "evaluation": lambda e: e.evaluate("model:r/m@1", suite="s", slices={"a": {"n": 1, "f": 0.5}}),
    "quarantine": lambda e: e.quarantine("dataset:lake/tx@3", reason="flipped", evidence="r.html"),
    "approval": lambda e: e.approve("model:r/m@1", gate="promotion"),
    "promotion": lambda e: e.promote("model:r/m@1", to_environment="prod", downstream=["app"]),
    "override": lambda e: e.override("dataset:lake/tx@3", before="no", after="yes", reason="r"),
    "label_review": lambda e: e.review_labels("label_set:l/x", items=5, flips=["a=b=2"]),
    "feedback": lambda e: e.record_feedback("app", "dataset:l/f", submissions=5, regions={"eu": 2}),
    "access": lambda e: e.record_access("svc", "read", "dataset:lake/tx@3"),
    "containment": lambda e: e.contain("source:feed", reason="poisoned", notified="soc"),
    "incident": lambda e: e.record_incident("INC-1", subjects=["source:feed", "dataset:l/x"]),
    "verdict": lambda e: e.record_verdict("model:r/m@1", gate="promotion", decision="reject"),
    "key_change": lambda e: e.record_key_change("k" * 64, action="rotated", reason="yearly"),
    "erasure": lambda e: e.record_erasure("id", leaf_sha256="a" * 64, reason="request"),
}


@pytest.mark.parametrize("name", FACTS)
def test_every_body_has_a_method(emitter: Emitter, home: Home, name: str) -> None:
    """It returns the id of an event with that body, and the actor stands where a person should."""
    event_id = FACTS[name](emitter)

    (said,) = told_by(emitter, home)

    assert (said.body_name, said.event_id) == (name, event_id)
    for field in ("approver", "made_by", "ordered_by", "changed_by", "erased_by"):
        assert said.body.get(field, PRODUCER) == PRODUCER


def test_a_path_is_hashed_wherever_an_artifact_is_named(
    emitter: Emitter, home: Home, tmp_path: Path
) -> None:
    """Not only by a run."""
    (tmp_path / "tx.csv").write_text("1\n")
    emitter.register(artifact("dataset:lake/tx@3", path="tx.csv"))
    emitter.record_incident("INC-1", subjects=[dataset("lake", "tx", path="tx.csv")])

    first, second = told_by(emitter, home)

    digest = first.body["subject"]["artifact"]["digest"]
    assert digest.startswith("sha256:4355a46b19d3")
    assert second.body["subjects"][0]["artifact"]["digest"] == digest


def test_a_persons_decision_is_verified_under_their_own_key(home: Home) -> None:
    """The same decision from a service's emitter is only asserted."""
    with Emitter.from_env(person="alice") as alice:
        alice.approve("model:r/m@1", gate="promotion")
    with Emitter.from_env() as service:
        service.approve("model:r/m@1", gate="promotion", approver="alice")
    deployment = load_settings(home, {}).deployment.name
    verified: dict[str, bool] = {}

    for record in records_of(home):
        batch = verify_batch(
            record.value,
            keyring_of(home),
            deployment=deployment,
            at=now_us(),
            log_key=record.key,
        )
        for said in said_in(home):
            if said.producer == batch.header.producer:
                person = check_event_scope(batch, said.body_name, said.record)
                verified[said.producer] = person and said.record["actor"]["kind"] == "human"

    assert verified == {"person:alice": True, PRODUCER: False}


def test_many_facts_take_one_commit_and_wrong_ones_are_left_out(
    emitter: Emitter, home: Home
) -> None:
    """The ids are those of the accepted ones, in order."""
    wrong = RunEvent(state=RunState.START)

    ids = emitter.emit_many([BODY, wrong, BODY])

    assert len(ids) == 2
    assert emitter.stats.accepted == 2
    assert emitter.stats.dropped == 1
    assert [one.event_id for one in told_by(emitter, home)] == ids
