"""Whatever stands in a record of an audit log, it is recorded, left out or refused; nothing else.

What is promised: no value of any type in any place makes a reader fail; what it makes of a record
keeps the contract; the same record always gives the same events; an array cut while it is read
gives the same items as one that is read whole. Source: docs/import.md.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.integration.test_import_access import cloudtrail, kubernetes

from lineseal.producers.adapters.accesses.kubernetes import KubernetesReader
from lineseal.producers.adapters.accesses.mapping import AccessMapping
from lineseal.producers.adapters.accesses.recording import AccessReader
from lineseal.producers.adapters.accesses.told import parse_renaming
from lineseal.producers.adapters.importing import records
from lineseal.producers.adapters.openlineage.document import Document, read_documents
from lineseal.producers.adapters.openlineage.encoding import Sender
from lineseal.schemas.codec import EVENT_SCHEMA_SHA256, decode_event
from lineseal.schemas.errors import InvalidDocument
from lineseal.schemas.model import Actor, ActorKind, Origin

SENDER = Sender("gateway", Actor(kind=ActorKind.SERVICE, id="gateway"), Origin.IMPORT)
KUBERNETES = KubernetesReader("prod", ("*",))
RENAMINGS = (parse_renaming("dataset:lake/raw=s3://lake/raw/*"),)
MAPPING = AccessMapping(
    {"time": "eventTime", "principal": "userIdentity.arn", "action": "a", "resource": "awsRegion"},
    {"action": "read"},
    {},
)
POLICY = json.dumps(
    {"Statement": [{"Effect": "Allow", "Principal": {"AWS": ["arn:a", "arn:b"]}}, {"Effect": 1}]}
)
BASES: list[dict[str, Any]] = [
    cloudtrail(1, "CopyObject", requestParameters={"bucketName": "b", "x-amz-copy-source": "c/d"}),
    cloudtrail(2, "DeleteObjects", resources=[{"ARN": "arn:aws:s3:::lake/x"}]),
    cloudtrail(3, "PutBucketPolicy", requestParameters={"bucketName": "b", "bucketPolicy": POLICY}),
    cloudtrail(
        4,
        "AttachUserPolicy",
        eventSource="iam.amazonaws.com",
        requestParameters={"userName": "u", "policyArn": "p"},
    ),
    cloudtrail(
        5,
        "GrantPermissions",
        eventSource="lakeformation.amazonaws.com",
        requestParameters={
            "principal": {"dataLakePrincipalIdentifier": "x"},
            "resource": {"table": {"databaseName": "d", "name": "t"}},
        },
    ),
    kubernetes(1, "get"),
    kubernetes(
        2,
        "create",
        objectRef={"resource": "rolebindings", "name": "w"},
        requestObject={"subjects": [{"kind": "User", "name": "m"}]},
    ),
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text()
    | st.sampled_from(
        ["\ud800", "\x00\x1b[2J", "a\u202eb", "x" * 9000, "\u2028", " ", "2026-01-01"]
    )
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value in a record."""
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [p for key, inner in items for p in [(*path, key), *places(inner, (*path, key))]]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Return a record with another value in up to three places."""
    record = json.loads(json.dumps(draw(st.sampled_from(BASES))))
    for _ in range(draw(st.integers(0, 3))):
        *above, last = draw(st.sampled_from(places(record)))
        node = record
        for key in above:
            node = node[key]
        node[last] = draw(VALUES)
    return json.dumps(record).encode()


def read(text: bytes, mapping: AccessMapping | None) -> tuple[bytes, ...] | None:
    """Return the events of a record; None when it is left out or refused."""
    (found,) = read_documents(text)
    assert isinstance(found, Document)
    try:
        ready = AccessReader(SENDER, KUBERNETES, mapping, RENAMINGS).read(found)
    except InvalidDocument:
        return None
    return None if ready is None else ready.mapped.events


@given(damaged(), st.sampled_from([None, MAPPING]))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_record_is_recorded_left_out_or_refused(
    text: bytes, mapping: AccessMapping | None
) -> None:
    """And what is recorded is an access, the same each time."""
    events = read(text, mapping)

    assert events == read(text, mapping)
    for event in events or ():
        name, record = decode_event(event, EVENT_SCHEMA_SHA256)
        assert (name, record["origin"]) == ("access", "import")


def test_every_base_is_recorded_undamaged() -> None:
    """Else the test above would show nothing."""
    assert all(read(json.dumps(base).encode(), None) for base in BASES)


@given(st.lists(st.dictionaries(st.text(), VALUES, max_size=3), max_size=5), st.integers(1, 64))
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_an_array_that_is_cut_while_it_is_read_loses_nothing(
    tmp_path: Path, items: list[dict[str, Any]], chunk: int
) -> None:
    """Wherever the pieces end that come from the disk."""
    file = tmp_path / "a.json.gz"
    file.write_bytes(gzip.compress(json.dumps(items, indent=1).encode()))
    before = records.CHUNK_BYTES
    try:
        records.CHUNK_BYTES = chunk
        cut = [piece.text for piece in records.read_records(file, max_bytes=1 << 20)]
    finally:
        records.CHUNK_BYTES = before

    assert [json.dumps(json.loads(text)) for text in cut] == [json.dumps(item) for item in items]
