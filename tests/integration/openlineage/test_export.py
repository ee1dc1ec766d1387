"""``lineseal export openlineage`` writes events that any receiver takes and anybody can check.

What is promised: each is valid under the published schemas, its facets too; ours are under the
schemas in docs/openlineage; the seal in it verifies with public keys alone; importing it again
means the same. Source: docs/openlineage.md.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from tests.openlineage.events import mapped, sender
from tests.siem.reference import DATA, reference_file
from tests.simulator import Pipeline, artifact

from lineseal.queries.database import open_store
from lineseal.queries.export.answer import openlineage_events
from lineseal.queries.export.openlineage import FACETS, OWN_FACETS, SPECIFICATION
from lineseal.schemas.codec import EVENT_SCHEMA_SHA256, decode_event, decode_header
from lineseal.schemas.model import (
    Artifact,
    ArtifactUse,
    Check,
    Code,
    Environment,
    Kind,
    Outcome,
    Pair,
    ParentRun,
    Registration,
    RunEvent,
    RunState,
    Source,
    Subject,
    Validation,
)
from lineseal.signing.envelope import pae
from lineseal.signing.merkle import leaf_hash, root_from_path

ROOT = Path(__file__).resolve().parents[3]
DIGEST = "sha256:" + "ab" * 32
Json = dict[str, Any]


@cache
def registry() -> Registry[Any]:
    """Load every published schema, and ours."""
    reference_file("openlineage", "OpenLineage.json")
    files = [
        *(DATA / "openlineage").glob("*.json"),
        *(ROOT / "docs" / "openlineage").glob("*.json"),
    ]
    schemas = [json.loads(file.read_text("utf-8")) for file in files]
    return Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in schemas
    )


def check(value: Any, reference: str) -> None:
    """Check a value under a schema."""
    checker = FormatChecker()
    schema = {"$ref": reference}
    Draft202012Validator(schema, registry=registry(), format_checker=checker).validate(value)


def check_facets(value: Any) -> int:
    """Check every facet anywhere in a value under the schema it names; return how many."""
    if isinstance(value, list):
        return sum(check_facets(item) for item in value)
    if not isinstance(value, dict):
        return 0
    url = value.get("_schemaURL")
    if url is not None:
        assert str(url).startswith((FACETS, OWN_FACETS))
        check(value, str(url))
    return (url is not None) + sum(check_facets(item) for item in value.values())


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Tell a story with everything that is exported, and more."""
    made = Pipeline(tmp_path_factory.mktemp("export"))
    trainer = made.producer("trainer")
    model = Artifact(kind=Kind.MODEL, namespace="reg", name="fraud", version="7", digest=DIGEST)
    read = ArtifactUse(artifact=artifact("dataset:s3://lake/tx@3"), rows=10, size_bytes=99)
    events = [
        trainer.event(
            RunEvent(
                state=RunState.START,
                inputs=(read, ArtifactUse(artifact=artifact("dataset:lake/loose"))),
                parameters=(Pair(key="lr", value="0.1"), Pair(key="openlineage.notes", value="x")),
                code=Code(repository="git@github.com:a/b.git", commit="abc", entry_point="t.py"),
                environment=Environment(python="3.11.7"),
                parent=ParentRun(run_id="dag 1", job_namespace="ns", job_name="dag"),
            ),
            run_id="not a uuid",
        ),
        trainer.event(
            RunEvent(
                state=RunState.FAIL,
                outputs=(ArtifactUse(artifact=model, reported_digest="md5:0", role="final"),),
                message="out of memory",
            ),
            run_id="not a uuid",
        ),
        trainer.event(
            Validation(
                artifact=read.artifact, check=Check(tool="gx", name="rows"), outcome=Outcome.WARN
            ),
            run_id="not a uuid",
        ),
        trainer.event(
            Registration(
                subject=Subject(type="artifact", artifact=model),
                owner="team:x",
                source=Source(uri="https://example.com/a b"),
            )
        ),
        trainer.event(Registration(subject=Subject(type="job", name="ns/dag"), owner="ops")),
        trainer.event(Registration(subject=Subject(type="supplier", name="acme"))),
    ]
    trainer.send(*events[:2])
    trainer.send(*events[2:])
    made.materialise()
    return made


def exported(pipeline: Pipeline, page: int = 2000) -> list[Json]:
    """Export everything."""
    with open_store(pipeline.store_path, memory_limit="1GB") as connection:
        return list(openlineage_events(connection, page=page))


def test_every_exported_event_and_facet_is_valid(pipeline: Pipeline) -> None:
    """Under the schemas that it names itself."""
    events = exported(pipeline)

    assert [event["schemaURL"].rpartition("/")[2] for event in events] == [
        "RunEvent", "RunEvent", "RunEvent", "DatasetEvent", "JobEvent",
    ]  # fmt: skip
    for event in events:
        check(event, SPECIFICATION)
        check(event, event["schemaURL"])
    assert check_facets(events) > 20


def test_the_seal_verifies_with_the_public_key_alone(pipeline: Pipeline) -> None:
    """Signature over the header, path from the event to its root."""
    (key,) = pipeline.keyring().entries
    for event in exported(pipeline):
        found = [value for value in _objects(event) if "signature" in value]
        (seal,) = found
        header = decode_header(base64.b64decode(seal["header"]))
        message = pae(seal["payloadType"], base64.b64decode(seal["header"]))
        path = [bytes.fromhex(node) for node in seal["inclusionPath"]]
        leaf = leaf_hash(base64.b64decode(seal["event"]))
        root = root_from_path(leaf, seal["eventIndex"], seal["batchCount"], path)

        assert seal["keyid"] == key.keyid
        assert key.key.verifies(base64.b64decode(seal["signature"]), message)
        assert root.hex() == header.merkle_root


def test_what_is_imported_again_means_the_same(pipeline: Pipeline) -> None:
    """Kinds, versions, digests, owners and checks come back; so do pages of any size."""
    events = exported(pipeline, page=2)
    decoded = [
        decode_event(data, EVENT_SCHEMA_SHA256)
        for event in events
        for data in mapped(event, sender()).events
    ]

    assert events == exported(pipeline)
    run = decoded[0][1]["body"]["run"]
    assert [use["artifact"]["version"] for use in run["inputs"]] == ["3", None]
    assert (run["inputs"][0]["rows"], run["inputs"][0]["size_bytes"]) == (10, 99)
    (output,) = decoded[1][1]["body"]["run"]["outputs"]
    assert (output["artifact"]["kind"], output["artifact"]["digest"]) == ("model", DIGEST)
    assert (output["role"], output["reported_digest"]) == ("final", "md5:0")
    owners = [r["body"][n]["owner"] for n, r in decoded if n == "registration"]
    assert {"team:x", "ops"} <= set(owners)
    assert [r["body"][n]["outcome"] for n, r in decoded if n == "validation"] == ["warn"]


def _objects(value: Any) -> list[Json]:
    if isinstance(value, list):
        return [each for item in value for each in _objects(item)]
    if not isinstance(value, dict):
        return []
    return [value, *(each for item in value.values() for each in _objects(item))]
