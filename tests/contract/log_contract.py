"""Every log keeps the promises of ``transport.base``, whatever it is made of.

What is promised: records of one producer come in the order they were appended; every record
comes at least once and its value is never changed; reading resumes from any position a record
gave; a stream without a position is read from its first record. Source: DESIGN 6.

Subclass ``LogContract`` in a test file and give it a fixture ``harness``.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from typing import Protocol

import pytest

from lineseal.transport.base import LogReader, LogRecord, LogWriter

PATIENCE_SECONDS = 60.0
QUIET_SECONDS = 0.05


class LogHarness(Protocol):
    """Makes writers and readers of one log, and closes what the test left open.

    Attributes:
        max_value_bytes: The largest value a writer takes.

    """

    max_value_bytes: int

    def writer(self, producer: str) -> LogWriter:
        """Open a writer whose records are all *producer*'s."""
        ...

    def reader(self) -> LogReader:
        """Open a reader of everything."""
        ...

    def payloads(self, record: LogRecord) -> Sequence[bytes]:
        """Return the values that were appended to make *record*."""
        ...


def append(harness: LogHarness, producer: str, values: Sequence[bytes]) -> None:
    """Append *values* and wait until the log has them; the writer stays open."""
    writer = harness.writer(producer)
    for value in values:
        writer.append(producer, value)
    assert writer.flush(PATIENCE_SECONDS) == 0


def drain(harness: LogHarness, reader: LogReader, count: int, limit: int = 100) -> list[LogRecord]:
    """Poll until *count* values have come and nothing follows them."""
    records: list[LogRecord] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = reader.poll(limit, QUIET_SECONDS)
        records += found
        if not found and len(values_of(harness, records)) >= count:
            return records
    raise AssertionError(f"{len(values_of(harness, records))} of {count} values came")


def values_of(harness: LogHarness, records: Sequence[LogRecord]) -> list[bytes]:
    """Return the values that were appended to make *records*, in order."""
    return [value for record in records for value in harness.payloads(record)]


def numbered(prefix: str, count: int) -> list[bytes]:
    """Return *count* different values."""
    return [f"{prefix} {number}".encode() for number in range(count)]


