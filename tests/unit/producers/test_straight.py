"""The fast way to the bytes of an event writes what the reference writes, or nothing.

What is promised: where both write, the bytes are equal, redaction included; what the reference
refuses is never written; what honest jobs say is written. Source: ADR-0020.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.schemas.strategies import identifiers, models

from lineseal.producers.envelope import Context, Envelope
from lineseal.producers.straight import REDACTION
from lineseal.schemas.codec import encode_event_record
from lineseal.schemas.errors import InvalidEvent
from lineseal.schemas.guard import check_text
from lineseal.schemas.ids import new_uuid7, now_us
from lineseal.schemas.limits import MAX_EVENT_NODES
from lineseal.schemas.model import (
    BODY_FIELDS,
    Actor,
    ActorKind,
    AnyBody,
    Artifact,
    ArtifactUse,
    Job,
    Kind,
    Metric,
    Override,
    Pair,
    RunEvent,
    RunState,
    Subject,
    Workload,
)
from lineseal.schemas.straight import PLAIN

ENVELOPE = Envelope("trainer", Actor(kind=ActorKind.SERVICE, id="trainer"), Workload(host="host-1"))
IN_A_RUN = Context(Job(namespace="fraud", name="train"), "train", "run-1")
SECRETS = ("password=hunter22", "s3://me:hunter22@bucket/x", "Bearer hunter22hunter22hunter22")
NO_TEXT = (3, None, b"x", ["x"], "", " x", "a\u202eb", "\ud800", "e\u0301", "x" * 9000)
NO_NUMBER = ("3", True, math.nan, math.inf, 1 << 63, 10**400, None, 0.5)


def both(body: AnyBody, context: Context = IN_A_RUN) -> tuple[bytes | None, bytes | None]:
    """Return what the fast way and the reference write; None where they do not."""
    straight, event_id, moment = ENVELOPE.straight, new_uuid7(), now_us()
    fast = straight.write(event_id, moment, body, context, (None, None))
    try:
        record = ENVELOPE.to_record(event_id, moment, body, context, (None, None))
        return fast, encode_event_record(record)
    except InvalidEvent:
        return fast, None
    except Exception:  # noqa: BLE001 - a body that is no body can fail in any way
        return fast, None


def bodies() -> st.SearchStrategy[Any]:
    """Any body with any values that its annotations allow."""
    return st.sampled_from(sorted(BODY_FIELDS)).flatmap(lambda name: models(BODY_FIELDS[name]))


def contexts() -> st.SearchStrategy[Context]:
    """Contexts inside and outside of runs."""
    texts = st.none() | identifiers()
    return st.builds(Context, st.none() | models(Job), texts, texts)


def plain(mark: str | None) -> st.SearchStrategy[str]:
    """Texts that the fast way takes for plain."""
    return st.from_regex(PLAIN[mark], fullmatch=True)


def places(value: Any) -> list[tuple[Any, str]]:
    """List every field of a model, however deep, as (owner, name)."""
    found: list[tuple[Any, str]] = []
    for field in dataclasses.fields(value):
        found.append((value, field.name))
        inner = getattr(value, field.name)
        for one in inner if isinstance(inner, tuple) else (inner,):
            if dataclasses.is_dataclass(one):
                found += places(one)
    return found


@given(bodies(), contexts())
def test_any_body_becomes_the_bytes_of_the_reference(body: AnyBody, context: Context) -> None:
    """Or None, only where the reference refuses: a run event without a run."""
    fast, reference = both(body, context)

    assert fast == reference


@given(bodies(), st.sampled_from([*NO_TEXT, *NO_NUMBER, *SECRETS]), st.integers(0, 10_000))
def test_a_body_with_a_wrong_value_is_never_written_unlike_the_reference(
    body: AnyBody, wrong: Any, where: int
) -> None:
    """One value anywhere in the body is replaced by one of another type, or a hostile one."""
    owner, name = (found := places(body))[where % len(found)]
    object.__setattr__(owner, name, wrong)

    fast, reference = both(body)

    assert fast is None or fast == reference


@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_are_taken_out_on_the_fast_way_too(secret: str) -> None:
    """In free text, in parameters and in identifiers."""
    override = Override(
        target=Subject(type="job", name="x"), before="a", after="b", made_by="m", reason=secret
    )
    run = RunEvent(state=RunState.START, parameters=(Pair(key="db_password", value=secret),))

    for body in (override, run):
        fast, reference = both(body)

        assert fast is not None
        assert b"hunter22" not in fast
        assert fast == reference


@given(st.sampled_from(list(PLAIN)).flatmap(lambda mark: st.tuples(st.just(mark), plain(mark))))
def test_a_plain_text_needs_neither_cleaning_nor_checks(found: tuple[str | None, str]) -> None:
    """Which is why the fast way does neither."""
    mark, text = found
    check_text(mark, text, "text")

    assert text == (REDACTION.free(text) if mark is None else REDACTION.identifier(text))


@pytest.mark.parametrize("key", ["db_password", "pass"])
def test_a_secret_is_taken_out_however_plain_it_is(key: str) -> None:
    """A number too, and the second time it is said."""
    body = RunEvent(state=RunState.START, parameters=(Pair(key=key, value="20260817.55"),))

    for _ in range(2):
        fast, reference = both(body)

        assert fast is not None
        assert b"20260817" not in fast
        assert fast == reference


def test_the_same_body_in_other_runs_is_another_event() -> None:
    """What stands behind the body is kept from one event to the next of the same run only."""
    body = RunEvent(state=RunState.START)
    job = Job(namespace="fraud", name="train")

    for context in (IN_A_RUN, Context(job, "train", "run-2"), Context(job, None, "run-2")):
        fast, reference = both(body, context)

        assert fast is not None
        assert fast == reference


@pytest.mark.parametrize("inputs", [0, 3, 90])
def test_what_honest_jobs_say_goes_the_fast_way(inputs: int) -> None:
    """A run with a few dozen inputs, numbers given as integers, lists for tuples."""
    artifact = Artifact(kind=Kind.DATASET, namespace="lake", name="x", digest="sha256:" + "0" * 64)
    uses: Any = [ArtifactUse(artifact=artifact, rows=1 << 40) for _ in range(inputs)]
    body = RunEvent(state=RunState.COMPLETE, inputs=uses, metrics=(Metric(name="epochs", value=3),))

    fast, reference = both(body)

    assert fast is not None
    assert fast == reference


def test_more_values_than_an_event_may_hold_are_left_to_the_reference() -> None:
    """It refuses them; so does ``emit``."""
    pairs = tuple(Pair(key=f"k{n}", value="") for n in range(MAX_EVENT_NODES // 3 + 1))

    assert both(RunEvent(state=RunState.START, parameters=pairs)) == (None, None)


def test_a_map_with_a_key_twice_is_left_to_the_reference() -> None:
    """It refuses it, in parameters and in metrics."""
    pairs = tuple(Pair(key="lr", value=value) for value in ("0.1", "9"))
    metrics = tuple(Metric(name="auc", value=value) for value in (0.1, 0.9))

    assert both(RunEvent(state=RunState.START, parameters=pairs)) == (None, None)
    assert both(RunEvent(state=RunState.START, metrics=metrics)) == (None, None)


def test_an_envelope_that_breaks_the_contract_is_left_to_the_reference() -> None:
    """A producer, a host or a job with a hidden character."""
    body = RunEvent(state=RunState.START)
    actor = Actor(kind=ActorKind.SERVICE, id="x")
    hidden = Context(Job(namespace="a\u200bb", name="x"), None, "run-1")

    for envelope, context in (
        (Envelope("a\u200bb", actor, None), IN_A_RUN),
        (Envelope("x", actor, Workload(host="a\u200bb")), IN_A_RUN),
        (ENVELOPE, hidden),
    ):
        with pytest.raises(InvalidEvent):
            envelope.seal_up(body, context)
