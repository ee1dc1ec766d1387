"""The relay's memory is whole or old, belongs to one topic, and to one relay at a time.

What is promised: what ``advance`` returned from is there after a crash; a file that cannot be
understood is said to be so and stops the relay; positions are never taken for those of another
topic. Source: DESIGN 2, 5; attack table A40; fault list F3.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lineseal.schemas.errors import LogError, RelayBusy, RelayCursorDamaged, TopicReplaced
from lineseal.transport.relay import RelayCursor


def test_what_was_acknowledged_is_remembered(tmp_path: Path) -> None:
    """By file, readable only by its owner."""
    cursor = RelayCursor.open(tmp_path)
    cursor.bind("cluster/topic")
    cursor.advance({"a.0.sqlite": 3, "b.0.sqlite": 1})
    cursor.advance({"a.0.sqlite": 5})
    cursor.close()

    again = RelayCursor.open(tmp_path)
    again.bind("cluster/topic")
    assert again.positions == {"a.0.sqlite": 5, "b.0.sqlite": 1}
    assert (tmp_path / "relay.json").stat().st_mode & 0o777 == 0o600
    again.close()


def test_another_topic_of_the_same_name_is_refused(tmp_path: Path) -> None:
    """What one topic acknowledged says nothing about another, until everything starts over."""
    cursor = RelayCursor.open(tmp_path)
    cursor.bind("cluster/old")
    cursor.advance({"a.0.sqlite": 3})

    with pytest.raises(TopicReplaced, match="--resend"):
        cursor.bind("cluster/new")
    cursor.forget()
    cursor.bind("cluster/new")

    assert cursor.positions == {}
    cursor.close()


def test_a_second_relay_is_told_so(tmp_path: Path) -> None:
    """Until the first has ended."""
    first = RelayCursor.open(tmp_path)

    with pytest.raises(RelayBusy):
        RelayCursor.open(tmp_path)
    first.close()
    first.close()

    RelayCursor.open(tmp_path).close()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"\xff",
        b'{"format": 1, "topic": "x"}',
        b'{"format": 1, "topic": "x", "positions": {"a": "b"}}',
        b'{"format": 1, "topic": "x", "positions": []}',
        json.dumps({"format": 2, "topic": "x", "positions": {}}).encode(),
    ],
)
def test_a_file_that_is_no_cursor_stops_the_relay(tmp_path: Path, content: bytes) -> None:
    """And releases the lock: the next relay gets the same answer."""
    (tmp_path / "relay.json").write_bytes(content)

    for _ in range(2):
        with pytest.raises(RelayCursorDamaged):
            RelayCursor.open(tmp_path)


def test_a_cursor_that_cannot_be_written_stays_as_it_was(tmp_path: Path) -> None:
    """A full or read-only disk is an error that may pass."""
    cursor = RelayCursor.open(tmp_path)
    cursor.bind("cluster/topic")
    cursor.advance({"a.0.sqlite": 3})
    (tmp_path / "relay.new").mkdir()

    with pytest.raises(LogError) as caught:
        cursor.advance({"a.0.sqlite": 4})
    assert caught.value.retryable
    cursor.close()

    again = RelayCursor.open(tmp_path)
    assert again.positions == {"a.0.sqlite": 3}
    again.close()
