"""A reader sees everything that is sealed, and is never in a writer's way.

What is promised: live, closed, killed, half-made and damaged files are read as far as they can
be, without writing to them; one bad file stops no other; a poll is fair between producers.
Source: DESIGN 2, 6; faults F21 to F24.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.unit.transport.world import ask

from lineseal.schemas.errors import LogError
from lineseal.schemas.limits import MAX_RECORD_BYTES
from lineseal.transport.embedded import EmbeddedLogReader, EmbeddedLogWriter
from lineseal.transport.embedded.survey import survey

LONG_AGO = 1_000_000_000.0

ENDLESS_VIEW = """
CREATE VIEW batch AS WITH RECURSIVE t(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM t)
SELECT n AS position, 'bad' AS key, x'00' AS value FROM t WHERE n < 0
"""
KILLED_WRITER = """
import os, signal, sys
from pathlib import Path
from lineseal.transport.embedded import EmbeddedLogWriter

writer = EmbeddedLogWriter(Path(sys.argv[1]), "killed")
for number in range(50):
    writer.append("killed", b"%d" % number)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[EmbeddedLogReader]:
    """Give a reader of the folder ``tmp_path``."""
    reader = EmbeddedLogReader(tmp_path)
    yield reader
    reader.close()


def write(folder: Path, name: str, *values: bytes) -> Path:
    """Write a closed log file and return its path."""
    writer = EmbeddedLogWriter(folder, name)
    for value in values:
        writer.append(name, value)
    writer.close()
    return max(folder.glob(f"{name}.*.sqlite"))


def read(reader: EmbeddedLogReader, limit: int = 100) -> list[bytes]:
    """Return the values of one poll that does not wait."""
    return [record.value for record in reader.poll(limit, 0.0)]


def test_a_killed_writers_records_are_read_and_its_files_left_as_they_are(tmp_path: Path) -> None:
    """With and without the shared memory it left."""
    subprocess.run([sys.executable, "-c", KILLED_WRITER, str(tmp_path)], check=False)
    database = tmp_path / "killed.0.sqlite"
    wal = tmp_path / "killed.0.sqlite-wal"
    before = database.read_bytes(), wal.read_bytes()
    assert before[1]

    for remove in (False, True):
        if remove:
            (tmp_path / "killed.0.sqlite-shm").unlink()
        with closing(EmbeddedLogReader(tmp_path)) as reader:
            assert [b"%d" % number for number in range(50)] == read(reader)

    assert before == (database.read_bytes(), wal.read_bytes())


def test_a_writer_goes_on_behind_a_killed_one_while_it_is_read(
    tmp_path: Path, reader: EmbeddedLogReader
) -> None:
    """Neither breaks the other."""
    subprocess.run([sys.executable, "-c", KILLED_WRITER, str(tmp_path)], check=False)
    assert len(read(reader, 20)) == 20
    with closing(EmbeddedLogWriter(tmp_path, "killed")) as writer:
        writer.append("killed", b"new")
        assert len(read(reader)) == 31
        writer.append("killed", b"newer")

    assert read(reader) == [b"newer"]


