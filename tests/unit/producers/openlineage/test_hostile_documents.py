"""Whatever text arrives, it is mapped or refused, the same way every time.

What is promised: no text makes anything but ``InvalidDocument`` out of reading and mapping; what is
mapped is a valid event under the contract; the same event in another spelling has the same ids;
two names that differ stay two names. Source: docs/openlineage.md.
"""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.openlineage.events import Json, data, document, mapped, run_event, sender

from lineseal.producers.adapters.openlineage import Document, map_document, read_documents
from lineseal.producers.adapters.openlineage.names import identifier
from lineseal.producers.adapters.openlineage.reading import Notes
from lineseal.schemas.codec import EVENT_SCHEMA_SHA256, decode_event
from lineseal.schemas.errors import InvalidDocument
from lineseal.schemas.guard import check_identifier
from lineseal.schemas.model import Origin

TEXTS = st.text(max_size=30) | st.sampled_from(["", "\u202e", "a@b", "sha256:", "x" * 3000, " "])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
WORDS = (
    "run job dataset inputs outputs facets runId namespace name eventTime eventType version "
    "datasetVersion symlinks identifiers columnLineage fields inputFields inputFacets airflow task "
    "hitl_summary approved parent ownership owners lineage entries test tests status tags"
)
KEYS = st.sampled_from(WORDS.split())
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | TEXTS, inner, max_size=6),
    max_leaves=25,
)


@st.composite
def events(draw: st.DrawFn) -> Json:
    """Draw an event that starts out right and then has anything put into it."""
    event = run_event(inputs=[data(draw(TEXTS), v=draw(TEXTS))], outputs=[data("z")])
    for owner in draw(st.lists(st.sampled_from(["run", "job", "event", "input"]), max_size=3)):
        target = {"event": event, "input": event["inputs"][0]}.get(owner) or event[owner]
        target["facets" if draw(st.booleans()) else draw(KEYS)] = draw(VALUES)
        if not isinstance(event.get("inputs"), list) or not event["inputs"]:
            break
        if not all(isinstance(event.get(key), dict) for key in ("run", "job")):
            break
        if not isinstance(event["inputs"][0], dict):
            break
    return event


@given(events())
def test_an_event_is_mapped_to_valid_events_or_refused(event: Json) -> None:
    """Nothing else comes out, and the same comes out again."""
    try:
        found = mapped(json.dumps(event))
    except InvalidDocument:
        return
    for encoded in found.events:
        decode_event(encoded, EVENT_SCHEMA_SHA256)

    again = mapped(json.dumps(event, indent=1))

    assert _ids(again.events) == _ids(found.events)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b"[]")
@example(b"[{},]")
@example(b'{"a": 1e999, "b": NaN}')
@example(b"1" * 10_000)
@example(b'"\\ud800"')
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Bombs of nesting included."""
    for lines in (True, False):
        try:
            found = list(read_documents(data, lines=lines))
        except InvalidDocument:
            continue
        for one in found:
            if isinstance(one, Document):
                with pytest.raises(InvalidDocument):
                    map_document(one, sender())


def test_a_text_with_millions_of_values_is_not_even_parsed() -> None:
    """Two bytes each become a hundred in memory."""
    with pytest.raises(InvalidDocument, match="values"):
        list(read_documents(b"[" + b"[]," * 1_500_000 + b"[]]"))


@given(st.text(min_size=1), st.text(min_size=1))
@example("a", "a\u200b")
@example("a ", "a")
@example("x" * 2000, "x" * 2001)
def test_two_names_stay_two_names(one: str, other: str) -> None:
    """Unless they are the same text to Unicode."""
    first, second = (identifier(text, Notes()) for text in (one, other))

    for name in (first, second):
        if name is not None:
            check_identifier(name)
    same = unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)
    if "//" not in one + other:
        assert first is None or second is None or (first == second) == same


def test_spelling_does_not_matter_but_what_is_said_does() -> None:
    """Key order and white space are nobody's; a time, a sender, an origin are."""
    event = run_event(inputs=[data("a")])
    spelled = json.dumps(dict(reversed(event.items())), indent=4)

    ids = _ids(mapped(event).events)

    assert _ids(mapped(spelled).events) == ids
    assert document(spelled).digest != document(event).digest
    assert _ids(mapped({**event, "eventTime": "2026-01-01T10:00:01Z"}).events) != ids
    assert _ids(mapped(event, sender(Origin.IMPORT)).events) != ids


def test_an_event_is_the_same_alone_in_an_array_or_on_a_line() -> None:
    """Its text is what stands between the separators."""
    one, two = json.dumps(run_event(1)), json.dumps(run_event(2))

    array = [d.digest for d in _documents(f"[ {one},\n{two} ]")]
    lines = [d.digest for d in _documents(f"{one}\n\n{two}\n")]
    alone = [document(text).digest for text in (one, two)]

    assert array == lines == alone


def _documents(text: str) -> list[Document]:
    found = list(read_documents(text.encode(), lines=True))
    return [each for each in found if isinstance(each, Document)]


def _ids(events: tuple[bytes, ...]) -> list[str]:
    return [decode_event(event, EVENT_SCHEMA_SHA256)[1]["event_id"] for event in events]
