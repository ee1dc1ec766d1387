"""Answers whether a verified batch is new, or one that the store has already.

A producer's batches form one chain per epoch, and may arrive late, twice or out of order. What
makes a batch *that* batch is the SHA-256 of its header: another one with its number is the other
branch of a fork, which is kept too, and is a finding (``findings``). ``load_chains`` reads the
store once for each step. Source: DESIGN 4.2; attack table A12, A13.
"""

from __future__ import annotations

from collections.abc import Collection

import duckdb

from lineseal.schemas.model import BatchHeader

_Name = tuple[str, str, str]
"""Producer, epoch, SHA-256 of the header."""


class Chains:
    """Knows the batches of some epochs: those of the store and those admitted since."""

    def __init__(self, known: Collection[_Name] = ()) -> None:
        """Start with *known* batches."""
        self._known = set(known)

    def admit(self, header: BatchHeader, header_sha256: str) -> bool:
        """Remember a verified batch when it is new; tell whether it was."""
        name = (header.producer, header.epoch, header_sha256)
        if name in self._known:
            return False
        self._known.add(name)
        return True


def load_chains(connection: duckdb.DuckDBPyConnection, headers: Collection[BatchHeader]) -> Chains:
    """Read what the store knows that matters to batches with these *headers*."""
    # An epoch may hold millions of batches: only the same numbers matter.
    rows = connection.execute(
        "SELECT producer, epoch, header_sha256 FROM batch"
        " WHERE epoch IN (SELECT unnest($epochs))"
        " AND batch_seq IN (SELECT unnest($numbers))",
        {
            "epochs": sorted({header.epoch for header in headers}),
            "numbers": sorted({header.batch_seq for header in headers}),
        },
    ).fetchall()
    return Chains(rows)
