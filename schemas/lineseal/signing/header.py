"""Checks that a decoded batch header makes sense: numbers, hashes and flags that agree.

A good signature only says who wrote the header. These rules keep a faulty or hostile producer
from storing a state nobody can interpret. Source: DESIGN 4.2.
"""

from __future__ import annotations

import re
from typing import Final

from lineseal.schemas.errors import Malformed, OutOfRange
from lineseal.schemas.limits import MAX_BATCH_EVENTS, MAX_TIME
from lineseal.schemas.model import BATCH_FORMAT, BatchFlags, BatchHeader, Genesis, Loss

NO_PREVIOUS: Final = "0" * 64
"""``prev_header_sha256`` of the first batch of an epoch."""

_HASH = re.compile(r"[0-9a-f]{64}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ALL_FLAGS = sum(BatchFlags)
_MAX_LONG = (1 << 63) - 1
_MAX_LOSS = 10**12
"""Far beyond what any producer can lose, and far below what a sum of them cannot hold."""


def check_header(header: BatchHeader) -> None:
    """Check that a decoded header is one that a sealer could have written.

    Raises:
        OutOfRange: A number or flag is not possible.
        Malformed: A hash or UUID is not one, or two fields contradict each other.

    """
    if header.format != BATCH_FORMAT:
        raise OutOfRange(f"the header's format is {header.format}, not {BATCH_FORMAT}")
    _check_numbers(header)
    hashes = (header.prev_header_sha256, header.merkle_root, header.schema_sha256)
    if not all(map(_HASH.fullmatch, hashes)):
        raise Malformed("a hash in the header is not 64 lower-case hex characters")
    _check_epoch(header.epoch)
    _check_flags(header)
    if header.genesis is not None:
        _check_genesis(header.genesis)
    if header.loss is not None:
        _check_loss(header.loss)


def _check_numbers(header: BatchHeader) -> None:
    numbers = (header.batch_seq, header.first_seq, header.count, header.created_at, header.flags)
    if min(numbers) < 0:
        raise OutOfRange("a number in the header is negative")
    if header.count > MAX_BATCH_EVENTS:
        raise OutOfRange(f"the header counts more than {MAX_BATCH_EVENTS} events")
    if header.first_seq + header.count > _MAX_LONG or header.batch_seq == _MAX_LONG:
        raise OutOfRange("the header leaves no number for the next batch")


def _check_flags(header: BatchHeader) -> None:
    if header.flags & ~_ALL_FLAGS:
        raise OutOfRange("the header has an unknown flag")
    flags = BatchFlags(header.flags)
    first = header.batch_seq == 0
    if first != (BatchFlags.GENESIS in flags) or first != (header.genesis is not None):
        raise Malformed("genesis belongs to the first batch of an epoch and to no other")
    if first != (header.prev_header_sha256 == NO_PREVIOUS) or (first and header.first_seq):
        raise Malformed("only the first batch of an epoch has nothing before it")
    if (BatchFlags.LOSS in flags) != (header.loss is not None):
        raise Malformed("the loss flag and the loss record disagree")
    heartbeat = header.count == 0 and BatchFlags.FINAL not in flags
    if heartbeat != (BatchFlags.HEARTBEAT in flags):
        raise Malformed("a heartbeat is a batch without events that is not final")


def _check_genesis(genesis: Genesis) -> None:
    previous = (genesis.prev_epoch, genesis.prev_batch_seq, genesis.prev_header_sha256)
    if previous == (None, None, None):
        return
    epoch, batch_seq, sha256 = previous
    if epoch is None or batch_seq is None or sha256 is None:
        raise Malformed("genesis names only a part of the head before it")
    _check_epoch(epoch)
    if batch_seq < 0:
        raise OutOfRange("genesis names a negative batch number")
    if not _HASH.fullmatch(sha256):
        raise Malformed("a hash in genesis is not 64 lower-case hex characters")


def _check_loss(loss: Loss) -> None:
    if not 1 <= loss.count <= _MAX_LOSS:
        raise OutOfRange(f"the loss record counts nothing, or more than {_MAX_LOSS} events")
    if not 0 <= loss.first_at <= loss.last_at <= MAX_TIME:
        raise OutOfRange("the loss record ends before it starts, or is of an impossible time")


def _check_epoch(epoch: str) -> None:
    if not _UUID.fullmatch(epoch):
        raise Malformed("an epoch is not a lower-case UUID")
