"""Watching a library: it never changes what the library does, save for what is contained."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from lineseal.producers.adapters.watching import Watch
from lineseal.schemas.errors import Contained


class Library:
    """A library with one method."""

    def double(self, number: int, *, plus: int = 0) -> int:
        """Return twice the number."""
        if number < 0:
            raise ValueError("the library's own")
        return 2 * number + plus


def _hear_nothing(_call: dict[str, Any], _result: Any) -> None:
    """Hear it."""


def test_an_observer_hears_arguments_by_name_and_the_result() -> None:
    """However they were given; defaults too. A call that fails is not heard."""
    heard: list[tuple[int, int, int]] = []
    watch = Watch("library")
    watch.after(
        Library, "double", lambda call, result: heard.append((call["number"], call["plus"], result))
    )
    library = Library()
    results = [library.double(1), library.double(number=2, plus=3)]
    with pytest.raises(ValueError, match="the library's own"):
        library.double(-1)
    watch.stop()
    library.double(5)

    assert results == [2, 7]
    assert heard == [(1, 0, 2), (2, 3, 7)]


def test_an_observer_that_fails_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """The library's result comes all the same."""
    caplog.set_level(logging.WARNING, "lineseal")

    def fail(call: dict[str, Any], result: Any) -> None:
        raise KeyError("ours")

    watch = Watch("library")
    watch.after(Library, "double", fail)
    try:
        results = [Library().double(1), Library().double(2)]
    finally:
        watch.stop()

    assert results == [2, 4]
    assert [record.getMessage() for record in caplog.records] == [
        "lineseal: library: something was not recorded: KeyError: 'ours'"
    ]


def test_only_what_is_contained_stops_the_job() -> None:
    """The one refusal that is meant."""

    def refuse(call: dict[str, Any], result: Any) -> None:
        raise Contained("frozen")

    watch = Watch("library")
    watch.after(Library, "double", refuse)
    try:
        with pytest.raises(Contained):
            Library().double(1)
    finally:
        watch.stop()


def test_another_wrapper_on_top_stays_and_ours_goes_quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Taking ours off must not take off what came after it; a method that went away is logged."""
    heard: list[int] = []
    before = Library.double
    watch = Watch("library")
    watch.after(Library, "double", lambda _, result: heard.append(result))
    watch.after(Library, "treble", _hear_nothing)
    ours = Library.double

    def later(self: Library, number: int) -> int:
        return ours(self, number) + 1

    Library.double = later  # type: ignore[method-assign,assignment] # pyright: ignore[reportAttributeAccessIssue]
    try:
        watch.stop()
        result = Library().double(1)
    finally:
        Library.double = before  # type: ignore[method-assign]

    assert (result, heard) == (3, [])
    assert "Library.treble does not exist" in caplog.text
