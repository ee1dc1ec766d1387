"""A bill of materials says what the record says, in forms that strangers' tools accept.

Evidence: CycloneDX's own strict validator for both versions, in-toto's own statement classes and
securesystemslib's DSSE verifier; a pipeline in memory under the production materialiser.
Source: CycloneDX 1.6 and 1.7, in-toto Statement v1, SLSA provenance v1.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from google.protobuf.json_format import ParseDict
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from tests.simulator import Pipeline, artifact, human

from lineseal.queries.bom.cyclonedx import cyclonedx
from lineseal.queries.bom.provenance import PAYLOAD_TYPE, payload, statement
from lineseal.queries.material import Material, load_material
from lineseal.schemas.errors import QueryError
from lineseal.schemas.model import (
    Approval,
    Artifact,
    Code,
    Decision,
    DecisionMode,
    Evaluation,
    Gate,
    Metric,
    Outcome,
    Override,
    Pair,
    Phase,
    RunEvent,
    RunState,
    Slice,
    Source,
    Subject,
    Suite,
    SuiteKind,
    Supplier,
)
from lineseal.signing.envelope import sign_envelope

FEED = artifact("dataset:partner/feed@1")
BASE = artifact("model:hub/base@3")
DIGEST = "sha256:" + 64 * "7"
FRAUD = Artifact(kind=BASE.kind, namespace="reg", name="fraud", version="7", digest=DIGEST)
REFERENCE = "model:reg/fraud@7"
HOSTILE = 'Acme\n"}, {"x": "\u202e\x1b[31m\u2028 ]]> urn:cdx:'


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """Make a model from a feed and a base model, evaluated, approved and overridden."""
    made = Pipeline(tmp_path)
    job, alice = made.producer("trainer"), made.person("alice")
    job.register(
        FEED,
        owner="partner-desk",
        reviewer="bob",
        licence="CC-BY-4.0",
        supplier=Supplier(name="acme"),
        source=Source(uri="https://127.0.0.1/" + HOSTILE, publisher=HOSTILE),
    )
    job.register(BASE, opaque=True)
    job.run("train-7", reads=[FEED, BASE], writes=[FRAUD])
    job.emit(
        RunEvent(
            state=RunState.RUNNING,
            parameters=(Pair(key="trees", value="60"),),
            code=Code(repository="git@host:fraud.git", commit="c0ffee", dirty=True),
        ),
        run_id="train-7",
    )
    job.emit(
        Evaluation(
            model=FRAUD,
            suite=Suite(name="holdout", kind=SuiteKind.HOLDOUT),
            phase=Phase.RELEASE,
            outcome=Outcome.PASS,
            metrics=(Metric(name="accuracy", value=0.95),),
            slices=(Slice(name="digit 7", n=44, metrics=(Metric(name="recall", value=0.7),)),),
        )
    )
    subject = Subject(type="artifact", artifact=FRAUD)
    approval = Approval(
        subject=subject,
        gate=Gate.PROMOTION,
        decision=Decision.APPROVE,
        approver="alice",
        mode=DecisionMode.EXPLICIT,
    )
    alice.emit(approval, actor=human("alice"))
    job.emit(
        Override(target=subject, before="blocked", after="released", made_by="bob", reason=HOSTILE)
    )
    job.finish()
    made.materialise()
    return made


def material(pipeline: Pipeline, reference: str = REFERENCE) -> Material:
    """Load the material of one version."""
    with duckdb.connect(str(pipeline.store_path), read_only=True) as connection:
        return load_material(connection, reference, clock=pipeline.clock)


@pytest.mark.parametrize(
    ("spec", "version"), [("1.6", SchemaVersion.V1_6), ("1.7", SchemaVersion.V1_7)]
)
def test_the_strict_validator_accepts_the_bill(
    pipeline: Pipeline, spec: str, version: SchemaVersion
) -> None:
    """With a hostile supplier in it; and it refuses one whose enum is wrong."""
    document = cyclonedx(material(pipeline), spec)
    broken = document | {"compositions": [{"aggregate": "surely"}]}

    validator = JsonStrictValidator(version)

    assert validator.validate_str(json.dumps(document)) is None
    assert validator.validate_str(json.dumps(broken)) is not None


def test_the_bill_names_all_that_the_model_was_made_from(pipeline: Pipeline) -> None:
    """Components, dependencies, model card, data governance, pedigree."""
    document = cyclonedx(material(pipeline))

    model = document["metadata"]["component"]
    components = {one["bom-ref"]: one for one in document["components"]}
    feed = components["dataset:partner/feed@1"]
    assert set(components) == {"dataset:partner/feed@1", "model:hub/base@3"}
    assert model["hashes"] == [{"alg": "SHA-256", "content": 64 * "7"}]
    assert model["modelCard"] == {
        "modelParameters": {"datasets": [{"ref": "dataset:partner/feed@1"}]},
        "quantitativeAnalysis": {
            "performanceMetrics": [
                {"type": "holdout: accuracy", "value": "0.95"},
                {"type": "holdout: recall", "value": "0.7", "slice": "digit 7 (n=44)"},
            ]
        },
    }
    assert [one["name"] for one in model["pedigree"]["ancestors"]] == ["base"]
    assert model["pedigree"]["commits"][0]["uid"] == "c0ffee"
    assert feed["licenses"] == [{"license": {"name": "CC-BY-4.0"}}]
    assert feed["supplier"] == {"name": "acme"}
    assert feed["data"][0]["governance"] == {
        "owners": [{"contact": {"name": "partner-desk"}}],
        "stewards": [{"contact": {"name": "bob"}}],
    }
    assert {one["ref"]: one["dependsOn"] for one in document["dependencies"]} == {
        REFERENCE: ["dataset:partner/feed@1", "model:hub/base@3"],
        "dataset:partner/feed@1": [],
        "model:hub/base@3": [],
    }


def test_a_run_is_a_workflow_with_its_parameters(pipeline: Pipeline) -> None:
    """Inputs and outputs are references into the bill."""
    (formula,) = cyclonedx(material(pipeline))["formulation"]

    (workflow,) = formula["workflows"]
    assert workflow["inputs"] == [
        {"resource": {"ref": "dataset:partner/feed@1"}},
        {"resource": {"ref": "model:hub/base@3"}},
        {"parameters": [{"name": "trees", "value": "60"}]},
    ]
    assert workflow["outputs"] == [{"type": "artifact", "resource": {"ref": REFERENCE}}]


def test_a_name_inside_a_services_event_is_only_asserted(pipeline: Pipeline) -> None:
    """Alice signed with her own key; bob is a name that the job wrote."""
    texts = [one["text"] for one in cyclonedx(material(pipeline))["annotations"]]

    assert texts == [
        "approval: approve by alice (signed with their own key)",
        f"override: released by bob (asserted): {HOSTILE}",
    ]


def test_an_unproven_ancestry_is_not_called_complete(pipeline: Pipeline) -> None:
    """The base model is opaque: the bill says incomplete, and why."""
    document = cyclonedx(material(pipeline))

    properties = document["metadata"]["properties"]
    assert document["compositions"][0]["aggregate"] == "incomplete"
    assert {"name": "lineseal:complete", "value": "false"} in properties
    assert any("opaque" in one["value"] for one in properties)


def test_the_same_record_gives_the_same_bytes(pipeline: Pipeline) -> None:
    """Time and serial number are derived from the content."""
    first, second = (json.dumps(cyclonedx(material(pipeline))) for _ in range(2))
    older = cyclonedx(material(pipeline, "dataset:partner/feed@1"))["serialNumber"]

    assert first == second
    assert older not in first


def test_in_toto_and_slsa_read_the_provenance(pipeline: Pipeline) -> None:
    """Subject by digest, dependencies as read, code by commit."""
    document = statement(material(pipeline))

    read = Statement([], "", {})
    ParseDict(document, read.pb)
    read.validate()
    # Its classes are made at import time, so type checkers do not see them.
    predicate: Any = ParseDict(document["predicate"], getattr(provenance_pb2, "Provenance")())  # noqa: B009
    assert document["subject"] == [{"name": REFERENCE, "digest": {"sha256": 64 * "7"}}]
    assert [one.name for one in predicate.build_definition.resolved_dependencies] == [
        "dataset:partner/feed@1",
        "model:hub/base@3",
        "code",
    ]
    assert predicate.run_details.metadata.invocation_id == "train-7"


def test_securesystemslib_verifies_the_signed_provenance(pipeline: Pipeline) -> None:
    """The envelope is standard DSSE; its payload is the statement."""
    document = statement(material(pipeline))
    signer = pipeline.new_key()
    envelope = json.loads(sign_envelope(PAYLOAD_TYPE, payload(document), [signer]))

    parsed = Envelope.from_dict(envelope)
    assert list(parsed.verify([signer.public.sslib], 1)) == [signer.keyid]
    assert json.loads(parsed.payload) == document


@pytest.mark.parametrize(
    ("reference", "reason"),
    [("dataset:partner/feed@1", "without a digest"), ("model:reg/score@1", "2 runs wrote")],
)
def test_provenance_is_refused_where_there_is_no_one_build(
    pipeline: Pipeline, reference: str, reason: str
) -> None:
    """No content, or two builds of it."""
    job = pipeline.producer("second")
    score = Artifact(kind=BASE.kind, namespace="reg", name="score", version="1", digest=DIGEST)
    job.run("a", writes=[score])
    job.run("b", writes=[score])
    pipeline.materialise()

    with pytest.raises(QueryError, match=reason):
        statement(material(pipeline, reference))


def test_what_was_said_of_the_name_alone_is_no_decision_on_a_version(pipeline: Pipeline) -> None:
    """An approval of "fraud" without a version approves nothing in particular."""
    name_only: dict[str, Any] = {"kind": FRAUD.kind, "namespace": "reg", "name": "fraud"}
    pipeline.producer("gate").emit(
        Approval(
            subject=Subject(type="artifact", artifact=Artifact(**name_only)),
            gate=Gate.PROMOTION,
            decision=Decision.REJECT,
            approver="carol",
            mode=DecisionMode.EXPLICIT,
        )
    )
    pipeline.materialise()

    assert "carol" not in json.dumps(cyclonedx(material(pipeline)))
