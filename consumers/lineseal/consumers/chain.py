"""Answers whether a verified batch is new, a duplicate, a fork or a replay.

A producer's batches form one chain per epoch. They may arrive late, twice or out of order;
which of two different batches with one number came first is what the store remembers, and the
second is a fork. Missing batches are no error here: the chain is open until they arrive, and
``producer_epoch`` shows the gap. ``load_chains`` reads the store once for each step.
Source: DESIGN 4.2; attack table A12 to A14.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import duckdb

from lineseal.schemas.errors import Forked, Replayed
from lineseal.schemas.model import BatchFlags, BatchHeader

EpochKey = tuple[str, str]
"""Producer and epoch."""


@dataclass(slots=True)
class _Epoch:
    headers: dict[int, str] = field(default_factory=dict[int, str])
    final: int | None = None

    def add(self, batch_seq: int, header_sha256: str, flags: int) -> None:
        self.headers[batch_seq] = header_sha256
        if flags & BatchFlags.FINAL and (self.final is None or batch_seq < self.final):
            self.final = batch_seq


class Chains:
    """Knows the batches of some epochs: those of the store and those admitted since."""

    def __init__(self) -> None:
        """Start with no batch."""
        self._epochs: dict[EpochKey, _Epoch] = {}

    def add(self, key: EpochKey, batch_seq: int, header_sha256: str, flags: int) -> None:
        """Remember a batch that the store has."""
        self._epochs.setdefault(key, _Epoch()).add(batch_seq, header_sha256, flags)

    def admit(self, header: BatchHeader, header_sha256: str) -> bool:
        """Remember a verified batch when it is new; tell whether it was.

        Raises:
            Forked: Another batch with its number was accepted before.
            Replayed: It is new and follows the epoch's final batch.

        """
        epoch = self._epochs.setdefault((header.producer, header.epoch), _Epoch())
        known = epoch.headers.get(header.batch_seq)
        if known == header_sha256:
            return False
        where = f"batch {header.batch_seq} of epoch {header.epoch}"
        if known is not None:
            raise Forked(f"{where} was accepted before with the header {known}")
        if epoch.final is not None and header.batch_seq > epoch.final:
            raise Replayed(f"{where} follows the final batch {epoch.final}")
        epoch.add(header.batch_seq, header_sha256, header.flags)
        return True


def load_chains(connection: duckdb.DuckDBPyConnection, headers: Collection[BatchHeader]) -> Chains:
    """Read what the store knows that matters to batches with these *headers*."""
    chains = Chains()
    # An epoch may hold millions of batches: only the same numbers and the final one matter.
    rows = connection.execute(
        "SELECT producer, epoch, batch_seq, header_sha256, flags FROM batch"
        " WHERE epoch IN (SELECT unnest($epochs))"
        " AND (batch_seq IN (SELECT unnest($numbers)) OR (flags & $final) <> 0)",
        {
            "epochs": sorted({header.epoch for header in headers}),
            "numbers": sorted({header.batch_seq for header in headers}),
            "final": int(BatchFlags.FINAL),
        },
    ).fetchall()
    for producer, epoch, batch_seq, header_sha256, flags in rows:
        chains.add((producer, epoch), batch_seq, header_sha256, flags)
    return chains
