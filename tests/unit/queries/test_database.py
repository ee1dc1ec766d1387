"""Opening the store to be read waits for a writer, and every failure says what to do.

Source: DESIGN 7 (one writer; the user never sees the lock).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from lineseal.queries.database import open_store, schema_version
from lineseal.schemas.errors import NotFound, StoreBusy, StoreDamaged, StoreIncompatible

from .graph_builder import Graph

WRITER = """
import sys, time, duckdb
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
time.sleep(float(sys.argv[2]))
connection.close()
"""


def writer(path: Path, seconds: float) -> subprocess.Popen[str]:
    """Start a process that holds the store open for writing, and wait until it does."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return a store with a node in it."""
    graph = Graph()
    graph.node("model:x/m@1")
    return graph.save(tmp_path / "lineseal.duckdb")


def test_a_store_is_read_and_never_written(store: Path) -> None:
    """The connection cannot change anything."""
    with open_store(store) as connection:
        assert connection.execute("SELECT count(*) FROM artifact_version").fetchall() == [(1,)]
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            connection.execute("DELETE FROM artifact_version")


def test_two_readers_at_once_are_fine(store: Path) -> None:
    """Many may read."""
    with open_store(store) as one, open_store(store) as two:
        assert one.execute("SELECT 1").fetchall() == two.execute("SELECT 1").fetchall()


def test_no_extension_and_no_file_is_in_reach(store: Path) -> None:
    """Neither loaded by itself nor on request."""
    with open_store(store) as connection:
        with pytest.raises(duckdb.PermissionException):
            connection.execute("SELECT * FROM read_text('/etc/passwd')")
        with pytest.raises(duckdb.Error):
            connection.execute("LOAD httpfs")


def test_a_missing_store_says_what_to_run(tmp_path: Path) -> None:
    """Before the first materialisation, and when the tables are not there yet."""
    with pytest.raises(NotFound, match="lineseal materialise"), open_store(tmp_path / "none"):
        pass
    empty = tmp_path / "empty.duckdb"
    duckdb.connect(empty).close()
    with pytest.raises(NotFound, match="is empty; run 'lineseal materialise'"), open_store(empty):
        pass


def test_what_is_no_store_is_said(tmp_path: Path) -> None:
    """Somebody's text file is not opened, nor changed."""
    path = tmp_path / "lineseal.duckdb"
    path.write_text("hello")
    with pytest.raises(StoreDamaged, match="'lineseal rebuild' makes"), open_store(path):
        pass

    assert path.read_text() == "hello"


def test_a_writer_is_waited_for(store: Path) -> None:
    """The reader gets in once the writer has finished."""
    with writer(store, 0.5) as process:
        with open_store(store) as connection:
            assert connection.execute("SELECT count(*) FROM artifact_version").fetchall() == [(1,)]
        assert process.wait() == 0


def test_a_writer_that_stays_is_named(store: Path) -> None:
    """With its process id, and what to do about it."""
    with writer(store, 60) as process:
        try:
            with (
                pytest.raises(StoreBusy, match=f"process {process.pid} is writing") as caught,
                open_store(store, wait=0.2),
            ):
                pass
        finally:
            process.kill()

    assert "lineseal materialise" in str(caught.value)


def test_a_newer_store_is_not_misread(store: Path) -> None:
    """Tables may mean something else there."""
    with duckdb.connect(store) as connection:
        connection.execute("UPDATE store_fact SET value = '9999'")
    with pytest.raises(StoreIncompatible, match=f"up to {schema_version()}"), open_store(store):
        pass
