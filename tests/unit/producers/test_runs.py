"""A run tells what a job did, from its start to however it ended.

What is promised: START carries what is known then; reads and writes are told as they happen; the
end says how it ended, and the job's exception goes on; runs inside runs name their parent; a run
of any size is told. Source: DESIGN 4.1, 5.

Evidence: the public API against a home made by the real commands; every event is read back
through the log, the verifier and the strict codec.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineseal.producers import Emitter, Run, current_run, dataset, model
from lineseal.settings import Home

from .world import BODY, PRODUCER, states, told_by


def test_a_run_tells_its_story(emitter: Emitter, home: Home, tmp_path: Path) -> None:
    """START with parameters, reads and writes as they happen, COMPLETE with metrics."""
    (tmp_path / "tx.csv").write_text("1\n")
    with emitter.run("fraud/train", stage="train", parameters={"lr": 0.1}, trigger="cron") as run:
        run.reads(dataset("lake", "tx", version=3, path="tx.csv", rows=1, role="training"))
        run.parameter("epochs", 5)
        run.metric("auc", 0.5)
        run.metric("auc", 0.93)
        run.writes(model("registry", "fraud", version="7"))

    said = told_by(emitter, home)

    assert states(said) == ["START", "RUNNING", "RUNNING", "COMPLETE"]
    start, read, written, complete = (one.body for one in said)
    assert start["parameters"] == [{"key": "lr", "value": "0.1"}]
    assert start["trigger"] == "cron"
    assert start["environment"]["python"] == sys.version.split()[0]
    (tx,) = read["inputs"]
    assert tx["artifact"]["version"] == "3"
    assert tx["artifact"]["digest"].startswith("sha256:4355a46b19d3")
    assert (tx["rows"], tx["size_bytes"], tx["role"], tx["location"]) == (
        1,
        2,
        "training",
        "tx.csv",
    )
    assert written["outputs"][0]["artifact"]["name"] == "fraud"
    assert complete["metrics"] == [{"name": "auc", "value": 0.93}]
    assert complete["parameters"] == [{"key": "epochs", "value": "5"}]
    records = [one.record for one in said]
    assert {record["run_id"] for record in records} == {run.run_id}
    assert records[0]["job"] == {"namespace": "fraud", "name": "train"}
    assert records[0]["stage"] == "train"
    assert records[0]["actor"] == {"kind": "service", "id": PRODUCER}


@pytest.mark.parametrize(
    ("error", "state", "message"),
    [
        (ValueError("token=abc is wrong"), "FAIL", "ValueError: token=[redacted] is wrong"),
        (KeyboardInterrupt(), "ABORT", "KeyboardInterrupt"),
        (SystemExit(3), "FAIL", "SystemExit: 3"),
        (SystemExit(0), "COMPLETE", None),
    ],
    ids=["error", "interrupt", "exit 3", "exit 0"],
)
def test_a_run_tells_how_it_ended_and_lets_the_exception_go_on(
    emitter: Emitter, home: Home, error: BaseException, state: str, message: str | None
) -> None:
    """The job's exception is the job's; its text is redacted before it is signed."""
    with pytest.raises(type(error)) as caught, emitter.run("fraud/train"):
        raise error

    end = told_by(emitter, home)[-1].body

    assert caught.value is error
    assert (end["state"], end["message"]) == (state, message)


def test_a_job_can_say_that_it_failed(emitter: Emitter, home: Home) -> None:
    """When it has dealt with the exception itself."""
    with emitter.run("a") as run:
        run.fail("no convergence")
    with emitter.run("b") as run:
        run.abort()

    said = told_by(emitter, home)

    assert states(said) == ["START", "FAIL", "START", "ABORT"]
    assert said[1].body["message"] == "no convergence"
    assert said[0].record["job"] == {"namespace": "default", "name": "a"}


def test_a_run_inside_a_run_names_its_parent(emitter: Emitter, home: Home) -> None:
    """In the same thread, and across processes through the environment."""
    with emitter.run("fraud/pipeline") as outer, emitter.run("fraud/train") as inner:
        assert current_run() is inner
    assert current_run() is None

    said = told_by(emitter, home)

    assert said[0].body["parent"] is None
    assert said[1].body["parent"] == {
        "run_id": outer.run_id,
        "job_namespace": "fraud",
        "job_name": "pipeline",
    }


def test_the_parent_comes_from_the_environment(
    emitter: Emitter, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ``lineseal run`` leaves it; an unusable one is ignored."""
    monkeypatch.setenv("LINESEAL_PARENT_RUN_ID", "0190f0a0-0000-7000-8000-000000000001")
    monkeypatch.setenv("LINESEAL_PARENT_JOB_NAME", "nightly")
    with emitter.run("one"):
        pass
    monkeypatch.setenv("LINESEAL_PARENT_RUN_ID", "a\nb")
    with emitter.run("two"):
        pass

    parents = [one.body["parent"] for one in told_by(emitter, home) if one.body["state"] == "START"]

    assert parents[0]["run_id"] == "0190f0a0-0000-7000-8000-000000000001"
    assert (parents[0]["job_name"], parents[0]["job_namespace"]) == ("nightly", None)
    assert parents[1] is None


