"""Everyday operations: keys rotated, hosts late, batches twice, jobs that crash, imports."""

from __future__ import annotations

from lineseal.schemas.model import Origin, Registration, Subject
from lineseal.signing.sealer import ChainHead
from tests.scenarios.company import approved, cycle, day, holdout, ordinary, registered
from tests.scenarios.play import Stage, act, micros, step
from tests.scenarios.story import Steps, clean
from tests.simulator import Producer, artifact


@clean("keys")
def a_key_is_rotated() -> Steps:
    """Carol records the rotation of the sensor's key, alice approved it; the new one goes on."""

    def rotate(stage: Stage) -> None:
        old = stage.speaker("sensor").producer
        signer = stage.pipeline.new_key()
        stage.pipeline.enrol(signer, "sensor")
        old.finish()
        head = ChainHead(old.chain.epoch, old.chain.next_batch_seq - 1, old.chain.head_sha256)
        fresh = Producer(stage.pipeline, "sensor", signer)
        fresh.chain = fresh.sealer.open_epoch(head)
        fresh.register(artifact("dataset:lake/sensor@7"), owner="data-team")

    change = {"action": "rotated", "reason": "yearly rotation", "keyring_version": 9}
    return [
        *ordinary(),
        *_sensor(2),
        *approved(13, "key:" + "5e" * 32, gate="source", by="alice", requested_by="carol", hour=8),
        step(day(13, 9), "person:carol", "record_key_change", "5e" * 32, **change),
        act(day(13, 10), rotate),
    ]


@clean("delivery")
def a_host_delivers_two_days_late() -> Steps:
    """The sensor's host was offline: its batches lie in the log after everybody else's."""

    def late(stage: Stage) -> None:
        entries = stage.pipeline.log.entries
        mine = [entry for entry in entries if entry.key == "sensor"]
        rest = [entry for entry in entries if entry.key != "sensor"]
        stage.pipeline.log.entries = [*rest, *mine]

    return [*_sensor(3), *ordinary(), act(day(15), late)]


@clean("delivery")
def every_batch_is_delivered_twice() -> Steps:
    """After a network failure the relay sends everything again; the bytes are the same."""

    def double(stage: Stage) -> None:
        stage.pipeline.log.entries = [*stage.pipeline.log.entries, *stage.pipeline.log.entries]

    return [*ordinary(), act(day(8), double)]


@clean("chains")
def a_host_restarts_cleanly() -> Steps:
    """The sensor closes its chain and opens a new one that names the old one's head."""
    return [*ordinary(), *_sensor(2), act(day(13), _reopen), *_sensor(2, 14)]


@clean("chains")
def a_job_crashes_and_comes_back() -> Steps:
    """The sensor dies without closing its chain; its next start goes on from there."""
    crash = act(day(13), lambda stage: stage.speaker("sensor").producer.reopen(crashed=True))
    return [*ordinary(), *_sensor(2), crash, *_sensor(2, 14)]


@clean("heartbeats", policy={"expected_producers": ("sensor=86400",)}, now="15d")
def a_quiet_producer_sends_heartbeats() -> Steps:
    """The sensor has nothing to say for ten days but is heard every six hours."""
    beats = [
        act(day(4 + n / 4), lambda stage: stage.speaker("sensor").producer.send())
        for n in range(42)
    ]
    return [*ordinary(), *beats]


@clean("back-fill")
def history_is_imported() -> Steps:
    """Two years of registrations of an older system come in, declared as an import."""

    def history(stage: Stage) -> None:
        importer = stage.speaker("importer").producer
        for number in range(24):
            about = Subject(type="artifact", artifact=artifact(f"dataset:old/tx@{number + 1}"))
            importer.emit(
                Registration(subject=about, owner="data-team"),
                event_time=micros(day(-700 + 30 * number)),
                origin=Origin.IMPORT,
            )

    return [*ordinary(), act(day(8), history)]


@clean("load")
def two_cycles_on_one_day() -> Steps:
    """After a bug fix two whole cycles run half a day apart."""
    return [*holdout(), *cycle(1, 4), *cycle(2, 4.5)]


def _reopen(stage: Stage) -> None:
    stage.speaker("sensor").producer.reopen()


def _sensor(count: int, first: int = 11) -> Steps:
    """Let the sensor service register one harmless data set a day."""
    return [
        one
        for n in range(count)
        for one in registered(first + n, f"dataset:lake/sensor@{first + n}", who="sensor")
    ]
