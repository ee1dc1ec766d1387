"""A REF means one thing, and a bad one says which part is wrong.

What is promised: ``kind:[namespace/]name[@version|@sha256:HEX]``, split at the last ``@``; what
Lineseal prints can be pasted back. Source: DESIGN 8.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.schemas.strategies import digests

from lineseal.schemas.errors import InvalidReference
from lineseal.schemas.model import Kind
from lineseal.schemas.reference import (
    Reference,
    format_reference,
    parse_reference,
    split_name,
    to_artifact,
)

DIGEST = "sha256:" + "a1" * 32
NAMES = st.text("abc019-_.", min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("model:fraud", Reference(Kind.MODEL, "fraud")),
        ("model:registry/fraud@7", Reference(Kind.MODEL, "registry/fraud", "7")),
        ("dataset:lake/tx@" + DIGEST, Reference(Kind.DATASET, "lake/tx", None, DIGEST)),
        ("dataset:lake/tx@sha256:a1a1", Reference(Kind.DATASET, "lake/tx", None, "sha256:a1a1")),
        ("dataset:s3://b/k/x.csv@2", Reference(Kind.DATASET, "s3://b/k/x.csv", "2")),
        ("code:git@github.com:o/r@v1", Reference(Kind.CODE, "git@github.com:o/r", "v1")),
        ("label_set:a:b", Reference(Kind.LABEL_SET, "a:b")),
    ],
)
def test_a_reference_is_split_at_the_last_at(text: str, reference: Reference) -> None:
    """Names may hold colons, slashes and at signs."""
    assert parse_reference(text) == reference


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("fraud", "kind"),
        ("modle:fraud@7", "did you mean model:fraud@7"),
        ("nonsense:fraud@7", "kinds are: dataset"),
        ("model:", "name in a REF is empty"),
        ("model:@7", "name in a REF is empty"),
        ("model:fraud@", "nothing follows"),
        ("model:fraud@sha256:12", "4 to 64"),
        ("model:fraud@sha256:" + "A" * 64, "lower-case"),
        ("model:fraud@sha256:" + "a" * 65, "4 to 64"),
        ("model:fr\u200baud@7", "U\\+200B"),
        ("model:fraud@ 7", "version in a REF"),
    ],
)
def test_a_bad_reference_says_what_is_wrong(text: str, reason: str) -> None:
    """Each mistake has its own sentence."""
    with pytest.raises(InvalidReference, match=reason):
        parse_reference(text)


@given(text=st.text())
def test_any_text_parses_or_is_an_invalid_reference(text: str) -> None:
    """No other exception leaves the parser."""
    try:
        parse_reference("dataset:" + text)
    except InvalidReference:
        return


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("tx", ("default", "tx")),
        ("lake/tx", ("lake", "tx")),
        ("lake/2026/tx", ("lake", "2026/tx")),
        ("s3://bucket/a/b.csv", ("s3://bucket", "a/b.csv")),
        ("s3://bucket", ("default", "s3://bucket")),
        ("/data/tx.csv", ("default", "/data/tx.csv")),
        ("lake/", ("default", "lake/")),
    ],
)
def test_a_producer_splits_namespace_and_name(path: str, parts: tuple[str, str]) -> None:
    """The first slash ends a namespace; of a URI the one after the authority."""
    assert split_name(path) == parts


@given(
    kind=st.sampled_from(list(Kind)),
    namespace=NAMES,
    name=NAMES,
    tail=st.none() | NAMES | digests(),
)
def test_what_is_printed_can_be_pasted_back(
    kind: Kind, namespace: str, name: str, tail: str | None
) -> None:
    """Format, parse and record: the same artifact."""
    by_digest = tail is not None and tail.startswith("sha256:")
    version, digest = (None, tail) if by_digest else (tail, None)
    text = format_reference(kind, namespace, name, version, digest)

    artifact = to_artifact(parse_reference(text))

    assert (artifact.kind, artifact.namespace, artifact.name) == (kind, namespace, name)
    assert (artifact.version, artifact.digest) == (version, digest)


def test_a_short_digest_cannot_be_recorded() -> None:
    """Looking up may be brief; a record names the whole digest."""
    with pytest.raises(InvalidReference, match="whole digest"):
        to_artifact(parse_reference("model:fraud@sha256:abcd"))