def test_events_inside_a_run_belong_to_it(emitter: Emitter, home: Home) -> None:
    """Unless they say otherwise, or another emitter says them."""
    with Emitter.from_env(person="alice") as person, emitter.run("fraud/train", stage="s") as run:
        emitter.emit(BODY)
        emitter.emit(BODY, job="other/job")
        person.approve("model:registry/fraud@7", gate="promotion")

    said = [one.record for one in told_by(emitter, home) if one.body_name != "run"]
    by_producer = {record["producer"]: record for record in said}
    own = [record for record in said if record["producer"] == PRODUCER]

    assert [record["run_id"] for record in own] == [run.run_id, None]
    assert own[0]["stage"] == "s"
    assert own[1]["job"] == {"namespace": "other", "name": "job"}
    assert by_producer["person:alice"]["run_id"] is None


def test_each_call_of_a_step_is_a_run(emitter: Emitter, home: Home) -> None:
    """Functions, coroutines and generators, for as long as they work."""
    seen: list[Run | None] = []

    @emitter.step("fraud/clean", stage="clean", parameters={"lr": 1})
    def clean(rows: int, *, double: bool = False) -> int:
        """Clean rows."""
        seen.append(current_run())
        return rows * 2 if double else rows

    @emitter.step("fraud/fetch")
    async def fetch() -> str:
        await asyncio.sleep(0)
        seen.append(current_run())
        return "fetched"

    @emitter.step("fraud/stream")
    def stream() -> Iterator[int]:
        seen.append(current_run())
        yield 1
        seen.append(current_run())

    assert clean(3, double=True) == 6
    assert asyncio.run(fetch()) == "fetched"
    assert list(stream()) == [1]
    assert clean.__doc__ == "Clean rows."

    said = told_by(emitter, home)
    jobs = [run.job.name for run in seen if run is not None]

    assert jobs == ["clean", "fetch", "stream", "stream"]
    assert states(said) == ["START", "COMPLETE"] * 3


def test_a_run_with_thousands_of_inputs_is_told_in_parts(emitter: Emitter, home: Home) -> None:
    """Every input is there, in order, in events that fit."""
    with emitter.run("big") as run:
        run.reads(*(dataset("lake", f"part-{number}") for number in range(2000)))

    running = [one.body for one in told_by(emitter, home) if one.body["state"] == "RUNNING"]

    names = [use["artifact"]["name"] for body in running for use in body["inputs"]]
    assert names == [f"part-{number}" for number in range(2000)]
    assert [body["part"] for body in running] == list(range(len(running)))
    assert len(running) > 1
