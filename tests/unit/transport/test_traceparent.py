"""A batch's first event says in which trace the batch travels.

What is promised: the header is a W3C ``traceparent`` of the ids that stand in the first event, or
there is none; whatever the bytes are, nothing is raised. Source: W3C Trace Context, 3.2.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineseal.schemas.codec import encode_event
from lineseal.schemas.ids import new_uuid7, now_us
from lineseal.schemas.model import Actor, ActorKind, Event, Origin, RunEvent, RunState, body_of
from lineseal.signing.sealer import Sealer
from lineseal.signing.signers import generate_key
from lineseal.transport.relay.traceparent import traceparent_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
EXPECTED = f"00-{TRACE}-{SPAN}-01"


def event(trace: str | None, span: str | None, run_id: str = "r") -> bytes:
    """Return an event with these ids."""
    return encode_event(
        Event(
            event_id=new_uuid7(),
            event_time=now_us(),
            producer="trainer",
            actor=Actor(kind=ActorKind.SERVICE, id="trainer"),
            origin=Origin.EMITTER,
            run_id=run_id,
            trace_id=trace,
            span_id=span,
            body=body_of(RunEvent(state=RunState.START)),
        )
    )


@pytest.fixture
def sealer(tmp_path: Path) -> Sealer:
    """Seal as a producer does."""
    signer = generate_key(tmp_path / "trainer.pem")
    return Sealer(signer, deployment="lab", producer="trainer")


def sealed(sealer: Sealer, *events: bytes) -> bytes:
    """Return one batch."""
    return sealer.seal(sealer.open_epoch(None), list(events))[0]


def test_the_first_event_names_the_trace(sealer: Sealer) -> None:
    """Whatever follows in the batch."""
    value = sealed(sealer, event(TRACE, SPAN), event(None, None), event("1" * 32, "2" * 16))

    assert traceparent_of(value) == EXPECTED


@pytest.mark.parametrize(
    ("trace", "span"),
    [
        (None, None),
        (TRACE, None),
        (None, SPAN),
        ("0" * 32, SPAN),
        (TRACE, "0" * 16),
        (TRACE.upper(), SPAN),
        ("x" * 32, SPAN),
        (f"{TRACE}-extra", SPAN),
    ],
)
def test_without_two_valid_ids_there_is_no_header(
    sealer: Sealer, trace: str | None, span: str | None
) -> None:
    """Also when a later event has them, which then is taken apart and left."""
    assert traceparent_of(sealed(sealer, event(trace, span), event(TRACE, SPAN))) is None


def test_what_only_looks_like_ids_is_not_taken_for_them(sealer: Sealer) -> None:
    """The same bytes stand in another field."""
    lure = f"\x02@{TRACE}\x02 {SPAN}"
    value = sealed(sealer, event(None, None))

    assert traceparent_of(value + lure.encode()) is None
    assert traceparent_of(lure.encode()) is None


def test_an_empty_batch_has_none(sealer: Sealer) -> None:
    """A heartbeat."""
    assert traceparent_of(sealed(sealer)) is None


@given(st.binary(max_size=200))
def test_no_bytes_are_too_strange(tail: bytes) -> None:
    """They are shipped without a header; a consumer will judge them."""
    lure = f"\x02@{TRACE}\x02 {SPAN}".encode()

    assert traceparent_of(b"\x4c\x31" + lure + tail) is None
