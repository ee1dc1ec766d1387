"""``lineseal rebuild`` and ``lineseal rejects retry``, as an operator runs them.

What is promised: equal is status 0, different 1, in use 5; JSON has the one shape; a store that
cannot be opened is explained with the command that mends it; a file that DuckDB had only begun
when it was killed is made again without asking. Source: DESIGN 8.
"""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from tests.integration.test_materialise_command import emit, home, lineseal, stored_runs

from lineseal.commandline.hooks import find_hook
from lineseal.settings import Home, load_settings

__all__ = ["home"]


def store_of(home: Home) -> Path:
    """Return where the store is."""
    return home.resolve(load_settings(home).store.path)


def test_a_rebuild_proves_the_store_and_says_so(home: Home) -> None:
    """For people on stderr, for programs as JSON; a writer elsewhere is named."""
    emit(home, "run-1", "run-2")
    lineseal(home, "materialise")
    emit(home, "run-3")

    checked = lineseal(home, "rebuild", "--check", "--json")
    done = lineseal(home, "rebuild", "--keep")

    answer = json.loads(checked.stdout)
    assert (checked.returncode, done.returncode) == (0, 0), checked.stderr + done.stderr
    assert (answer["query"], answer["verdict"], answer["complete"]) == ("rebuild", "equal", True)
    assert {"table": "event", "rows": 2, "only_old": 0, "only_new": 0, "examples": []} in answer[
        "rows"
    ]
    assert (answer["replaced"], answer["records_unread"]) == (False, 1)
    assert "equal: the log gives this very store" in done.stderr
    assert "1 newer records: run 'lineseal materialise'" in done.stderr
    (kept,) = store_of(home).parent.glob("lineseal.before-*.duckdb")
    assert kept.stat().st_mode & 0o777 == 0o600
    with duckdb.connect(str(store_of(home))):
        busy = lineseal(home, "rebuild")
    assert busy.returncode == 5
    assert "STORE_BUSY" in busy.stderr


def test_a_store_that_was_changed_is_a_finding(home: Home) -> None:
    """Status 1, the table by name, and nothing is replaced."""
    emit(home, "run-1")
    lineseal(home, "materialise")
    with duckdb.connect(str(store_of(home))) as connection:
        connection.execute("UPDATE run_event SET run_id = 'run-x'")

    done = lineseal(home, "rebuild")

    assert done.returncode == 1
    assert "table run_event: only old: " in done.stderr
    assert "run_id=run-x" in done.stderr
    assert "--force puts it in place" in done.stderr
    assert stored_runs(home) == {"run-x"}


def test_a_damaged_store_is_explained_and_made_anew(home: Home) -> None:
    """Every command that needs it names the one that mends it; the damaged file is kept."""
    emit(home, "run-1")
    lineseal(home, "materialise")
    path = store_of(home)
    path.write_bytes(path.read_bytes()[:20_000])

    asked = lineseal(home, "trace", "model:reg/f@1")
    written = lineseal(home, "materialise")
    checked = lineseal(home, "rebuild", "--check")
    done = lineseal(home, "rebuild")

    for refused in (asked, written, checked):
        assert refused.returncode == 5, refused.stderr
        assert "STORE_DAMAGED" in refused.stderr
        assert "'lineseal rebuild' makes it anew" in refused.stderr
    assert done.returncode == 1
    assert "made anew: 1 records" in done.stderr
    assert stored_runs(home) == {"run-1"}
    (kept,) = path.parent.glob("lineseal.before-*.duckdb")
    assert kept.stat().st_size == 20_000


@pytest.mark.parametrize("size", [0, 4096, 8192])
def test_a_file_that_duckdb_had_only_begun_is_made_again(home: Home, size: int) -> None:
    """A kill while it is made leaves some of its three headers, and no row can be lost."""
    path = store_of(home)
    duckdb.connect(str(path)).close()
    path.write_bytes(path.read_bytes()[:size])
    emit(home, "run-1")

    done = lineseal(home, "materialise")

    assert done.returncode == 0, done.stderr
    assert stored_runs(home) == {"run-1"}
    path.write_bytes(path.read_bytes()[:size])
    again = lineseal(home, "materialise")
    assert (again.returncode, "STORE_DAMAGED" in again.stderr) == (5, True)


def test_refused_records_are_judged_again_by_command(home: Home) -> None:
    """After the key is enrolled: status 0 and counts; while it is not: status 1 and the code."""
    lineseal(home, "keys", "new", "late")
    emit(home, "run-1", producer="late")
    assert lineseal(home, "materialise").returncode == 1

    early = lineseal(home, "rejects", "retry", "--json")
    lineseal(home, "keys", "enrol", "late")
    done = lineseal(home, "rejects", "retry", "--code", "UNKNOWN_KEY", "--json")
    listed = lineseal(home, "rejects", "--json")

    assert early.returncode == 1
    assert json.loads(early.stdout)["rows"][0]["refused_again"] == {"UNKNOWN_KEY": 1}
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["rows"]
    assert (row["retried"], row["accepted"], row["events"]) == (1, 1, 1)
    (reject,) = json.loads(listed.stdout)["rows"]
    assert (reject["code"], reject["outcome"]) == ("UNKNOWN_KEY", "ACCEPTED")
    assert stored_runs(home) == {"run-1"}
    assert lineseal(home, "rebuild", "--check").returncode == 0


def test_without_the_layer_that_writes_there_is_no_hook() -> None:
    """Who asks has to say which extra is missing."""
    assert find_hook("retry-rejects") is not None
    assert find_hook("no such hook") is None
