"""A store that was rolled back, replaced or rewritten does not go on as if nothing had happened.

What is promised: a checkpoint is outside before anybody is told, every start compares, nothing is
written to a store that is not the one that was signed, and a new log says which one it follows.
Source: DESIGN 7, "Tamper evidence"; attack table A15, A20, A21; F25, F29.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from tests.integration.kafka.site import Site

from lineseal.signing.checkpoint import find_notes

EMBEDDED = "embedded:log"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Give a home with one materialised registration."""
    site = Site(tmp_path / "site", EMBEDDED)
    emit(site, 0)
    site.run("materialise")
    return site


def emit(site: Site, number: int) -> None:
    """Emit one registration."""
    site.run("emit", "registration", "--subject", f"dataset:lake/t@{number}", "--owner", "data")


def store(site: Site) -> Path:
    """Return the store's file."""
    return site.home / "store" / "lineseal.duckdb"


def notes(site: Site) -> list[str]:
    """Return the checkpoints in the file outside."""
    return list(find_notes((site.home / "checkpoints" / "checkpoints.jsonl").read_text()))


def test_every_run_leaves_a_checkpoint_in_file_table_and_topic(site: Site) -> None:
    """One for what is new, none for nothing; each says how many entries there are."""
    site.run("materialise")
    emit(site, 1)
    site.run("materialise")

    rows = site.run("sql", "SELECT note FROM checkpoint ORDER BY tree_size", "--json").stdout
    topic = (site.home / "log" / "checkpoints").glob("*.sqlite")

    assert len(notes(site)) == 2
    assert [int(note.split("\n")[1]) for note in notes(site)] == [2, 3]
    assert all(note.split("\n")[0] in rows for note in notes(site))
    assert len(list(topic)) == 1


def test_an_old_copy_of_the_store_is_refused(site: Site) -> None:
    """With its own code and status, and unchanged; the newest copy goes on."""
    old = store(site).read_bytes()
    emit(site, 1)
    site.run("materialise")
    new = store(site).read_bytes()
    store(site).write_bytes(old)
    refused = site.run("materialise", status=1)
    again = site.run("materialise", status=1)
    store(site).write_bytes(new)
    site.run("materialise")

    assert "[STORE_ROLLBACK]" in refused.stderr
    assert "has 2 entries" in refused.stderr
    assert "says 3" in refused.stderr
    assert "[STORE_ROLLBACK]" in again.stderr


def test_the_topic_says_so_when_the_file_is_gone(site: Site) -> None:
    """Whoever removes one of the two has to find the other."""
    old = store(site).read_bytes()
    emit(site, 1)
    site.run("materialise")
    store(site).write_bytes(old)
    shutil.rmtree(site.home / "checkpoints")

    assert "[STORE_ROLLBACK]" in site.run("materialise", status=1).stderr


def test_a_store_whose_log_was_rewritten_is_refused(site: Site) -> None:
    """As long as the one that was signed, but another one."""
    with duckdb.connect(str(store(site))) as connection:
        connection.execute("UPDATE log_entry SET leaf_sha256 = repeat('ab', 32)")

    assert "[SPLIT_VIEW]" in site.run("materialise", status=1).stderr


def test_a_lost_store_is_made_anew_only_for_a_reason(site: Site) -> None:
    """The new log names the one it follows; from then on everything is as ever."""
    store(site).unlink()
    refused = site.run("materialise", status=1)
    site.run("materialise", "--new-log", "the disk failed")
    site.run("materialise")
    told = site.run(
        "sql", "SELECT stream, position, detail FROM log_entry WHERE kind = 'START'", "--json"
    ).stdout

    assert "--new-log" in refused.stderr
    assert notes(site)[0].split("\n")[0] in told
    assert "the disk failed" in told
    assert len({note.split("\n")[0] for note in notes(site)}) == 2


def test_a_new_log_is_not_begun_over_a_store_that_holds_something(site: Site) -> None:
    """It is evidence; and without a log before there is nothing to follow."""
    refused = site.run("materialise", "--new-log", "x", status=2)

    assert "move it away" in refused.stderr


def test_a_line_that_a_kill_tore_is_taken_back(site: Site) -> None:
    """It was told to nobody."""
    file = site.home / "checkpoints" / "checkpoints.jsonl"
    with file.open("a") as open_file:
        open_file.write('{"signed_at": "20')
    emit(site, 1)
    site.run("materialise")

    assert len(notes(site)) == len(file.read_text().splitlines()) == 2


def test_without_a_key_there_are_no_checkpoints_and_a_warning(site: Site) -> None:
    """The events are taken all the same."""
    (site.home / "keys" / "materialiser.pem").unlink()
    emit(site, 1)
    said = site.run("materialise").stderr

    assert "no checkpoints of the store" in said
    assert "batches accepted: 1" in said
    assert len(notes(site)) == 1
