"""Plays a scripted story through the whole pipeline, and says which rules it raised.

A story is a list of emitter calls with their times. Every step is signed with the key of whoever
speaks, goes through the log, is verified and materialised, and then the detections run:

>>> story = [
...     step("0h", "ingest", "register", "dataset:lake/tx@1", owner="data-team",
...          source={"uri": "https://data.example.com/tx", "revision": "main"}),
...     step("1h", "trainer", "run", "fraud/train", stage="train",
...          reads=["dataset:lake/tx@1"], writes=["model:registry/fraud@7"]),
...     step("2h", "person:alice", "approve", "model:registry/fraud@7", gate="promotion"),
... ]
>>> play(story, tmp_path).rules
{'DP-007'}

*Times* are ``90s``, ``10m``, ``3h``, ``2d`` after 2026-01-01, in any order: a step is emitted with
that time. *Who* is a producer (a service) or ``person:NAME``, who signs with a key of their own.
The *call* is a method of the public emitter with its arguments (``register``, ``validate``,
``evaluate``, ``quarantine``, ``approve``, ``promote``, ``override``, ``review_labels``,
``record_feedback``, ``record_access``, ``contain``, ``record_incident``, ``record_key_change``),
or ``run`` (below). ``dataset(...)``, ``model(...)`` of ``lineseal.producers`` and ``digest("a")``
give artifacts with digests. What no emitter would do (a forged batch, a stolen key, a lost batch)
is an ``act``: a function that gets the stage and may change its log or keyring.

``policy`` is what ``[policy]`` in lineseal.toml says; ``now`` is the moment rules about absence
are judged at, one hour after the last step unless it is given.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from lineseal.consumers.detect.detector import Detector
from lineseal.consumers.detect.policy import make_policy
from lineseal.producers.bodies import (
    AssuranceMethods,
    PeopleMethods,
    ResponseMethods,
    SupplyMethods,
)
from lineseal.producers.friendly import build, convert
from lineseal.queries.rules import shipped_rules
from lineseal.schemas.model import (
    Actor,
    ActorKind,
    AnyBody,
    ArtifactUse,
    Code,
    Environment,
    Event,
    Job,
    Metric,
    Pair,
    RunEvent,
    RunState,
)
from lineseal.schemas.reference import split_name
from lineseal.settings import PolicySettings
from tests.simulator import SECOND, START, Pipeline, Producer

_SPAN = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_PERSON = "person:"


@dataclass(frozen=True, slots=True)
class Step:
    """Hold one step of a story; made by ``step`` or ``act``."""

    at: str
    do: Callable[[Stage], object]


@dataclass(frozen=True, slots=True)
class Played:
    """Say what a story raised.

    Attributes:
        rules: Ids of the rules with an open alert.
        alerts: The open alerts, by column, in the order of rule and subject.
        rejects: Codes of what the materialiser refused.

    """

    rules: set[str]
    alerts: list[dict[str, Any]]
    rejects: list[str]


def step(at: str, who: str, call: str, *args: Any, **kwargs: Any) -> Step:
    """Say that *who* made the emitter call *call* at a time."""
    return Step(at, lambda stage: getattr(stage.speaker(who), call)(*args, **kwargs))


def act(at: str, do: Callable[[Stage], object]) -> Step:
    """Do something no emitter would, at a time: *do* gets the ``Stage``."""
    return Step(at, do)


def digest(label: str) -> str:
    """Return a digest that is the same for the same label."""
    return "sha256:" + hashlib.sha256(label.encode()).hexdigest()


def micros(at: str) -> int:
    """Turn ``3h`` into microseconds UTC."""
    match = _SPAN.fullmatch(at)
    if match is None:
        raise ValueError(f"{at!r} is no time such as 90s, 10m, 3h or 2d")
    return START + int(float(match[1]) * _UNITS[match[2]] * SECOND)


class Speaker(SupplyMethods, AssuranceMethods, PeopleMethods, ResponseMethods):
    """One producer or person of a story, with the methods of the public emitter and ``run``."""

    def __init__(self, producer: Producer) -> None:
        """Speak through *producer*."""
        self.producer = producer
        self._runs = 0

    @property
    def actor_id(self) -> str:
        """Return who acts."""
        return self.producer.name.removeprefix(_PERSON)

    def record(self, body: type[AnyBody], values: Mapping[str, Any]) -> str:
        """Build a body from friendly values, as the emitter does, and send it."""
        job, stage, run_id = self._around or (None, None, None)
        built = build(body, values)
        return self._send(built, job=job, stage=stage, run_id=run_id).event_id

    def run(
        self,
        job: str,
        *,
        stage: str | None = None,
        reads: Sequence[Any] = (),
        writes: Sequence[Any] = (),
        minutes: float = 10,
        state: str = "COMPLETE",
        trigger: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        metrics: Mapping[str, float] | None = None,
        code: Mapping[str, Any] | None = None,
        environment: Mapping[str, Any] | None = None,
        run_id: str | None = None,
        inside: Callable[[Speaker], object] | None = None,
    ) -> str:
        """Record a whole run, which starts at the step's time and takes *minutes*.

        ``code`` and ``environment`` are fields of those records (``commit``, ``dirty``,
        ``image_digest``, ...); without them nothing is said. ``inside`` is called between reads
        and writes: what it records belongs to the run. Returns the run's id.
        """
        self._runs += 1
        run_id = run_id or f"{self.producer.name}-run-{self._runs}"
        name = Job(**dict(zip(("namespace", "name"), split_name(job), strict=True)))
        clock = self.producer.pipeline.clock
        given = {"job": name, "stage": stage, "run_id": run_id}
        start = RunEvent(
            state=RunState.START,
            inputs=_uses(reads),
            trigger=trigger,
            parameters=convert(tuple[Pair, ...], parameters or {}, "parameters"),
            code=None if code is None else build(Code, code),
            environment=None if environment is None else build(Environment, environment),
        )
        self._send(start, **given)
        if inside is not None:
            self._around = (name, stage, run_id)
            inside(self)
            self._around = None
        clock.advance(minutes * 60)
        finish = RunEvent(
            state=RunState(state),
            outputs=_uses(writes),
            metrics=convert(tuple[Metric, ...], metrics or {}, "metrics"),
        )
        self._send(finish, **given)
        return run_id

    _around: tuple[Job, str | None, str] | None = None

    def _send(self, body: AnyBody, **changes: Any) -> Event:
        kind = ActorKind.HUMAN if self.producer.name.startswith(_PERSON) else ActorKind.SERVICE
        changes = {key: value for key, value in changes.items() if value is not None}
        return self.producer.emit(body, actor=Actor(kind=kind, id=self.actor_id), **changes)


def _uses(things: Sequence[Any]) -> tuple[ArtifactUse, ...]:
    converted: tuple[ArtifactUse, ...] = convert(tuple[ArtifactUse, ...], list(things), "artifacts")
    return converted


class Stage:
    """The pipeline of one story, and who speaks in it."""

    def __init__(self, folder: Path) -> None:
        """Put keys and store under *folder*."""
        self.pipeline = Pipeline(folder)
        self._speakers: dict[str, Speaker] = {}

    def speaker(self, who: str) -> Speaker:
        """Return a producer, or with ``person:NAME`` a person, made when they first speak."""
        if who not in self._speakers:
            person = who.startswith(_PERSON)
            make = self.pipeline.person if person else self.pipeline.producer
            self._speakers[who] = Speaker(make(who.removeprefix(_PERSON)))
        return self._speakers[who]


def play(
    story: Sequence[Step],
    folder: Path,
    *,
    policy: Mapping[str, Sequence[str]] | None = None,
    now: str | None = None,
) -> Played:
    """Play *story* in *folder*, materialise, detect, and return what stands open."""
    stage = Stage(folder)
    clock = stage.pipeline.clock
    last = START
    for item in sorted(story, key=lambda item: micros(item.at)):
        clock.now = micros(item.at)
        item.do(stage)
        last = max(last, clock.now)
    clock.now = last + 60 * SECOND
    stage.pipeline.materialise()
    return _detect(stage, policy or {}, micros(now) if now else last + 3600 * SECOND)


def _detect(stage: Stage, policy: Mapping[str, Sequence[str]], now: int) -> Played:
    settings = PolicySettings(**{name: tuple(values) for name, values in policy.items()})
    detector = Detector(make_policy(settings, shipped_rules()), clock=stage.pipeline.clock)
    tick = datetime(1970, 1, 1) + timedelta(microseconds=now)  # noqa: DTZ001 - naive UTC
    with stage.pipeline.open_store() as store:
        done = detector.run(store.connection, {"tick_time": tick})
        assert not done.failures, done.failures
        result = store.connection.execute(
            "SELECT * FROM alert WHERE status = 'open' ORDER BY rule_id, subject"
        )
        names = [column[0] for column in result.description or ()]
        alerts = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        codes = store.connection.execute("SELECT code FROM reject ORDER BY reject_id").fetchall()
    return Played({alert["rule_id"] for alert in alerts}, alerts, [code for (code,) in codes])
