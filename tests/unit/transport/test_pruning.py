"""What is confirmed leaves an outbox file, and the file leaves the disk's space.

What is promised: only files that nobody holds are touched, the last batch stays, positions go on,
and a file that is mostly empty shrinks. Source: DESIGN 2.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from lineseal.transport.embedded import EmbeddedLogReader, EmbeddedLogWriter
from lineseal.transport.relay.prune import prunable, prune

NAME = "trainer"
VALUE = b"x" * 50_000
BATCHES = 60


def write(folder: Path, count: int) -> Path:
    """Append *count* batches and return the file."""
    with closing(EmbeddedLogWriter(folder, NAME)) as writer:
        for _ in range(count):
            writer.append(NAME, VALUE)
    (file,) = folder.glob("*.sqlite")
    return file


def positions(folder: Path) -> list[int]:
    """Return the positions of what is left."""
    return [record.position for record in EmbeddedLogReader(folder).poll(1000, 0.0)]


def test_a_pruned_file_shrinks_and_goes_on_where_it_was(tmp_path: Path) -> None:
    """The last batch says how far the file has come."""
    file = write(tmp_path, BATCHES)
    before = file.stat().st_size

    (pruned,) = prune(tmp_path, {file.name: BATCHES})
    left = positions(tmp_path)
    write(tmp_path, 2)

    assert before > BATCHES * len(VALUE)
    assert file.stat().st_size < before / 10
    assert (pruned.batches, left) == (BATCHES - 1, [BATCHES - 1])
    assert positions(tmp_path) == [BATCHES - 1, BATCHES, BATCHES + 1]


def test_a_file_with_little_to_give_back_is_not_rewritten(tmp_path: Path) -> None:
    """Half of it is still needed."""
    file = write(tmp_path, BATCHES)
    before = file.stat().st_size

    prune(tmp_path, {file.name: BATCHES // 3})

    assert file.stat().st_size == before
    assert positions(tmp_path) == list(range(BATCHES // 3, BATCHES))


def test_a_file_in_use_is_not_touched(tmp_path: Path) -> None:
    """Whoever holds it may be writing."""
    with closing(EmbeddedLogWriter(tmp_path, NAME)) as writer:
        for _ in range(3):
            writer.append(NAME, VALUE)
        (file,) = tmp_path.glob("*.sqlite")
        (pruned,) = prune(tmp_path, {file.name: 3})

    assert pruned.batches is None
    assert positions(tmp_path) == [0, 1, 2]


@pytest.mark.parametrize(
    ("confirmed", "acknowledged", "expected"),
    [
        ({"a": 5}, None, {"a": 5}),
        ({"a": 5}, {"a": 3}, {"a": 3}),
        ({"a": 5}, {"a": 9}, {"a": 5}),
        ({"a": 5}, {}, {"a": 0}),
        ({}, {"a": 9}, {}),
    ],
)
def test_neither_broker_nor_store_alone_lets_anything_go(
    confirmed: dict[str, int], acknowledged: dict[str, int] | None, expected: dict[str, int]
) -> None:
    """With Kafka both have to have it."""
    assert prunable(confirmed, acknowledged) == expected
