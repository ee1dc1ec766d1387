"""A small world to log in: one key, one keyring that knows it, and ways to look at a folder."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lineseal.schemas.ids import now_us
from lineseal.signing.keyring import KeyEntry, Keyring
from lineseal.signing.keys import PublicKey
from lineseal.signing.sealer import Sealer
from lineseal.signing.signers import KeySigner
from lineseal.signing.verify import VerifiedBatch, verify_batch
from lineseal.transport.base import LogRecord
from lineseal.transport.embedded import EmbeddedLogReader, Outbox

DEPLOYMENT = "test-lab"
PRODUCER = "fraud/train"
ROOMY = 1 << 30
SIGNER = KeySigner.from_private_key(Ed25519PrivateKey.from_private_bytes(bytes(32)))


def sealer(signer: KeySigner = SIGNER, producer: str = PRODUCER) -> Sealer:
    """Return a sealer for *producer*."""
    return Sealer(signer, deployment=DEPLOYMENT, producer=producer)


def open_outbox(folder: Path, max_bytes: int = ROOMY, signer: KeySigner = SIGNER) -> Outbox:
    """Open an outbox of PRODUCER."""
    return Outbox.open(folder, PRODUCER, sealer(signer), max_bytes=max_bytes)


def events(count: int, prefix: str = "event") -> list[bytes]:
    """Return *count* different events."""
    return [f"{prefix} {number}".encode() for number in range(count)]


def crash(folder: Path, copy: Path) -> Path:
    """Return a folder as a crash at this moment would leave it."""
    shutil.copytree(folder, copy)
    return copy


def records_in(folder: Path, limit: int = 10_000) -> list[LogRecord]:
    """Read everything that is sealed."""
    reader = EmbeddedLogReader(folder)
    records: list[LogRecord] = []
    while found := reader.poll(limit, 0.0):
        records += found
    reader.close()
    return records


def verified(
    records: Iterable[LogRecord], public: PublicKey = SIGNER.public
) -> list[VerifiedBatch]:
    """Verify records of PRODUCER under one key, as a consumer does."""
    entry = KeyEntry(
        keyid=public.keyid,
        algorithm=public.algorithm,
        public=public.hex,
        producer=PRODUCER,
    )
    keyring = Keyring(version=1, expires=1 << 60, deployment=DEPLOYMENT, entries=(entry,))
    return [
        verify_batch(r.value, keyring, deployment=DEPLOYMENT, at=now_us(), log_key=r.key)
        for r in records
    ]


def sealed_in(folder: Path) -> list[bytes]:
    """Return all verified events of a folder, in order."""
    return [event for batch in verified(records_in(folder)) for event in batch.events]


def ask(database: Path, statement: str, *values: Any) -> list[Any]:
    """Run one statement on a database that nobody has open, and commit it."""
    with closing(sqlite3.connect(database)) as connection, connection:
        return connection.execute(statement, values).fetchall()


@dataclass
class Link:
    """What the chain check remembers of one epoch."""

    next_batch_seq: int
    next_seq: int
    head_sha256: str
    final: bool


def check_chains(batches: Iterable[VerifiedBatch]) -> dict[str, Link]:
    """Check that batches of every epoch follow each other without a gap.

    Written from DESIGN 4.2, sharing no code with the sealer.
    """
    epochs: dict[str, Link] = {}
    for batch in batches:
        header = batch.header
        link = epochs.setdefault(header.epoch, Link(0, 0, "0" * 64, final=False))
        assert not link.final
        assert link.next_batch_seq == header.batch_seq
        assert link.next_seq == header.first_seq
        assert link.head_sha256 == header.prev_header_sha256
        assert len(batch.events) == header.count
        assert (header.batch_seq == 0) == (header.genesis is not None)
        link.next_batch_seq += 1
        link.next_seq += header.count
        link.head_sha256 = batch.header_sha256
        link.final = bool(header.flags & 4)
    return epochs
