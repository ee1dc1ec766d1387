"""A store opens for one writer, for its own deployment, and only forward.

What is promised: files are private; a second process learns who holds the store; a store of a
newer Lineseal or another deployment is left alone; migrations are numbered and recorded; no
statement can load code or touch other files. Source: DESIGN 7; reference 4.4; F51, F57.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import duckdb
import pytest

from lineseal.consumers.store import Store, write_fact
from lineseal.queries.database import schema_version
from lineseal.schemas.errors import StoreBusy, StoreDamaged, StoreError, StoreIncompatible


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a store that does not exist yet."""
    return tmp_path / "store" / "lineseal.duckdb"


def make(path: Path) -> None:
    """Make an empty store."""
    with Store(path, deployment="prod"):
        pass


def mode(path: Path) -> int:
    """Return the permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_store_is_private_and_says_what_it_is(path: Path) -> None:
    """Folder 0700, file 0600; schema version and deployment are recorded."""
    with Store(path, deployment="prod") as store:
        facts = (store.fact("schema_version"), store.fact("deployment"), store.fact("other"))

    assert facts == (str(schema_version()), "prod", None)
    assert (mode(path.parent), mode(path)) == (0o700, 0o600)


def test_it_opens_again_after_release(path: Path) -> None:
    """Whoever holds a Store may release it as often as they like."""
    store = Store(path, deployment="prod")
    assert not store.is_open
    assert store.positions() == {}
    assert store.is_open
    store.release()
    store.release()
    assert not store.is_open
    with duckdb.connect(str(path), read_only=True) as reader:
        assert reader.execute("SELECT count(*) FROM event").fetchone() == (0,)
    assert store.positions() == {}
    store.release()


@contextmanager
def holder(path: Path, *, read_only: bool = False) -> Generator[int]:
    """Hold the file in another process, and give its id."""
    program = (
        f"import duckdb; c = duckdb.connect({str(path)!r}, read_only={read_only});"
        " print('held', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process.pid
        finally:
            process.kill()


def test_a_held_store_names_its_holder(path: Path) -> None:
    """The message says which process to wait for, and that waiting may help."""
    make(path)
    with holder(path) as pid, pytest.raises(StoreBusy, match=f"process {pid} has") as caught:
        _ = Store(path, deployment="prod").connection

    assert caught.value.retryable


def test_who_only_reads_the_store_is_waited_for(path: Path) -> None:
    """Somebody who asks at the wrong moment must not end a service that starts."""
    make(path)
    with holder(path, read_only=True) as pid:
        threading.Timer(0.5, os.kill, (pid, signal.SIGKILL)).start()
        started = time.monotonic()
        with Store(path, deployment="prod") as store:
            assert store.positions() == {}

    assert time.monotonic() - started >= 0.4


def test_a_store_this_process_reads_is_busy_too(path: Path) -> None:
    """DuckDB says it differently; the answer is the same."""
    make(path)
    with duckdb.connect(str(path), read_only=True), pytest.raises(StoreBusy, match="this process"):
        _ = Store(path, deployment="prod").connection


def test_a_store_of_a_newer_lineseal_is_left_alone(path: Path) -> None:
    """The message asks for an upgrade."""
    with Store(path, deployment="prod") as store:
        write_fact(store.connection, "schema_version", str(schema_version() + 1))

    with pytest.raises(StoreIncompatible, match="upgrade"):
        _ = Store(path, deployment="prod").connection


def test_a_store_of_another_deployment_is_left_alone(path: Path) -> None:
    """The message names both."""
    make(path)

    with pytest.raises(StoreIncompatible, match=r"'prod'.*'test'"):
        _ = Store(path, deployment="test").connection


def test_an_older_store_is_migrated_forward(path: Path) -> None:
    """Only the missing scripts run; what is there stays."""
    path.parent.mkdir()
    with duckdb.connect(str(path)) as connection:
        script = files("lineseal.schemas").joinpath("ddl", "0001_store.sql").read_text("utf-8")
        connection.execute(script)
        write_fact(connection, "schema_version", "1")
        write_fact(connection, "deployment", "prod")
        connection.execute("INSERT INTO position VALUES ('s', 7)")

    with Store(path, deployment="prod") as store:
        assert store.positions() == {"s": 7}
        assert store.fact("schema_version") == str(schema_version())
        assert store.connection.execute("SELECT count(*) FROM registration").fetchone() == (0,)


def test_a_file_of_somebody_else_is_left_alone(path: Path) -> None:
    """A DuckDB database without our facts is not ours to change."""
    path.parent.mkdir()
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE sales (amount INTEGER)")

    with pytest.raises(StoreIncompatible, match="not a Lineseal store"):
        _ = Store(path, deployment="prod").connection


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    """So is one that is damaged."""
    path.parent.mkdir()
    path.write_bytes(b"certainly not" * 1000)

    with pytest.raises(StoreDamaged, match="lineseal rebuild"):
        _ = Store(path, deployment="prod").connection


def test_a_folder_that_cannot_be_made_is_an_error_of_ours(tmp_path: Path) -> None:
    """No bare OSError reaches the caller."""
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(StoreError, match="cannot make the folder"):
        _ = Store(tmp_path / "file" / "store.duckdb", deployment="prod").connection


@pytest.mark.parametrize(
    "statement",
    [
        "INSTALL httpfs",
        "LOAD httpfs",
        "COPY event TO 'stolen.csv'",
        "SELECT * FROM read_text('/etc/hostname')",
        "ATTACH 'other.duckdb'",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
    ],
)
def test_no_statement_reaches_outside(path: Path, statement: str) -> None:
    """Neither code nor other files, and the settings are locked."""
    with Store(path, deployment="prod") as store, pytest.raises(duckdb.Error):
        store.connection.execute(statement)