class LogContract:
    """The promises of a log, each as a test."""

    def test_one_producers_records_come_in_order(self, harness: LogHarness) -> None:
        """The order of appending is the order of reading."""
        values = numbered("event", 50)
        append(harness, "fraud/train", values)

        records = drain(harness, harness.reader(), 50)

        assert values == values_of(harness, records)

    def test_each_producers_order_survives_beside_another(self, harness: LogHarness) -> None:
        """Two producers that write in turns do not disturb each other."""
        left, right = harness.writer("left"), harness.writer("right")
        for value in numbered("event", 20):
            left.append("left", b"l " + value)
            right.append("right", b"r " + value)
        assert left.flush(PATIENCE_SECONDS) + right.flush(PATIENCE_SECONDS) == 0

        records = drain(harness, harness.reader(), 40)

        for key in ("left", "right"):
            mine = [record for record in records if record.key == key]
            assert numbered(f"{key[0]} event", 20) == values_of(harness, mine)

    @pytest.mark.parametrize("size", [1, 127, 128, 60_000, None])
    def test_values_are_never_changed(self, harness: LogHarness, size: int | None) -> None:
        """Any bytes, up to the largest value, come back as they were."""
        size = size or harness.max_value_bytes
        values = [bytes(size), (bytes(range(256)) * (size // 256 + 1))[:size]]
        append(harness, "fraud", values)

        records = drain(harness, harness.reader(), 2)

        assert values == values_of(harness, records)

    @pytest.mark.parametrize(
        "producer", ["a", "fraud/train", "person:älice", "100%", "..", "x" * 300]
    )
    def test_a_record_carries_its_producer(self, harness: LogHarness, producer: str) -> None:
        """Whatever the name looks like."""
        append(harness, producer, [b"event"])

        records = drain(harness, harness.reader(), 1)

        assert {producer} == {record.key for record in records}

    def test_positions_rise_within_a_stream(self, harness: LogHarness) -> None:
        """Each record is behind the one before it, and names the position after itself."""
        append(harness, "fraud", numbered("event", 20))

        records = drain(harness, harness.reader(), 20)

        for before, after in itertools.pairwise(records):
            assert before.stream == after.stream
            assert before.next_position <= after.position

    @pytest.mark.parametrize("limit", [1, 2, 7])
    def test_poll_keeps_its_limit(self, harness: LogHarness, limit: int) -> None:
        """No more records than asked for, and nothing is skipped for it."""
        append(harness, "left", numbered("left", 9))
        append(harness, "right", numbered("right", 9))
        reader = harness.reader()
        seen: list[LogRecord] = []

        while len(values_of(harness, seen)) < 18:
            found = reader.poll(limit, PATIENCE_SECONDS)
            assert 1 <= len(found) <= limit
            seen += found

        assert {*numbered("left", 9), *numbered("right", 9)} == {*values_of(harness, seen)}

    def test_a_poll_of_an_empty_log_gives_nothing(self, harness: LogHarness) -> None:
        """Waiting for nothing ends, and is no error."""
        reader = harness.reader()

        assert not list(reader.poll(10, 0.0))
        assert not list(reader.poll(10, QUIET_SECONDS))

    def test_reading_resumes_after_any_record(self, harness: LogHarness) -> None:
        """A position stored after a record brings exactly the records behind it."""
        append(harness, "fraud", numbered("event", 8))
        records = drain(harness, harness.reader(), 8)

        for index, record in enumerate(records):
            rest = records[index + 1 :]
            reader = harness.reader()
            reader.seek({record.stream: record.next_position})

            again = drain(harness, reader, len(values_of(harness, rest)))

            assert rest == again

    def test_a_stream_without_a_position_starts_at_its_first_record(
        self, harness: LogHarness
    ) -> None:
        """A consumer that never saw a producer gets all of it."""
        append(harness, "known", numbered("known", 4))
        reader = harness.reader()
        known = drain(harness, reader, 4)
        append(harness, "new", numbered("new", 4))
        reader.seek({record.stream: record.next_position for record in known})

        records = drain(harness, reader, 4)

        assert numbered("new", 4) == [
            value for value in values_of(harness, records) if value.startswith(b"new")
        ]

    def test_seeking_back_brings_the_same_records_again(self, harness: LogHarness) -> None:
        """At least once, and byte for byte the same."""
        append(harness, "fraud", numbered("event", 5))
        reader = harness.reader()
        first = drain(harness, reader, 5)
        reader.seek({})

        assert first == drain(harness, reader, 5)

    def test_a_reader_may_come_before_the_first_writer(self, harness: LogHarness) -> None:
        """Whoever starts first, everything comes."""
        reader = harness.reader()
        reader.seek({})
        assert not list(reader.poll(10, 0.0))
        append(harness, "fraud", numbered("event", 3))

        records = drain(harness, reader, 3)

        assert numbered("event", 3) == values_of(harness, records)

    def test_what_comes_later_follows(self, harness: LogHarness) -> None:
        """A reader that reached the end goes on when the end moves."""
        reader = harness.reader()
        writer = harness.writer("fraud")
        seen: list[bytes] = []
        for value in numbered("event", 5):
            writer.append("fraud", value)
            assert writer.flush(PATIENCE_SECONDS) == 0
            seen += values_of(harness, drain(harness, reader, 1))

        assert numbered("event", 5) == seen

    def test_closing_a_writer_loses_nothing(self, harness: LogHarness) -> None:
        """And a producer that opens again goes on behind what it wrote."""
        for part in ("first", "second"):
            writer = harness.writer("fraud")
            for value in numbered(part, 3):
                writer.append("fraud", value)
            assert writer.flush(PATIENCE_SECONDS) == 0
            writer.close()

        records = drain(harness, harness.reader(), 6)

        assert [*numbered("first", 3), *numbered("second", 3)] == values_of(harness, records)

    def test_closing_twice_is_fine(self, harness: LogHarness) -> None:
        """For writers and for readers."""
        writer, reader = harness.writer("fraud"), harness.reader()
        writer.append("fraud", b"event")
        assert writer.flush(PATIENCE_SECONDS) == 0

        writer.close()
        writer.close()
        reader.close()
        reader.close()
