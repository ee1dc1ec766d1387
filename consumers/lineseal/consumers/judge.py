"""Decides what of a log record can be accepted: the batch, then each of its events.

Only ``ContractError`` is a verdict about the bytes; any other exception is a fault of ours and
must stop the materialiser, never turn into a reject. Pure: no IO, no clock. Source: DESIGN 4.2,
7; attack table A1 to A25.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lineseal.consumers.apply import DecodedEvent
from lineseal.schemas.codec import decode_event
from lineseal.schemas.errors import ContractError, OutOfRange
from lineseal.schemas.limits import MAX_TIME
from lineseal.signing.keyring import Keyring
from lineseal.signing.verify import VerifiedBatch, check_event_scope, verify_batch
from lineseal.transport.base import LogRecord


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """Hold one event of a good batch that breaks the contract, by its index from 0."""

    index: int
    error: ContractError


def judge_record(
    record: LogRecord,
    keyring: Keyring,
    *,
    deployment: str,
    now: int,
    seen_at: Callable[[str], int | None] | None = None,
    arrived: int | None = None,
) -> VerifiedBatch | ContractError:
    """Verify one record of the log.

    Args:
        record: As read from the log.
        keyring: The keys to trust.
        deployment: The deployment this store serves.
        now: Microseconds UTC; the moment of judgement when the log does not say when it
            stored the record.
        seen_at: Tells by the SHA-256 of its header when a batch was accepted before.
        arrived: When this very record came first, and was refused; by default *now*.

    Returns:
        The verified batch, or why the record is refused.

    """
    came = now if arrived is None else arrived
    at = came if record.logged_at is None else record.logged_at
    try:
        batch = verify_batch(
            record.value,
            keyring,
            deployment=deployment,
            at=at,
            log_key=record.key,
            by=now,
            seen_at=seen_at,
        )
        if batch.header.created_at > MAX_TIME:
            raise OutOfRange("created_at lies after the year 9999")
    except ContractError as error:
        return error
    return batch


def judge_events(
    batch: VerifiedBatch, indexes: Iterable[int] | None = None
) -> tuple[list[DecodedEvent], list[RefusedEvent]]:
    """Decode the events of a verified batch and check each against its key's scope.

    Args:
        batch: The batch.
        indexes: Judge only these of its events; all by default.

    Returns:
        The events that are accepted, and those that are refused.

    """
    accepted: list[DecodedEvent] = []
    refused: list[RefusedEvent] = []
    for index in range(len(batch.events)) if indexes is None else indexes:
        data = batch.events[index]
        try:
            body, record = decode_event(data, batch.header.schema_sha256)
            actor_verified = check_event_scope(batch, body, record)
        except ContractError as error:
            refused.append(RefusedEvent(index, error))
        else:
            accepted.append(DecodedEvent(index, body, record, actor_verified))
    return accepted, refused
