"""Answers how far each epoch is in the store without a hole, for receipts."""

from __future__ import annotations

import duckdb

from lineseal.signing.receipt import EpochHead

_HEADS = """
WITH touched AS (
  SELECT DISTINCT producer, epoch FROM batch WHERE epoch_us(ingest_time) > $since
), numbered AS (
  SELECT producer, epoch, batch_seq, header_sha256,
    row_number() OVER (PARTITION BY producer, epoch ORDER BY batch_seq) - 1 AS place
  FROM batch SEMI JOIN touched USING (producer, epoch)
)
SELECT producer, epoch, max(batch_seq), arg_max(header_sha256, batch_seq)
FROM numbered WHERE batch_seq = place
GROUP BY producer, epoch ORDER BY producer, epoch"""


def newest_commit(connection: duckdb.DuckDBPyConnection) -> int:
    """Return the ingest time of the newest batch, microseconds; -1 when there is none."""
    row = connection.execute(
        "SELECT coalesce(epoch_us(max(ingest_time)), -1) FROM batch"
    ).fetchone()
    return -1 if row is None else int(row[0])


def heads_since(connection: duckdb.DuckDBPyConnection, since: int) -> list[EpochHead]:
    """Return the heads of the epochs with a batch later than *since* (excluded), microseconds.

    An epoch whose first batch is missing has none.
    """
    rows = connection.execute(_HEADS, {"since": since}).fetchall()
    return [EpochHead(*row) for row in rows]
