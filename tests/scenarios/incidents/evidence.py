"""Attacks on the record itself: stolen keys, forged, dropped, forked and replayed batches."""

from __future__ import annotations

import dataclasses

from lineseal.schemas.model import Registration, Subject
from tests.scenarios.company import day, ordinary, registered
from tests.scenarios.play import Stage, act, micros, step
from tests.scenarios.story import Steps, incident
from tests.simulator import Producer, artifact


@incident("stolen key", {"DP-002": "no keyring knows the key"})
def an_unknown_key_speaks_as_the_trainer() -> Steps:
    """Somebody seals a batch in the trainer's name with a key of their own."""
    return [*ordinary(), act(day(11), _forge)]


@incident("stolen key", {"DP-002": "the key was revoked before it was used"})
def a_revoked_key_is_used() -> Steps:
    """The retired scorer's key is revoked; days later a registration is sealed with it."""

    def use_revoked(stage: Stage) -> None:
        scorer = stage.pipeline.producer("old-scorer")
        stage.pipeline.change_key(scorer.signer, revoked_at=micros(day(8)))
        scorer.register(artifact("dataset:lake/side-door@1"), owner="data-team")

    return [*ordinary(), act(day(11), use_revoked)]


@incident("stolen key", {"DP-002": "the key is not entitled to this sort of event"})
def a_key_says_what_it_may_not() -> Steps:
    """A key that may only record runs registers a data set."""

    def overstep(stage: Stage) -> None:
        scorer = stage.pipeline.producer("scorer", event_kinds=frozenset({"run"}))
        scorer.register(artifact("dataset:lake/side-door@1"), owner="data-team")

    return [*ordinary(), act(day(11), overstep)]


@incident("stolen key", {"DP-002": "the signature does not fit the bytes"})
def a_batch_is_changed_in_the_log() -> Steps:
    """One byte of a sealed batch of the sensor service is changed where it lies."""

    def flip(stage: Stage) -> None:
        entry = stage.pipeline.log.entries[-1]
        value = bytearray(entry.value)
        value[-1] ^= 1
        stage.pipeline.log.entries[-1] = dataclasses.replace(entry, value=bytes(value))

    return [*ordinary(), *_sensor(1), act(day(12), flip)]


@incident("deleted record", {"DP-003": "a batch is missing from the chain"}, now="30d")
def a_batch_vanishes_from_the_log() -> Steps:
    """The third of five batches of the sensor service is taken out of the log."""

    def drop(stage: Stage) -> None:
        mine = [entry for entry in stage.pipeline.log.entries if entry.key == "sensor"]
        stage.pipeline.log.entries.remove(mine[2])

    return [*ordinary(), *_sensor(5), act(day(20), drop)]


@incident("stolen key", {"DP-003": "two different batches at the same place in the chain"})
def a_chain_is_forked() -> Steps:
    """Whoever copied the sensor's key and outbox seals another batch where one stands."""

    def fork(stage: Stage) -> None:
        sensor = stage.speaker("sensor").producer
        before = sensor.chain
        sensor.register(artifact("dataset:lake/sensor@8"), owner="data-team")
        sensor.chain = before
        sensor.register(artifact("dataset:lake/sensor@9"), owner="data-team")

    return [*ordinary(), *_sensor(2), act(day(20), fork)]


@incident("replay", {"DP-004": "the same event id comes again with other content"})
def an_event_id_is_used_twice() -> Steps:
    """The sensor service sends an event anew, under its old id but about another data set."""

    def again(stage: Stage) -> None:
        sensor = stage.speaker("sensor").producer
        about = Subject(type="artifact", artifact=artifact("dataset:lake/sensor@8"))
        first = sensor.event(Registration(subject=about, owner="data-team"))
        other = Registration(subject=about, owner="mallory")
        sensor.send(first)
        sensor.send(dataclasses.replace(first, body=sensor.event(other).body))

    return [*ordinary(), *_sensor(2), act(day(20), again)]


@incident("replay", {"DP-004": "an event of two months before, first seen now, and no back-fill"})
def a_stale_event_turns_up() -> Steps:
    """The sensor service seals an event it dates sixty days back."""

    def stale(stage: Stage) -> None:
        sensor = stage.speaker("sensor").producer
        about = Subject(type="artifact", artifact=artifact("dataset:lake/sensor@8"))
        sensor.emit(Registration(subject=about, owner="data-team"), event_time=micros(day(20)))

    return [*ordinary(), *_sensor(2), act(day(80), stale)]


@incident(
    "stolen key",
    {
        "DP-002": "every one of them is a forgery",
        "DP-036": "a burst of rejects, and a principal first seen an hour before",
    },
)
def a_newcomer_probes_with_forgeries() -> Steps:
    """A principal never seen before reads a data set; within the hour sixty forgeries arrive."""
    read = step(
        day(11, 8.5), "cloud-audit", "record_access", "svc-new", "read", "dataset:lake/tx@1"
    )
    return [*ordinary(), read, *[act(day(11, 9 + n / 120), _forge) for n in range(60)]]


@incident(
    "silenced producer",
    {"DP-025": "the checker is expected daily and was silent for eight days of running jobs"},
    policy={"expected_producers": ("checker=86400",)},
    now="19d",
)
def the_checker_falls_silent() -> Steps:
    """The checker is heard last on day 10; the other services go on until day 18."""
    heard = [act(day(n), lambda stage: _beat(stage, "checker")) for n in range(5, 11)]
    others = [act(day(n), lambda stage: _beat(stage, "trainer")) for n in range(5, 19)]
    return [*ordinary(), *heard, *others]


def _beat(stage: Stage, who: str) -> None:
    stage.speaker(who).producer.send()


def _forge(stage: Stage) -> None:
    Producer(stage.pipeline, "trainer", stage.pipeline.new_key()).send()


def _sensor(count: int) -> Steps:
    """Let the sensor service register one harmless data set a day, from day 11 on."""
    return [
        one
        for n in range(count)
        for one in registered(11 + n, f"dataset:lake/sensor@{n + 1}", who="sensor")
    ]
