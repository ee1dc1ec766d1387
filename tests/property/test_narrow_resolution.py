"""Resolving only what a commit can change leaves the very rows that resolving all would.

What is promised: over random histories in random commits, with late, repeated, conflicting and
unversioned uses, the tables of the graph are the same row for row, ids and both transaction times
included, whether each commit resolves all of every name it touches or only what it can change; and
all ways of narrowing are taken. Source: ADR-0004, "What a commit resolves again".
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files

import duckdb
import pytest
from tests.property.graph_oracle import Said, Use
from tests.property.test_graph_resolution import commit_time, insert

from lineseal.consumers.resolve import resolve

HISTORIES = 8
_ROWS = "SELECT * FROM {} ORDER BY ALL"
Stores = tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection]
"""One in which each commit resolves all of every name, one in which only what it can change."""


@pytest.fixture
def stores() -> Iterator[Stores]:
    """Open two empty stores in memory."""
    with duckdb.connect(":memory:") as whole, duckdb.connect(":memory:") as narrow:
        for opened in (whole, narrow):
            opened.execute("SET threads = 1")  # so few rows are not worth a second one
            for name in ("0001_store.sql", "0002_bodies.sql"):
                opened.execute(files("lineseal.schemas").joinpath("ddl", name).read_text("utf-8"))
        yield whole, narrow


def test_a_commit_that_resolves_less_leaves_the_same_rows(stores: Stores) -> None:
    """Both stores hold the same rows after every commit, and every way was taken."""
    ways: Counter[str] = Counter()
    for seed in range(HISTORIES):
        draw = random.Random(seed)  # noqa: S311 - invented data, no secret
        cap = draw.choice([1, 2, 64])
        ways += compare(list(commits(draw)), cap, stores)

    assert min(ways["parts"], ways["reads"]) > HISTORIES
    assert ways["whole"]


def test_a_node_that_turns_out_to_have_appeared_earlier_dates_who_read_it_by_time(
    stores: Stores,
) -> None:
    """Nothing is written and nobody says anything new, but a read of old is told late."""
    first = [
        said("w", 0),
        said("w", 10, ("output", "1")),
        said("by-time", 5, ("input", None)),
        said("by-version", 12, ("input", "1")),
    ]

    ways = compare([first, [said("late", 3, ("input", "1"))]], 64, stores)

    assert ways == {"reads": 2}


def test_reads_of_what_is_too_many_share_one_node(stores: Stores) -> None:
    """Also with a second such version, and when the node of unknown version is there already."""
    first = [
        said("w", 1, ("output", "1", "x")),
        said("v", 1, ("output", "1", "y")),
        said("r", 2, ("input", "1")),
    ]
    second = [
        said("u", 3, ("output", "2", "z"), ("output", "2", "t")),
        said("s", 1, ("input", "2")),
    ]

    ways = compare([first, second, [said("q", 4, ("input", "1"))]], 1, stores)

    assert ways == {"whole": 3}


def test_a_write_long_ago_changes_what_was_read_since(stores: Stores) -> None:
    """A version, a registration and a write without version are told late; one write is longer."""
    first = [said(f"r{at}", at, ("input", None)) for at in range(1, 9)]
    later = [
        [said("w", 2, ("output", "1"))],
        [Said("registered", None, 4, False, (Use("registration", "a", "2", None),))],
        [said("x", 6, ("output", None))],
        [said("w", 5)],
        [said("y", 9, ("output", "1"))],
    ]

    ways = compare([first, *later], 64, stores)

    assert ways == {"reads": 6}


@pytest.mark.parametrize("also", [[], [("input", None)]], ids=["parts", "reads"])
def test_what_others_said_before_comes_to_mean_something_else(
    stores: Stores, also: list[tuple[str, None]]
) -> None:
    """A digest completes a version, a second carrier is made, a run's own node gets a version."""
    first = [
        said("z", 0, *also),
        said("a", 1, ("input", "1", "x")),
        said("b", 1, ("input", "2", "x"), ("output", "1")),
        said("r", 2, ("input", None, "x"), ("input", "3")),
        told("i", 3, ("output", None)),
    ]
    later = [
        [said("w", 40, ("output", "2"))],
        [said("v", 50, ("output", "3", "y"))],
        [told("i", 60, ("output", "5"))],
    ]

    ways = compare([first, *later], 64, stores)

    assert ways == {"reads" if also else "parts": 4}