def test_a_damaged_file_is_named_once_and_stops_no_other(
    tmp_path: Path, reader: EmbeddedLogReader, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says so once; the property as long as it lasts."""
    bad = write(tmp_path, "bad", b"lost")
    write(tmp_path, "good", b"kept")
    good_bytes = bad.read_bytes()
    bad.write_bytes(b"rubbish" * 1000)

    assert read(reader) == [b"kept"]
    assert not read(reader)
    assert [bad.name] == list(reader.damaged)
    assert caplog.text.count("is damaged") == 1

    bad.write_bytes(good_bytes)

    assert read(reader) == [b"lost"]
    assert not reader.damaged


def test_batches_before_the_damage_are_still_read(
    tmp_path: Path, reader: EmbeddedLogReader
) -> None:
    """What can be read is read; then the file is named."""
    bad = write(tmp_path, "bad", b"a", b"b", b"c")
    ask(bad, "UPDATE batch SET value = 'no bytes' WHERE position = 2")

    assert read(reader) == [b"a", b"b"]
    assert not read(reader)
    assert [bad.name] == list(reader.damaged)


def test_another_programs_database_is_named_as_damaged(
    tmp_path: Path, reader: EmbeddedLogReader
) -> None:
    """It is no log file, and nobody writes to it."""
    ask(tmp_path / "foreign.0.sqlite", "CREATE TABLE notes(text)")

    assert not read(reader)
    assert "exactly the tables" in str(reader.damaged["foreign.0.sqlite"])


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TRIGGER t AFTER INSERT ON pending BEGIN DELETE FROM pending; END"],
        ["CREATE VIEW v AS SELECT 1"],
        ["CREATE INDEX i ON batch(key)"],
        ["CREATE TABLE notes(text)"],
        ["ALTER TABLE batch ADD COLUMN more"],
        ["DROP TABLE damaged"],
        ["ALTER TABLE damaged RENAME TO other"],
        ["DROP TABLE batch", ENDLESS_VIEW],
        ["DROP TABLE meta", "CREATE VIEW meta AS SELECT 1 AS format, 9 AS next_position"],
        ["UPDATE meta SET next_position = 'abc'"],
        ["UPDATE meta SET next_position = x'00'"],
        ["UPDATE meta SET next_position = -1"],
        ["UPDATE meta SET next_position = 9223372036854775807"],
        ["UPDATE meta SET format = CAST(x'ff' AS TEXT)"],
        ["DELETE FROM meta"],
        ["UPDATE batch SET position = 9223372036854775807"],
        ["UPDATE batch SET position = 4611686018427387905"],
        ["UPDATE batch SET position = -1"],
        ["UPDATE batch SET key = 'a' || char(55296)"],
        ["UPDATE batch SET key = CAST(x'ff' AS TEXT)"],
        ["UPDATE batch SET key = x'61'"],
        ["UPDATE batch SET key = CAST(zeroblob(2000000) AS TEXT)"],
        ["UPDATE batch SET value = 'text'"],
        ["UPDATE batch SET value = 1"],
        ["UPDATE batch SET value = zeroblob(1048577)"],
        ["UPDATE batch SET value = zeroblob(20000000)"],
    ],
)
def test_a_file_somebody_tampered_with_is_damaged(
    tmp_path: Path, reader: EmbeddedLogReader, statements: list[str]
) -> None:
    """Whatever SQL can put into a file: it is named, nothing of it is run, the others go on."""
    bad = write(tmp_path, "bad", b"a")
    write(tmp_path, "good", b"b")
    for statement in statements:
        ask(bad, statement)

    assert read(reader) == [b"b"]
    assert [bad.name] == list(reader.damaged)
    assert [s.stream for s in survey(tmp_path)] == [bad.name, "good.0.sqlite"]


def test_the_largest_record_is_read(tmp_path: Path, reader: EmbeddedLogReader) -> None:
    """What a writer may write is within what a reader reads."""
    write(tmp_path, "large", bytes(MAX_RECORD_BYTES))

    assert [len(value) for value in read(reader)] == [MAX_RECORD_BYTES]


@pytest.mark.parametrize(
    "name",
    [
        b"\xff.0.sqlite",
        b"a\x1b[31m\n.0.sqlite",
        b"a b.0.sqlite",
        b"a.sqlite",
        b"a.00.sqlite",
        b"a.0.sqlite.sqlite",
        b"a%2f.0.sqlite",
        b"a%61.0.sqlite",
        b"a%FF.0.sqlite",
        b"a" * 161 + b".0.sqlite",
    ],
)
def test_a_file_that_no_writer_names_so_is_no_stream(
    tmp_path: Path, reader: EmbeddedLogReader, name: bytes
) -> None:
    """Its name could not be stored or shown."""
    shutil.copy(write(tmp_path, "good", b"b"), tmp_path / os.fsdecode(name))

    assert [record.stream for record in reader.poll(10, 0.0)] == ["good.0.sqlite"]
    assert not reader.damaged


@pytest.mark.parametrize("name", ["..", "a/b", "\u00e9~x y", "%", "\u0436" * 100, "z" * 500])
def test_whatever_a_writer_names_is_a_stream(
    tmp_path: Path, reader: EmbeddedLogReader, name: str
) -> None:
    """Also names that are quoted, and long ones that are cut."""
    writer = EmbeddedLogWriter(tmp_path, name)
    writer.append(name, b"value")
    writer.close()

    assert read(reader) == [b"value"]


def test_a_file_that_is_being_made_is_looked_at_again(
    tmp_path: Path, reader: EmbeddedLogReader
) -> None:
    """Empty, or without its tables: the writer is not that far yet."""
    (tmp_path / "new.0.sqlite").touch(0o600)
    assert not read(reader)
    ask(tmp_path / "new.0.sqlite", "PRAGMA journal_mode = WAL")
    assert not read(reader)
    assert not reader.damaged
    write(tmp_path, "new", b"value")

    assert read(reader) == [b"value"]


def test_a_locked_file_is_looked_at_again(tmp_path: Path, reader: EmbeddedLogReader) -> None:
    """Another connection recovers or closes it at this moment."""
    path = write(tmp_path, "locked", b"value")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        assert not read(reader)
        assert not reader.damaged
        connection.execute("ROLLBACK")

    assert read(reader) == [b"value"]


def test_a_file_that_vanishes_is_forgotten(tmp_path: Path, reader: EmbeddedLogReader) -> None:
    """The others go on."""
    gone = write(tmp_path, "gone", b"a")
    assert read(reader) == [b"a"]
    gone.unlink()
    write(tmp_path, "other", b"b")

    assert read(reader) == [b"b"]


def test_a_position_behind_the_end_starts_the_stream_anew(
    tmp_path: Path, reader: EmbeddedLogReader, caplog: pytest.LogCaptureFixture
) -> None:
    """Another file under an old name: reading twice is harmless, skipping is not."""
    path = write(tmp_path, "fraud", b"a", b"b")
    reader.seek({path.name: 7})

    assert read(reader) == [b"a", b"b"]
    assert not read(reader)
    assert "reading it anew" in caplog.text


def test_a_busy_producer_does_not_starve_the_others(
    tmp_path: Path, reader: EmbeddedLogReader
) -> None:
    """Each gets its turn before one gets a second."""
    write(tmp_path, "a", *(b"a" for _ in range(50)))
    write(tmp_path, "b", b"b")
    write(tmp_path, "c", b"c")

    assert [read(reader, 1)[0] for _ in range(4)] == [b"a", b"b", b"c", b"a"]


def test_a_poll_reads_a_bounded_number_of_bytes(tmp_path: Path, reader: EmbeddedLogReader) -> None:
    """About 32 MiB, so that large batches do not fill the memory; nothing is skipped."""
    for name in ("a", "b"):
        write(tmp_path, name, *(bytes(1 << 20) for _ in range(20)))

    polls = [len(read(reader)) for _ in range(3)]

    assert sum(polls) == 40
    assert polls[0] < 40


def test_a_file_that_did_not_change_is_not_opened_again(
    tmp_path: Path, reader: EmbeddedLogReader
) -> None:
    """Shown by damage that leaves size and time as they were: nobody looks until they change."""
    path = write(tmp_path, "quiet", b"value")
    assert read(reader) == [b"value"]
    files = [path, *tmp_path.glob("*-wal")]
    for file in files:
        os.utime(file, (LONG_AGO, LONG_AGO))
    assert not read(reader)
    path.write_bytes(bytes(path.stat().st_size))
    os.utime(path, (LONG_AGO, LONG_AGO))
    assert not read(reader)
    assert not reader.damaged

    os.utime(path, (LONG_AGO + 1, LONG_AGO + 1))

    assert not read(reader)
    assert reader.damaged


def test_a_waiting_poll_returns_what_comes(tmp_path: Path, reader: EmbeddedLogReader) -> None:
    """Also when even the folder comes later."""
    folder = tmp_path / "later"
    thread = threading.Thread(target=write, args=(folder, "fraud", b"value"))
    with closing(EmbeddedLogReader(folder)) as waiting:
        thread.start()
        records = waiting.poll(10, 60.0)
        thread.join()

    assert [record.value for record in records] == [b"value"]


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path: Path) -> None:
    """It is not the same as an empty log."""
    file = tmp_path / "file"
    file.touch()
    with closing(EmbeddedLogReader(file)) as reader, pytest.raises(LogError, match="cannot list"):
        reader.poll(1, 0.0)


def test_a_copied_folder_reads_the_same(tmp_path: Path) -> None:
    """Streams are file names, so positions hold in a restored or moved folder."""
    write(tmp_path / "one", "fraud", b"a", b"b")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    with (
        closing(EmbeddedLogReader(tmp_path / "one")) as one,
        closing(EmbeddedLogReader(tmp_path / "two")) as two,
    ):
        assert list(one.poll(10, 0.0)) == list(two.poll(10, 0.0))
