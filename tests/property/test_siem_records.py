"""No supplier's text can forge a record, split one, or change a severity.

What is promised: whatever text stands in an event, every rendering is one line of printable
characters, every framing holds exactly the records that were put in, and severity, ids and field
names are those of the same event with a harmless text. Source: docs/siem/README.md.
"""

from __future__ import annotations

import io
import json
import math
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from tests.siem.documents import FEED_ID, all_documents, shipments
from tests.siem.hostile import BIG, PIECES, grown, hostile

from lineseal.consumers.forward.cef import to_cef
from lineseal.consumers.forward.ecs import to_ecs
from lineseal.consumers.forward.ocsf import base, finished, stamped
from lineseal.consumers.forward.rendering import RENDERINGS
from lineseal.consumers.forward.severity import HIGH
from lineseal.consumers.forward.text import shortened, size, to_line
from lineseal.consumers.sinks.syslog import message
from lineseal.schemas.characters import is_hidden

FIELDS = re.compile(r"(?<!\\)\|")
KEYS = re.compile(r"(?:^| )([A-Za-z0-9]+)(?<!\\)=")
BENIGN = all_documents("harmless")
FRAME = re.compile(rb"(\d+) <(\d+)>1 ")


def unmoved(document: dict[str, Any]) -> tuple[Any, ...]:
    """Return what no text may change."""
    own, metadata = document["unmapped"], document["metadata"]
    names = ("class_uid", "activity_id", "type_uid", "severity_id", "severity", "time")
    ids = (metadata["uid"], metadata["sequence"], own["feed_id"], own["feed_seq"])
    return (*(document[name] for name in names), *ids)


@given(text=hostile())
@example(text=BIG)
@example(text="".join(PIECES))
@settings(max_examples=60)
def test_every_rendering_is_one_printable_line_that_says_the_same(text: str) -> None:
    """Nothing hidden, no line break; ids, severity and names are untouched."""
    for kind, document in all_documents(grown(text)).items():
        for rendering, render in RENDERINGS.items():
            rendered = render(document)

            assert not any(map(is_hidden, rendered)), rendering
            rendered.encode()
            if rendering != "cef":
                assert json.loads(rendered)
        assert unmoved(document) == unmoved(BENIGN[kind])
        assert to_ecs(document)["event"]["severity"] == BENIGN[kind]["severity_id"]


@given(text=hostile())
@example(text=BIG)
@settings(max_examples=60)
def test_cef_has_the_header_and_the_keys_it_has_with_a_harmless_text(text: str) -> None:
    """A pipe makes no header field, an equals sign no key, a backslash unescapes neither."""
    for kind, document in all_documents(grown(text)).items():
        plain, attacked = to_cef(BENIGN[kind]), to_cef(document)
        fields, expected = FIELDS.split(attacked, 7), FIELDS.split(plain, 7)

        assert fields[:4] == expected[:4]
        assert fields[6] == expected[6], "the severity"
        assert set(KEYS.findall(fields[7])) <= set(KEYS.findall(expected[7]))
        assert len(KEYS.findall(fields[7])) == len(set(KEYS.findall(fields[7]))), "a key twice"


@given(text=hostile())
@example(text=BIG)
@settings(max_examples=40)
@pytest.mark.parametrize("rendering", sorted(RENDERINGS))
def test_a_syslog_stream_holds_the_records_that_were_put_in(rendering: str, text: str) -> None:
    """Counting octets finds every record, each with the severity of its document."""
    sent = shipments(rendering, grown(text))
    messages = [message(each) for each in sent]
    stream = io.BytesIO(b"".join(b"%d %b" % (len(each), each) for each in messages))
    found: list[bytes] = []

    while length := b"".join(iter(lambda: stream.read(1), b" ")) if peek(stream) else b"":
        found.append(stream.read(int(length)))

    assert found == messages
    for received, shipment in zip(found, sent, strict=True):
        head, _, rest = received.decode().partition(" [lineseal@32473 ")
        data, _, body = rest.partition("] ")
        severity = {1: 6, 2: 5, 3: 4, 4: 3, 5: 2}[shipment.document["severity_id"]]
        assert head.startswith(f"<{13 * 8 + severity}>1 ")
        assert data == f'uid="{shipment.uid}" feed_id="{FEED_ID}" feed_seq="{shipment.seq}"'
        assert body == shipment.text
        assert b"\n" not in received


def peek(stream: io.BytesIO) -> bytes:
    """Return the next byte without taking it."""
    place = stream.tell()
    found = stream.read(1)
    stream.seek(place)
    return found


@given(text=hostile())
@example(text=BIG)
@settings(max_examples=40)
@pytest.mark.parametrize("limit", [4096, 7800])
def test_a_document_can_be_shortened_to_what_a_receiver_takes(limit: int, text: str) -> None:
    """It fits, says that it is truncated, and keeps ids, time, severity and place."""
    for document in all_documents(grown(text) * 50 if text != BIG else grown(text)).values():
        short = shortened(document, limit)

        assert size(short) <= limit
        assert unmoved(short) == unmoved(document)
        if short != document:
            assert short["metadata"]["is_truncated"] is True
            assert short["metadata"]["untruncated_size"] == size(document)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_left_out(number: float) -> None:
    """JSON has no word for it; a parser that takes NaN would be alone with it."""
    document = base(
        class_uid=3004,
        activity=(3, "Update"),
        severity=HIGH,
        time_us=1,
        uid="u",
        deployment="d",
        event_code="override",
        message="m",
    ) | {"unmapped": {"score": number, "list": [number, 1.5]}}

    line = to_line(stamped(finished(document), "f", 1))

    assert json.loads(line, parse_constant=pytest.fail)["unmapped"] == {
        "list": [1.5],
        "feed_id": "f",
        "feed_seq": 1,
    }
