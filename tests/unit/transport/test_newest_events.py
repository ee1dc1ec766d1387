"""What a process accepted is sealed as it was given, without being read back from its file.

What is promised: the bytes are those that ``accept`` was given; a file that somebody changed
meanwhile is read row by row, and told of; a sealer that falls far behind loses nothing.
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from tests.unit.transport.world import (
    ask,
    check_chains,
    events,
    open_outbox,
    records_in,
    sealed_in,
    verified,
)

from lineseal.schemas.errors import OutboxForged
from lineseal.schemas.limits import MAX_BATCH_BYTES, MAX_EVENT_BYTES
from lineseal.transport.embedded import Outbox
from lineseal.transport.embedded.outbox import DAMAGE_REASON
from lineseal.transport.embedded.waiting import Newest


def watch(outbox: Outbox) -> list[str]:
    """Return a list that gets every statement an outbox runs."""
    said: list[str] = []
    connection: sqlite3.Connection = outbox._database._connection
    connection.set_trace_callback(said.append)
    return said


def test_events_are_not_read_back(tmp_path: Path) -> None:
    """Neither in one batch nor in several; those of an opening before are."""
    with open_outbox(tmp_path) as outbox:
        for start in range(0, 1500, 500):
            outbox.accept(events(1500)[start : start + 500])
        said = watch(outbox)
        outbox.seal_pending()
        outbox.accept([b"more"])

    assert not [text for text in said if "event AS BLOB" in text]
    assert sealed_in(tmp_path) == [*events(1500), b"more"]
    assert len(check_chains(verified(records_in(tmp_path)))) == 1


def test_a_row_changed_under_a_living_process_changes_nothing(tmp_path: Path) -> None:
    """What is signed is what was accepted."""
    with open_outbox(tmp_path) as outbox:
        outbox.accept(events(3))
        ask(outbox.path, "UPDATE pending SET event = x'61', crc = 3904355907 WHERE seq = 2")

    assert sealed_in(tmp_path) == events(3)


@pytest.mark.parametrize(
    ("change", "sealed", "reason"),
    [
        ("DELETE FROM pending WHERE seq = 2", [0, 2], DAMAGE_REASON),
        ("INSERT INTO pending VALUES (0, 0, x'00', x'61')", [0, 1, 2], OutboxForged.code),
    ],
)
def test_rows_gone_or_added_under_a_living_process_are_told(
    tmp_path: Path, change: str, sealed: list[int], reason: str
) -> None:
    """As they are when a later opening finds them."""
    with open_outbox(tmp_path) as outbox:
        outbox.accept(events(3))
        ask(outbox.path, change)

    (batch,) = verified(records_in(tmp_path))

    assert list(batch.events) == [events(3)[number] for number in sealed]
    assert batch.header.loss is not None
    assert (batch.header.loss.count, batch.header.loss.reason) == (1, reason)


def test_a_sealer_far_behind_reads_what_memory_no_longer_holds(tmp_path: Path) -> None:
    """In order, each once; what is remembered stays bounded."""
    large = [bytes([number]) * MAX_EVENT_BYTES for number in range(150)]
    with open_outbox(tmp_path) as outbox:
        for number in range(0, 150, 30):
            outbox.accept(large[number : number + 30])
            assert outbox._database._newest._size <= 4 * MAX_BATCH_BYTES
        outbox.seal_pending()
        outbox.accept([b"more"])

    assert sealed_in(tmp_path) == [*large, b"more"]
    assert len(check_chains(verified(records_in(tmp_path)))) == 1


def test_newest_gives_nothing_it_does_not_hold_whole() -> None:
    """Rows before it, behind it, or behind a gap."""
    newest = Newest()
    newest.add(5, events(3))

    assert newest.chunk(4, 7, 10, 100) is None
    assert newest.chunk(5, 8, 10, 100) is None
    assert newest.chunk(5, 4, 10, 100) is None
    found = newest.chunk(5, 7, 2, 100)
    assert found is not None
    assert (found.events, found.rows, found.last_row, found.more) == (
        tuple(events(2)),
        2,
        6,
        True,
    )

    newest.drop(6)
    newest.add(9, [b"behind a gap"])

    assert newest.chunk(7, 9, 10, 100) is None
