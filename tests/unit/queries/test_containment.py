"""What stands follows from the orders alone: two people release, asserted names do not.

Evidence: histories of orders in any order of arrival, and a store in which they reach pipelines.
Source: ADR-0030.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineseal.commandline.output import Answer
from lineseal.consumers.respond.listing import contained_now
from lineseal.queries.containment.answer import reach
from lineseal.queries.containment.standing import About, Order, standing
from lineseal.schemas.errors import NotFound
from lineseal.schemas.model import Containment, ContainmentAction, Registration, Source, Subject

from .gate_world import RAW, Part, World, about, tell

T0 = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - the store keeps naive UTC
TX = About(type="artifact", kind="dataset", namespace="lake", artifact="tx", version="3")
FEED = About(type="source", name="feed")


def order(
    minute: int, action: str, who: str = "alice", *, subject: About = TX, proven: bool = True
) -> Order:
    """Make an order given *minute* minutes after T0."""
    return Order(
        about=subject,
        action=action,
        event_time=T0 + dt.timedelta(minutes=minute),
        event_id=f"order-{minute}-{who}",
        producer=f"person:{who}",
        proven=proven,
        reason="labels flipped",
        ordered_by=who,
    )


FREEZE = order(0, "freeze")


@pytest.mark.parametrize(
    ("more", "stands", "released_by"),
    [
        ((), True, ()),
        ((order(1, "release"),), True, ("alice",)),
        ((order(1, "release"), order(2, "release")), True, ("alice",)),
        ((order(1, "release"), order(2, "release", "Alice@example.com")), True, ("alice",)),
        ((order(1, "release"), order(2, "release", "bob")), False, ()),
        ((order(1, "release"), order(2, "release", "bob", proven=False)), True, ("alice",)),
        ((order(1, "release"), order(2, "freeze", "bob"), order(3, "release")), True, ("alice",)),
        ((order(1, "release", subject=FEED), order(2, "release", "bob")), True, ("bob",)),
        ((order(1, "release"), order(2, "release", "bob"), order(3, "hold", "bob")), True, ()),
    ],
)
def test_two_people_release_what_stands(
    more: tuple[Order, ...],
    stands: bool,
    released_by: tuple[str, ...],
) -> None:
    """Each once, under their own key, since the newest order about exactly that subject."""
    found = standing((FREEZE, *more))

    assert bool(found) is stands
    assert not found or found[0].released_by == released_by


def test_an_asserted_order_stands_but_is_shown_as_such() -> None:
    """So does that of somebody who is no officer; neither takes the place of a proven one."""
    asserted = order(1, "freeze", "bob", proven=False)

    (alone,) = standing([asserted])
    (both,) = standing([FREEZE, asserted])
    (officers,) = standing([FREEZE], officers=["bob"])

    assert (alone.order.proven, both.order.proven, officers.order.proven) == (False, True, False)


orders = st.builds(
    order,
    st.integers(0, 9),
    st.sampled_from(["freeze", "hold", "release"]),
    st.sampled_from(["alice", "bob", "carol"]),
    subject=st.sampled_from([TX, FEED]),
    proven=st.booleans(),
)


@given(history=st.lists(orders, max_size=8, unique_by=lambda one: one.event_id), data=st.data())
def test_what_stands_does_not_depend_on_the_order_of_arrival(
    history: list[Order], data: st.DataObject
) -> None:
    """Any history, in any order, some of it twice."""
    shuffled = data.draw(st.permutations(history))

    assert standing(shuffled) == standing(history)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return the story of the gate's tests, with an owner of its stage."""
    owner = Registration(subject=Subject(type="stage", name="train"), owner="ml-team")
    return tell(tmp_path_factory.mktemp("reach"), None, lambda world: world.jobs.emit(owner))


def ask(world: World, subject: str) -> Answer:
    """Ask what an order would stop."""
    with duckdb.connect(str(world.pipeline.store_path), read_only=True) as connection:
        return reach(connection, subject)


@pytest.mark.parametrize(
    ("subject", "artifacts", "made"),
    [
        ("dataset:lake/raw@1", ["dataset:lake/raw@1"], ["model:reg/fraud@7"]),
        ("dataset:lake/raw", ["dataset:lake/raw@1"], ["model:reg/fraud@7"]),
        ("source:data.example.com", ["dataset:lake/raw@1"], ["model:reg/fraud@7"]),
        ("source:https://data.example.com", ["dataset:lake/raw@1"], ["model:reg/fraud@7"]),
        ("stage:train", [], []),
        ("producer:jobs", [], []),
    ],
)
def test_an_order_says_beforehand_which_pipelines_it_stops(
    world: World, subject: str, artifacts: list[str], made: list[str]
) -> None:
    """The jobs, their owners, and what gates would refuse beside."""
    answer = ask(world, subject)

    assert [(row["stage"], row["producer"], row["owners"]) for row in answer.rows] == [
        ("train", "jobs", ["ml-team"])
    ]
    assert (answer.extra["artifacts"], answer.extra["made_from_it"]) == (artifacts, made)


@pytest.mark.parametrize(
    "subject", ["source:nobody", "stage:nothing", "dataset:lake/row@1", "producer:job"]
)
def test_what_the_store_does_not_know_is_not_found(world: World, subject: str) -> None:
    """A misspelt order would stop nothing and calm everybody."""
    with pytest.raises(NotFound) as caught:
        ask(world, subject)

    assert caught.value.candidates


def freeze(who: str, subject: Subject) -> Containment:
    """Order a freeze."""
    return Containment(
        subject=subject, action=ContainmentAction.FREEZE, reason="flipped", ordered_by=who
    )


TOLD: list[tuple[Part, list[str], list[str]]] = [
    (lambda one: one.person("carol", freeze("carol", about(RAW))), [], ["dataset:lake/raw@1"]),
    (lambda one: one.person("carol", freeze("carol", about(RAW))), ["bob"], []),
    (lambda one: one.jobs.emit(freeze("carol", about(RAW))), [], []),
    (
        lambda one: one.person(
            "carol", freeze("carol", Subject(type="source", name="data.example.com"))
        ),
        [],
        ["source:data.example.com"],
    ),
]


@pytest.mark.parametrize(
    ("tell_it", "officers", "references"),
    TOLD,
    ids=["own key", "no officer", "asserted", "source"],
)
def test_only_proven_orders_reach_the_list_for_jobs(
    tmp_path: Path,
    tell_it: Part,
    officers: list[str],
    references: list[str],
) -> None:
    """A source stands in it as the artifacts that came from there."""
    told = World(tmp_path)
    told.jobs.register(RAW, source=Source(uri="https://data.example.com/raw"))
    tell_it(told)
    told.pipeline.materialise()

    with duckdb.connect(str(told.pipeline.store_path), read_only=True) as connection:
        found = contained_now(connection, officers)

    assert [each.reference for each in found] == references
    assert all(RAW in each.artifacts for each in found)
