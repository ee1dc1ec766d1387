"""A record that by itself kills three processes is skipped and kept, and stops nothing else.

What is promised: exactly that record; everything before and behind it is stored once; a death that
does not come back has no effect. Source: docs/kafka.md.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.integration.loads import RUNNING
from tests.simulator import MemoryReader, Pipeline

from lineseal.consumers import delivery, retry
from lineseal.consumers.follow import materialise_once
from lineseal.consumers.judge import judge_record
from lineseal.consumers.materialise import Materialiser
from lineseal.consumers.poison import FILE_NAME, MAX_DEATHS, PoisonGuard
from lineseal.consumers.retry import ACCEPTED
from lineseal.consumers.second_chance import CHANCES
from lineseal.schemas.errors import PoisonSkipped
from lineseal.transport.base import LogRecord

BATCHES = 12
POISON = b"\x4c\x31kill me"
DIED = 9


def child(pipeline: Pipeline, deadly: bytes = b"") -> int:
    """Materialise everything in a process that the record *deadly* kills; return how it ended."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def fatal(record: LogRecord, *arguments: object, **more: object) -> object:
        if record.value == deadly:
            os._exit(DIED)  # as a SIGSEGV in a decoder, or the kernel out of memory, would
        return judge_record(record, *arguments, **more)  # type: ignore[arg-type]

    for module in (delivery, retry):
        setattr(module, "judge_record", fatal)  # noqa: B010 - in this child alone
    try:
        with pipeline.open_store() as store:
            reader = MemoryReader(pipeline.log)
            arguments = (store, reader, pipeline.keyring, pipeline.deployment, pipeline.clock)
            materialiser = Materialiser(*arguments)
            materialise_once(materialiser)
    except BaseException:  # noqa: BLE001 - a forked test must not go on
        os._exit(1)
    os._exit(0)


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """Give a log with a poisonous record in the middle."""
    pipeline = Pipeline(tmp_path)
    producer = pipeline.producer("trainer")
    for number in range(BATCHES):
        if number == BATCHES // 2:
            pipeline.log.append("mallory", POISON)
        producer.send(producer.event(RUNNING, run_id=f"{number}"))
    return pipeline


def test_after_three_deaths_by_itself_the_record_is_skipped_and_kept(pipeline: Pipeline) -> None:
    """The rest is stored once, and the guard leaves nothing behind; two more chances are all."""
    ends = [child(pipeline, POISON) for _ in range(MAX_DEATHS + CHANCES + 2)]

    assert ends == [DIED] * (MAX_DEATHS + CHANCES) + [0, 0]
    rejects = pipeline.query("SELECT code, position, raw FROM reject")
    assert rejects == [(PoisonSkipped.code, BATCHES // 2, POISON)]
    assert pipeline.query("SELECT count(*), count(DISTINCT run_id) FROM event") == [
        (BATCHES, BATCHES)
    ]
    assert not (pipeline.store_path.parent / FILE_NAME).exists()


@pytest.mark.parametrize("deaths", range(CHANCES))
def test_a_good_record_that_was_blamed_comes_in_by_itself(pipeline: Pipeline, deaths: int) -> None:
    """Who killed the process so often was somebody else; nothing is lost, and nobody has to act."""
    blamed = pipeline.log.records()[-3].value
    ends = [child(pipeline, blamed) for _ in range(MAX_DEATHS + deaths)]
    ends.append(child(pipeline))
    ends.append(child(pipeline))

    assert ends == [DIED] * (MAX_DEATHS + deaths) + [0, 0]
    assert pipeline.query("SELECT count(*), count(DISTINCT run_id) FROM event") == [
        (BATCHES, BATCHES)
    ]
    outcomes = pipeline.query("SELECT code, outcome FROM reject ORDER BY code")
    assert outcomes == [("MALFORMED", None), (PoisonSkipped.code, ACCEPTED)]


def test_a_death_that_does_not_come_back_has_no_effect(pipeline: Pipeline) -> None:
    """The record is judged like any other."""
    ends = [child(pipeline, POISON) for _ in range(MAX_DEATHS - 1)]
    last = child(pipeline)

    assert (ends, last) == ([DIED] * (MAX_DEATHS - 1), 0)
    assert pipeline.query("SELECT code FROM reject") == [("MALFORMED",)]


def test_who_kills_the_process_at_random_blames_no_record(tmp_path: Path) -> None:
    """One death over a record alone is no verdict; those over its neighbours are not its own."""
    first, second = (
        LogRecord(stream="s", position=n, key="k", value=b"v", logged_at=None) for n in range(2)
    )
    store = tmp_path / "lineseal.duckdb"
    for _ in range(2):
        PoisonGuard(store).enter([first, second], {"s": 0})
    PoisonGuard(store).enter([first], {"s": 0})
    after_one = PoisonGuard(store)
    blamed_first = after_one.is_poison(first)
    after_one.enter([first], {"s": 0})
    after_one.leave()
    after_one.enter([second], {"s": 1})
    after_two = PoisonGuard(store)

    assert not blamed_first
    assert not after_two.is_poison(second)
    assert not after_two.is_poison(first)


def test_a_damaged_note_means_no_deaths(pipeline: Pipeline) -> None:
    """It only ever helps; it is never in the way."""
    pipeline.materialise(steps=0)
    (pipeline.store_path.parent / FILE_NAME).write_text("junk", "utf-8")

    assert pipeline.materialise().batches == BATCHES
