"""A store is written together when it lies in many pieces, and not at every commit.

What is promised: large commits are written once; a store that takes a little at a time does not
end in ever more row groups. Source: DESIGN 7, 12.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from lineseal.consumers.row_groups import MAX_PIECES, RowGroups, pieces
from lineseal.consumers.store import Store

COMMITS = MAX_PIECES + 40


def test_a_store_that_takes_a_little_at_a_time_stays_in_few_pieces(tmp_path: Path) -> None:
    """They grow, one with every checkpoint, and are written together before they are many."""
    seen: list[int] = []
    with Store(tmp_path / "store.duckdb", deployment="prod") as store:
        row_groups = RowGroups()
        for number in range(COMMITS):
            row_groups.before_commit(store.connection)
            _commit(store.connection, number)
            seen.append(pieces(store.connection))

    assert MAX_PIECES < max(seen) < COMMITS
    assert seen[-1] < MAX_PIECES


def test_commits_are_not_written_again_while_there_are_few(tmp_path: Path) -> None:
    """Also in a store that was released and opened anew."""
    with Store(tmp_path / "store.duckdb", deployment="prod") as store:
        row_groups = RowGroups()
        for number in range(8):
            row_groups.before_commit(store.connection)
            _commit(store.connection, number)
            if number == 3:
                store.release()
        found = pieces(store.connection)

    assert found == 8


def _commit(connection: duckdb.DuckDBPyConnection, number: int) -> None:
    connection.execute(
        "INSERT INTO batch BY NAME SELECT 'p' AS producer, 'e' AS epoch, ? AS batch_seq,"
        " 0 AS first_seq, 1 AS event_count, '' AS header_sha256, '' AS prev_header_sha256,"
        " '' AS merkle_root, '' AS schema_sha256, make_timestamp(1) AS created_at, 0 AS flags,"
        " '' AS payload_type, ''::BLOB AS header, '' AS keyid, ''::BLOB AS signature,"
        " '' AS stream, 0 AS position, make_timestamp(1) AS ingest_time",
        [number],
    )
    connection.execute("CHECKPOINT")