@pytest.mark.parametrize("also", [[], [("input", None)]], ids=["parts", "reads"])
def test_what_was_too_much_may_become_little(stores: Stores, also: list[tuple[str, None]]) -> None:
    """Two versions carry a digest that somebody read, then one of them is written."""
    first = [
        said("z", 0, *also),
        said("a", 1, ("input", "1", "x")),
        said("b", 1, ("input", "2", "x")),
        said("r", 2, ("input", None, "x")),
    ]

    ways = compare([first, [said("w", 40, ("output", "1", "x"))]], 1, stores)

    assert ways == {"whole": 2}


UseOfA = tuple[str, str | None] | tuple[str, str | None, str]
"""How artifact ``a`` is used: direction, version, perhaps a digest."""


def said(run: str, at: int, *uses: UseOfA) -> Said:
    """Give an event of a run."""
    named = (Use(use[0], "a", use[1], use[2] if len(use) > 2 else None) for use in uses)
    return Said(f"{run}-{at}", ("p", run), at, False, tuple(named))


def told(run: str, at: int, *uses: UseOfA) -> Said:
    """Give an event that an import tells of a run, in instalments."""
    return replace(said(run, at, *uses), imported=True)


def compare(history: list[list[Said]], cap: int, stores: Stores) -> Counter[str]:
    """Commit a history to both stores; give in which way its names were resolved."""
    whole, narrow = stores
    ways: Counter[str] = Counter()
    for connection in stores:
        connection.execute("BEGIN")
    for number, events in enumerate(history):
        for connection in stores:
            for event in events:
                insert(connection, event, commit_time(number))
        resolve(whole, commit_time(number), max_candidates=cap, narrow=False)
        ways.update(resolve(narrow, commit_time(number), max_candidates=cap))

        for table in ("artifact_version", "edge"):
            expected, found = (c.execute(_ROWS.format(table)).fetchall() for c in stores)
            assert found == expected, f"commit {number}, {table}"
    for connection in stores:
        connection.execute("ROLLBACK")
    return ways


def commits(draw: random.Random) -> Iterator[list[Said]]:
    """Give the events of each commit; each name has its own manner of being spoken of."""
    manners = {name: (draw.random(), draw.random(), draw.random() / 2) for name in "ab"}
    runs = [("p", f"r{number}") for number in range(12)]
    before: list[Said] = []
    for number in range(draw.randint(4, 10)):
        events: list[Said] = []
        for _ in range(draw.randint(1, 3)):
            if before and draw.random() < 0.15:
                events.append(draw.choice(before))
                continue
            # about as late as what else is said now, now and then much earlier
            at = max(0, 2 * number + draw.randint(-3, 3)) if draw.random() < 0.9 else 0
            run = draw.choice(runs) if draw.random() < 0.85 else None
            uses = tuple(use(draw, manners, run) for _ in range(draw.randint(run is None, 2)))
            events.append(Said(f"{draw.getrandbits(40):010x}", run, at, draw.random() < 0.3, uses))
        before += events
        yield events


def use(
    draw: random.Random,
    manners: dict[str, tuple[float, float, float]],
    run: tuple[str, str] | None,
) -> Use:
    """Name an artifact: with a version, a digest, both or neither, as is the manner there."""
    name = draw.choice(list(manners))
    bare, digests, writes = manners[name]
    direction = "output" if draw.random() < writes else "input"
    if run is None:
        direction = "registration"
    if direction == "input" and bare > 0.5 and draw.random() < bare:
        return Use(direction, name, None, None)
    version = draw.choice("123") if draw.random() < 0.8 else None
    digest = draw.choice("xy") if draw.random() < digests else None
    return Use(direction, name, version, digest)
