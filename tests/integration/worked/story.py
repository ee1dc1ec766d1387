"""The 45 events of the worked case, in the order in which they were sealed.

Times are days of January 2026 and hours UTC: ``t(5, 9)`` is the 5th, 09:00. Every event has a
number, by which the tests derive what they expect. Five services (lake, aux, night, train,
serving) and three people (alice, bob, carol) seal; dave is only ever named.

    prep-1 (lake):   tx@1 (1000 rows) + feed@1 (500)     -> mix@1 (1500)
    train-1:         mix@1 (1500) + labels@1 (500)       -> fraud@1
    prep-2 (night):  tx@2 (1000) + feed@2 (500)          -> mix@2 (1500)    feed@2 is poisoned
    train-2:         mix@2 (1500) + labels@1 (500)       -> fraud@2
    train-churn:     mix@2 (1500) + tx@1 (500)           -> churn@1
    train-3 (bob):   mix@2 (1500) + clicks@1 (300)       -> fraud@3
    train-4:         tx@2 (1000)                         -> fraud@4
    aux-build (aux): aux@1 -> auxf@1;   train-risk: auxf@1 -> risk@1
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.simulator import SECOND, START, Entry, Pipeline, Producer, artifact, human

from lineseal.schemas.model import (
    Access,
    AccessAction,
    AccessOutcome,
    Acquisition,
    AcquisitionMethod,
    Approval,
    Artifact,
    ArtifactUse,
    Check,
    Code,
    Decision,
    DecisionMode,
    Evaluation,
    Feedback,
    Flip,
    Gate,
    Job,
    LabelMethod,
    LabelReview,
    Metric,
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
    Source,
    Subject,
    Submitter,
    Suite,
    SuiteKind,
    Supplier,
    Validation,
)

HOUR = 3_600 * SECOND
INTERNAL, PARTNER, USER = (
    Acquisition(method=AcquisitionMethod(name)) for name in ("internal", "partner", "user")
)
ACME: Mapping[str, Any] = {
    "supplier": Supplier(name="Acme"),
    "source": Source(uri="https://data.acme.example/feed"),
    "acquisition": PARTNER,
    "owner": "partner-desk",
}


def t(day: int, hour: float = 0) -> int:
    """Return a moment of January 2026 in microseconds."""
    return START + int(((day - 1) * 24 + hour) * HOUR)


def a(reference: str) -> Artifact:
    """Name an artifact; models have a digest, made of their name."""
    named = artifact(reference)
    if named.kind != "model":
        return named
    digest = f"sha256:{hashlib.sha256(reference.encode()).hexdigest()}"
    return Artifact(
        kind=named.kind,
        namespace=named.namespace,
        name=named.name,
        version=named.version,
        digest=digest,
    )


def rows(reference: str, count: int) -> ArtifactUse:
    """Use some rows of an artifact."""
    return ArtifactUse(artifact=a(reference), rows=count)


def about(reference: str) -> Subject:
    """Point at an artifact."""
    return Subject(type="artifact", artifact=a(reference))


class Story:
    """Seals the events and keeps each batch under the number of its first event."""

    def __init__(self, folder: Path) -> None:
        """Let everybody have a key, and tell everything."""
        self.pipeline = Pipeline(folder)
        self.mail: dict[str, tuple[int, Entry]] = {}
        names = ("lake", "aux", "night", "train", "serving")
        people = ("alice", "bob", "carol")
        self.who: dict[str, Producer] = {name: self.pipeline.producer(name) for name in names}
        self.who |= {name: self.pipeline.person(name) for name in people}
        self._first_days()
        self._poisoned_days()
        self._end_of_first_half()
        self._second_half()
        self._post("final", t(13, 23), *(self.who[name].finish for name in _SPEAK_AGAIN))

    def say(self, number: str, at: int, who: str, body: Any, *, sealed: int | None = None) -> None:
        """Seal one statement, at the time it claims unless *sealed* later."""
        changes = {"actor": human(who)} if who in ("alice", "bob", "carol") else {}
        self._post(
            number,
            at if sealed is None else sealed,
            lambda: self.who[who].emit(body, event_time=at, **changes),
        )

    def run(
        self,
        number: str,
        at: int,
        who: str,
        run_id: str,
        stage: str,
        reads: Sequence[ArtifactUse],
        writes: ArtifactUse,
        commit: str = "c1",
    ) -> None:
        """Seal a run of one hour: its start with what it reads, its end with what it writes."""
        producer = self.who[who]
        shared: dict[str, Any] = {
            "run_id": run_id,
            "stage": stage,
            "job": Job(namespace="fraud", name=stage),
        }
        if who == "bob":
            shared["actor"] = human("bob")
        start = RunEvent(
            state=RunState.START,
            inputs=tuple(reads),
            code=Code(commit=commit),
            parameters=(Pair(key="seed", value=commit[1:]),),
        )
        end = RunEvent(state=RunState.COMPLETE, outputs=(writes,))
        self._post(
            number,
            at + HOUR,
            lambda: producer.send(
                producer.event(start, event_time=at, **shared),
                producer.event(end, event_time=at + HOUR, **shared),
            ),
        )

    def _post(self, number: str, at: int, *send: Any) -> None:
        """Take what is sent out of the log: the tests deliver it in their own order."""
        self.pipeline.clock.now = at
        for place, each in enumerate(send):
            each()
            for entry in self.pipeline.log.entries:
                self.mail[f"{number}.{place}" if place else number] = (at, entry)
            self.pipeline.log.entries.clear()

    def _register(self, number: str, at: int, who: str, reference: str, **fields: Any) -> None:
        self.say(number, at, who, Registration(subject=about(reference), **fields))

    def _first_days(self) -> None:
        own = {"owner": "data-team", "acquisition": INTERNAL}
        self._register(
            "E1", t(1, 8), "lake", "dataset:lake/tx@1", profile=Profile(rows=1000), **own
        )
        self._register("E2", t(1, 9), "lake", "dataset:lake/feed@1", **ACME)
        labels = "label_set:lake/labels@1"
        self._register("E3", t(1, 10), "lake", labels, owner="label-team", acquisition=INTERNAL)
        flips = (Flip(from_label="fraud", to_label="legit", count=4),)
        review = LabelReview(
            label_set=a(labels), method=LabelMethod.HUMAN, annotator="ann", items=400, flips=flips
        )
        self.say("E4", t(1, 11), "lake", review)
        reads = [rows("dataset:lake/tx@1", 1000), rows("dataset:lake/feed@1", 500)]
        self.run(
            "E5", t(2, 8), "lake", "prep-1", "prepare", reads, rows("dataset:lake/mix@1", 1500)
        )
        self.say("E7", t(2, 12), "lake", self.check("dataset:lake/mix@1", 1500))
        aux = {"owner": "aux-team", "acquisition": INTERNAL}
        self._register("E8", t(1, 8), "aux", "dataset:lake/aux@1", **aux)
        # E9 is the batch that arrives late: until then there is a gap in the chain of aux.
        self._register("E9", t(2, 8), "aux", "dataset:lake/aux@2", **aux)
        features = ArtifactUse(artifact=a("feature_set:lake/auxf@1"))
        source = [ArtifactUse(artifact=a("dataset:lake/aux@1"))]
        self.run("E10", t(4, 8), "aux", "aux-build", "build", source, features)
        reads = [rows("dataset:lake/mix@1", 1500), rows(labels, 500)]
        self.run("E12", t(3, 8), "train", "train-1", "train", reads, _model("fraud@1"))
        self.say("E14", t(3, 12), "train", self.evaluation("fraud@1", 0.96))
        self.say("E15", t(4, 10), "alice", self.approval("fraud@1", "alice", "dave"))
        self.say("E16", t(4, 12), "serving", self.promotion("fraud@1", "production"))

    def _poisoned_days(self) -> None:
        own = {"owner": "data-team", "acquisition": INTERNAL}
        self._register("E17", t(5, 8), "lake", "dataset:lake/tx@2", **own)
        self._register("E18", t(5, 9), "lake", "dataset:lake/feed@2", **ACME)
        reads = [rows("dataset:lake/tx@2", 1000), rows("dataset:lake/feed@2", 500)]
        self.run(
            "E19", t(6, 2), "night", "prep-2", "prepare", reads, rows("dataset:lake/mix@2", 1500)
        )
        self.say("E37", t(6, 1), "serving", _access("svc-night", "write", "dataset:lake/feed@2"))
        mix = rows("dataset:lake/mix@2", 1500)
        reads = [mix, rows("label_set:lake/labels@1", 500)]
        self.run("E21", t(7, 8), "train", "train-2", "train", reads, _model("fraud@2"), commit="c2")
        self.say("E23", t(7, 10), "train", self.evaluation("fraud@2", 0.95))
        self.say("E25", t(7, 14), "serving", self.promotion("fraud@2", "production"))
        self.say("E26", t(7, 15), "serving", self.promotion("fraud@1", None, "retire"))
        reads = [mix, rows("dataset:lake/tx@1", 500)]
        self.run("E27", t(8, 8), "train", "train-churn", "train", reads, _model("churn@1"))
        self.say("E29", t(8, 12), "serving", self.promotion("churn@1", "staging"))
        clicks = "dataset:web/clicks@1"
        self._register("E30", t(8, 13), "serving", clicks, owner="web-team", acquisition=USER)
        thumbs = Feedback(
            channel="thumbs",
            artifact=a(clicks),
            submissions=900,
            submitters=12,
            top_submitters=(Submitter(pseudonym="p-41", share=0.61),),
        )
        self.say("E31", t(8, 14), "serving", thumbs)
        self.run(
            "E32", t(9, 8), "bob", "train-3", "train", [mix, rows(clicks, 300)], _model("fraud@3")
        )
        self.say("E34", t(9, 10), "bob", self.approval("fraud@3", "bob", "bob"))
        features = [ArtifactUse(artifact=a("feature_set:lake/auxf@1"))]
        self.run("E35", t(9, 12), "train", "train-risk", "train", features, _model("risk@1"))
        self.say(
            "E38", t(9, 20), "serving", _access("mallory", "read", "model:reg/fraud@3", "denied")
        )

    def _end_of_first_half(self) -> None:
        """Close every epoch; four speak again in a new one."""
        for name in ("aux", "night", "bob"):
            self._post(f"{name} ends", t(9, 23), self.who[name].finish)
        for name in ("lake", "train", "serving", "alice"):
            self._post(f"{name} goes on", t(9, 23), self.who[name].reopen)

    def _second_half(self) -> None:
        reads = [rows("dataset:lake/tx@2", 1000)]
        self.run("E39", t(11, 8), "train", "train-4", "train", reads, _model("fraud@4"))
        default = self.approval("fraud@4", "carol", "dave", DecisionMode.DEFAULT)
        self.say("E41", t(11, 10), "serving", default)
        override = Override(
            target=about("model:reg/fraud@2"),
            before="blocked",
            after="released",
            made_by="carol",
            approved_by="alice",
            reason="quarter end",
        )
        self.say("E42", t(12, 9), "carol", override)
        stage = Subject(type="stage", name="prepare")
        off = Override(target=stage, before="on", after="off", made_by="dave", reason="too slow")
        self.say("E43", t(12, 10), "lake", off)
        # Two that claim to be a week older than they are.
        late = t(12, 12)
        self.say("E24", t(7, 12), "alice", self.approval("fraud@2", "alice", "bob"), sealed=late)
        self.say("E44", t(5, 12), "lake", self.check("dataset:lake/feed@2", 500), sealed=late)
        bad = Quarantine(
            artifact=a("dataset:lake/feed@2"),
            action=QuarantineAction.PLACED,
            reason="flipped labels",
            reviewer="carol",
        )
        self.say("E45", t(13, 9), "carol", bad)

    @staticmethod
    def check(reference: str, count: int) -> Validation:
        """Check data; nothing is rejected."""
        return Validation(
            artifact=a(reference),
            check=Check(tool="expectations", name="rows"),
            outcome=Outcome.PASS,
            rows_checked=count,
            rows_rejected=0,
        )

    @staticmethod
    def evaluation(model: str, accuracy: float) -> Evaluation:
        """Evaluate on the hold-out set."""
        return Evaluation(
            model=a(f"model:reg/{model}"),
            suite=Suite(name="holdout", kind=SuiteKind.HOLDOUT),
            phase=Phase.RELEASE,
            outcome=Outcome.PASS,
            metrics=(Metric(name="accuracy", value=accuracy),),
        )

    @staticmethod
    def approval(
        model: str, approver: str, requested_by: str, mode: DecisionMode = DecisionMode.EXPLICIT
    ) -> Approval:
        """Approve a promotion."""
        return Approval(
            subject=about(f"model:reg/{model}"),
            gate=Gate.PROMOTION,
            decision=Decision.APPROVE,
            approver=approver,
            mode=mode,
            requested_by=requested_by,
            reason="looks fine",
        )

    @staticmethod
    def promotion(model: str, to: str | None, action: str = "promote") -> Promotion:
        """Promote or retire a model."""
        return Promotion(
            artifact=a(f"model:reg/{model}"), action=PromotionAction(action), to_environment=to
        )


_SPEAK_AGAIN = ("lake", "train", "serving", "alice", "carol")


def _model(name: str) -> ArtifactUse:
    return ArtifactUse(artifact=a(f"model:reg/{name}"))


def _access(principal: str, action: str, resource: str, outcome: str = "allowed") -> Access:
    return Access(
        principal=principal,
        action=AccessAction(action),
        resource=about(resource),
        outcome=AccessOutcome(outcome),
    )
