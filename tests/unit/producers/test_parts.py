"""A run of any size is recorded whole, in as few events as it needs.

What is promised: a run event that fits is not split; one that does not becomes numbered parts,
each of which encodes; together they hold every item once and in order; what stands once (code,
message) stands in part 0. Source: DESIGN 4.2 (60 KiB).

Evidence: runs with up to thousands of items of any size, encoded for real.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineseal.producers.envelope import Context, Envelope
from lineseal.producers.parts import split_run
from lineseal.producers.text import fit, fit_redacted, to_text
from lineseal.schemas.limits import MAX_STRING_BYTES
from lineseal.schemas.model import (
    Actor,
    ActorKind,
    Artifact,
    ArtifactUse,
    Code,
    Job,
    Kind,
    Metric,
    Pair,
    RunEvent,
    RunState,
    Workload,
)

LONG = "n" * 1024
WIDE = Envelope(LONG, Actor(kind=ActorKind.SERVICE, id=LONG), Workload(host=LONG, identity=LONG))
CONTEXT = Context(Job(namespace=LONG, name=LONG), LONG, LONG)


def use(number: int, size: int) -> ArtifactUse:
    """Return an input whose location has *size* bytes."""
    target = Artifact(kind=Kind.DATASET, namespace="lake", name=f"part-{number}")
    return ArtifactUse(artifact=target, location="x" * size)


def run_event(inputs: int, size: int, parameters: int = 0, metrics: int = 0) -> RunEvent:
    """Return a run event with so many items."""
    return RunEvent(
        state=RunState.START,
        inputs=tuple(use(number, size) for number in range(inputs)),
        outputs=tuple(use(number, 1) for number in range(inputs // 3)),
        parameters=tuple(Pair(key=f"p{number}", value="v" * 9) for number in range(parameters)),
        metrics=tuple(Metric(name=f"m{number}", value=1.0) for number in range(metrics)),
        code=Code(commit="c" * 40, entry_point="e" * 8000),
        message="m" * 8000,
        trigger="t" * 8000,
    )


def test_a_small_run_is_one_event_without_a_part() -> None:
    """Numbering is only for those that need it."""
    event = run_event(3, 10)

    assert split_run(event) == [event]


@pytest.mark.parametrize(
    ("inputs", "size", "parameters", "metrics"),
    [(20, 8192, 0, 0), (5000, 1, 0, 0), (0, 0, 3000, 3000), (700, 700, 700, 700), (0, 0, 0, 9000)],
)
def test_each_part_encodes_and_together_they_hold_all(
    inputs: int, size: int, parameters: int, metrics: int
) -> None:
    """Even in the widest envelope the contract allows."""
    event = run_event(inputs, size, parameters, metrics)

    parts = split_run(event)

    for part in parts:
        WIDE.seal_up(part, CONTEXT)  # raises when it is too large
    assert [part.part for part in parts] == list(range(len(parts)))
    for name in ("inputs", "outputs", "parameters", "metrics"):
        together = [item for part in parts for item in getattr(part, name)]
        assert together == list(getattr(event, name))
    assert [part.message is not None for part in parts] == [True] + [False] * (len(parts) - 1)
    assert all(part.code is None for part in parts[1:])


@given(st.lists(st.integers(0, 8192), min_size=1, max_size=40))
def test_no_mix_of_sizes_makes_a_part_too_large(sizes: list[int]) -> None:
    """Whatever the order of large and small."""
    event = RunEvent(
        state=RunState.RUNNING, inputs=tuple(use(n, size) for n, size in enumerate(sizes))
    )

    parts = split_run(event)

    for part in parts:
        WIDE.seal_up(part, CONTEXT)  # raises when it is too large
    assert [item for part in parts for item in part.inputs] == list(event.inputs)


@given(st.text())
def test_any_text_is_made_to_fit(text: str) -> None:
    """Valid UTF-8 of at most 8 KiB; what fits already stays."""
    fitted = fit(text * 300)

    assert len(fitted.encode()) <= MAX_STRING_BYTES
    assert fit(fitted) == fitted


def test_a_cut_text_says_so_and_stays_different() -> None:
    """Two configurations that differ at their end must not look the same."""
    one, other = fit("x" * 9000 + "a"), fit("x" * 9000 + "b")

    assert "cut: 9001 bytes" in one
    assert one != other
    assert fit("\ud800") == "?"


def test_a_secret_on_the_edge_of_the_cut_is_not_half_kept() -> None:
    """Redaction comes before the cut."""
    text = "x" * 8000 + " password=" + "s" * 400

    assert "sss" not in fit_redacted(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("as it is", "as it is"),
        (True, "true"),
        (None, "null"),
        (0.1, "0.1"),
        (10, "10"),
        ([1, "ä"], '[1, "ä"]'),
        ({"b": 1, "a": {"c": 2}}, '{"a": {"c": 2}, "b": 1}'),
        ({1: "a", "b": 2}, "{1: 'a', 'b': 2}"),
        (RunState.START, "START"),
        (frozenset(), "frozenset()"),
    ],
)
def test_a_parameter_is_text(value: object, expected: str) -> None:
    """JSON where JSON can say it, in an order that does not change."""
    assert to_text(value) == expected
