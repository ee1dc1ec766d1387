"""Invents the events of a busy, ordinary ML platform: all bodies, seeded, some 700 bytes each.

The bench next to it asks how fast a log becomes a store, so sizes and shapes matter here and
meaning does not: teams, artifacts that get a version a day, runs that read a few and write one,
decisions with a reason in prose, now and then a name outside ASCII.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from lineseal.schemas.model import (
    BODY_FIELDS,
    Access,
    AccessAction,
    AccessOutcome,
    Acquisition,
    AcquisitionMethod,
    Actor,
    ActorKind,
    Agreement,
    AnyBody,
    Approval,
    Artifact,
    ArtifactUse,
    Check,
    Code,
    Containment,
    Count,
    Decision,
    DecisionMode,
    Environment,
    Erasure,
    Evaluation,
    Event,
    Evidence,
    Feedback,
    Flip,
    Gate,
    Incident,
    Job,
    KeyChange,
    Kind,
    LabelMethod,
    LabelReview,
    Metric,
    Origin,
    Outcome,
    Override,
    Pair,
    Phase,
    Profile,
    Promotion,
    PromotionAction,
    Quarantine,
    QuarantineAction,
    Registration,
    RunEvent,
    RunState,
    Slice,
    Source,
    Subject,
    Submitter,
    Suite,
    SuiteKind,
    Supplier,
    Validation,
    Verdict,
    Workload,
    body_of,
)
from lineseal.schemas.model.response import ContainmentAction, IncidentState, KeyAction

START = 1_767_225_600_000_000
"""2026-01-01 00:00 UTC in microseconds."""
_DAY = 86_400_000_000
_RUN_SHARE = 0.4
_WORDS = (
    "label drift after the partner feed changed its schema reviewer saw nothing unusual but "
    "asked for a second look at region north before the next promotion window opens again"
)
_TOPICS = ("fraud", "churn", "credit", "vision", "ranking", "speech", "forecast", "zahlungen-für")
_STEPS = ("ingest", "clean", "label", "split", "features", "train", "evaluate", "export")


class History:
    """Gives the events of one producer, the same for the same seed."""

    def __init__(self, producer: str, seed: int, *, names: int = 40) -> None:
        """Invent for *producer* with *names* artifacts of its own."""
        self._random = random.Random(seed)  # noqa: S311 - invented data, no secret
        self._producer = producer
        self._names = [f"{self._word(_TOPICS)}/{producer}-{n:03}" for n in range(names)]
        self._at = START
        self._bodies: dict[str, Callable[[], AnyBody]] = {
            name: getattr(self, f"_{name}") for name in BODY_FIELDS if name != "run"
        }

    def events(self, count: int) -> Iterator[Event]:
        """Yield *count* events; a run is two, its start and its end."""
        left = count
        while left > 0:
            if self._random.random() < _RUN_SHARE:
                pair = self._run()[:left]
                yield from pair
                left -= len(pair)
            else:
                name = self._random.choice(list(self._bodies))
                yield self._event(self._bodies[name]())
                left -= 1

    def _event(self, body: AnyBody, **changes: object) -> Event:
        self._at += self._random.randrange(1, 4_000_000)
        fields: dict[str, object] = {
            "event_id": self._uuid7(),
            "event_time": self._at,
            "producer": self._producer,
            "actor": Actor(kind=ActorKind.SERVICE, id=self._producer),
            "origin": Origin.EMITTER,
            "job": Job(namespace="platform", name=f"{self._producer}/{self._word(_STEPS)}"),
            "stage": self._word(_STEPS),
            "run_id": self._hex(32),
            "trace_id": self._hex(32),
            "span_id": self._hex(16),
            "workload": Workload(
                host=f"node-{self._random.randrange(64):02}.cluster.internal",
                identity="spiffe://prod/ns/ml/sa/trainer",
            ),
            "body": body_of(body),
        }
        return Event(**{**fields, **changes})  # type: ignore[arg-type]

    def _run(self) -> list[Event]:
        run_id = self._hex(32)
        inputs = tuple(self._use() for _ in range(self._random.randrange(1, 4)))
        code = Code(repository="git@git.internal:ml/pipelines", commit=self._hex(40), dirty=False)
        environment = Environment(
            image_digest=self._digest(), lockfile_digest=self._digest(), python="3.11.7"
        )
        start = RunEvent(
            state=RunState.START,
            inputs=inputs,
            parameters=tuple(Pair(key=f"p{n}", value=self._hex(8)) for n in range(6)),
            code=code,
            environment=environment,
        )
        end = RunEvent(
            state=RunState.COMPLETE,
            outputs=(self._use(),),
            metrics=self._metrics(8),
            code=code,
            environment=environment,
            message=self._prose(10),
        )
        return [self._event(body, run_id=run_id) for body in (start, end)]

    def _registration(self) -> AnyBody:
        return Registration(
            subject=self._subject(),
            owner="team-data",
            trust_zone="partner",
            source=Source(
                uri=f"s3://lake/{self._hex(24)}",
                publisher="partner",
                maintainers=("ana", "bo"),
                confidence=0.5,
            ),
            supplier=Supplier(name="acme", sub_processors=("sub-one", "sub-two")),
            acquisition=Acquisition(method=AcquisitionMethod.PARTNER, target_digest=self._digest()),
            manifest_root=self._digest(),
            profile=Profile(
                rows=self._random.randrange(1 << 20),
                label_counts=self._counts(4),
                metrics=self._metrics(4),
            ),
            attributes=tuple(Pair(key=f"a{n}", value=self._hex(12)) for n in range(4)),
        )

    def _validation(self) -> AnyBody:
        return Validation(
            artifact=self._artifact(),
            check=Check(tool="cleanlab", name="label issues", config_digest=self._digest()),
            outcome=self._random.choice(list(Outcome)),
            rows_checked=self._random.randrange(1 << 24),
            rows_rejected=self._random.randrange(1 << 8),
            metrics=self._metrics(8),
            suspects=self._evidence(),
        )

    def _evaluation(self) -> AnyBody:
        slices = tuple(
            Slice(name=f"region-{n}", n=self._random.randrange(9999), metrics=self._metrics(2))
            for n in range(4)
        )
        return Evaluation(
            model=self._artifact(Kind.MODEL),
            suite=Suite(name="canary", kind=SuiteKind.CANARY, digest=self._digest()),
            phase=Phase.RELEASE,
            outcome=Outcome.PASS,
            baseline=self._artifact(Kind.MODEL),
            metrics=self._metrics(4),
            slices=slices,
        )

    def _quarantine(self) -> AnyBody:
        return Quarantine(
            artifact=self._artifact(),
            action=QuarantineAction.PLACED,
            reason=self._prose(30),
            location="s3://quarantine/incoming",
            owner="team-data",
            evidence=(self._evidence(), self._evidence()),
        )

    def _approval(self) -> AnyBody:
        return Approval(
            subject=self._subject(),
            gate=Gate.PROMOTION,
            decision=Decision.APPROVE,
            approver="alice",
            mode=DecisionMode.EXPLICIT,
            requested_by="bob",
            reason=self._prose(30),
            evidence=(self._evidence(),),
            expires_at=self._at + 30 * _DAY,
        )

    def _promotion(self) -> AnyBody:
        return Promotion(
            artifact=self._artifact(Kind.MODEL),
            action=PromotionAction.PROMOTE,
            from_environment="staging",
            to_environment="production",
            downstream=("scoring", "reporting", "batch-export"),
            reason=self._prose(40),
        )

    def _override(self) -> AnyBody:
        return Override(
            target=self._subject(),
            before=self._prose(8),
            after=self._prose(8),
            made_by="alice",
            reason=self._prose(30),
            approved_by="carol",
            items_affected=self._random.randrange(999),
        )

    def _label_review(self) -> AnyBody:
        return LabelReview(
            label_set=self._artifact(Kind.LABEL_SET),
            method=LabelMethod.HUMAN,
            annotator=f"annotator-{self._random.randrange(40)}",
            vendor="labels-r-us",
            items=500,
            flips=tuple(
                Flip(from_label=f"class-{n}", to_label=f"class-{n + 1}", count=n) for n in range(8)
            ),
            agreement=Agreement(metric="kappa", value=self._random.random(), n=500),
            latency_seconds=self._random.random(),
            items_reference=self._evidence(),
        )

    def _feedback(self) -> AnyBody:
        return Feedback(
            channel="thumbs",
            artifact=self._artifact(),
            submissions=self._random.randrange(9999),
            submitters=self._random.randrange(999),
            top_submitters=tuple(
                Submitter(pseudonym=self._hex(16), share=self._random.random()) for _ in range(6)
            ),
            regions=self._counts(6),
            label_counts=self._counts(4),
        )

    def _access(self) -> AnyBody:
        return Access(
            principal=f"user-{self._random.randrange(200)}",
            action=AccessAction.READ,
            resource=self._subject(),
            outcome=AccessOutcome.ALLOWED,
            reason=self._prose(40),
        )

    def _containment(self) -> AnyBody:
        return Containment(
            subject=self._subject(),
            action=ContainmentAction.FREEZE,
            reason=self._prose(35),
            ordered_by="alice",
            notified=("soc", "owner"),
            ticket=f"INC-{self._random.randrange(9999)}",
        )

    def _incident(self) -> AnyBody:
        return Incident(
            incident_id=f"INC-{self._random.randrange(9999)}",
            state=IncidentState.OPENED,
            subjects=(self._subject(), self._subject()),
            cause=self._prose(20),
            actions=(self._prose(8), self._prose(8)),
        )

    def _verdict(self) -> AnyBody:
        return Verdict(
            gate=Gate.DATASET,
            subject=self._subject(),
            decision=Decision.REJECT,
            policy_digest=self._digest(),
            reasons=(self._prose(12), self._prose(12)),
        )

    def _key_change(self) -> AnyBody:
        return KeyChange(
            key_id=self._hex(64),
            action=KeyAction.ROTATED,
            changed_by="alice",
            reason=self._prose(45),
            keyring_version=self._random.randrange(99),
        )

    def _erasure(self) -> AnyBody:
        return Erasure(
            erased_event_id=self._uuid7(),
            leaf_sha256=self._hex(64),
            erased_by="dpo",
            reason=self._prose(45),
        )

    def _artifact(self, kind: Kind = Kind.DATASET) -> Artifact:
        day = (self._at - START) // _DAY
        return Artifact(
            kind=kind,
            namespace="lake",
            name=self._word(self._names),
            version=f"{day}.{self._random.randrange(24)}",
            digest=self._digest() if kind == Kind.MODEL else None,
        )

    def _use(self) -> ArtifactUse:
        return ArtifactUse(
            artifact=self._artifact(),
            rows=self._random.randrange(1 << 24),
            size_bytes=self._random.randrange(1 << 32),
            role="training",
            location="s3://lake/tables",
        )

    def _subject(self) -> Subject:
        return Subject(type="artifact", artifact=self._artifact())

    def _evidence(self) -> Evidence:
        return Evidence(name=f"report {self._hex(8)}", digest=self._digest())

    def _metrics(self, count: int) -> tuple[Metric, ...]:
        return tuple(Metric(name=f"metric-{n}", value=self._random.random()) for n in range(count))

    def _counts(self, count: int) -> tuple[Count, ...]:
        return tuple(
            Count(name=f"class-{n}", count=self._random.randrange(9999)) for n in range(count)
        )

    def _prose(self, words: int) -> str:
        return " ".join(self._random.choices(_WORDS.split(), k=words))

    def _digest(self) -> str:
        return "sha256:" + self._hex(64)

    def _uuid7(self) -> str:
        """Make an id as ``new_uuid7`` does, but from the seed."""
        time, noise = f"{self._at // 1000:012x}", self._hex(15)
        return f"{time[:8]}-{time[8:]}-7{noise[:3]}-8{noise[3:6]}-{noise[6:]}{self._hex(3)}"

    def _hex(self, digits: int) -> str:
        return f"{self._random.getrandbits(4 * digits):0{digits}x}"

    def _word(self, words: tuple[str, ...] | list[str]) -> str:
        return self._random.choice(words)
