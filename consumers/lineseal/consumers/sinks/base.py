"""What must a sink do? The protocol, the records it is given and the outcomes it may report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

MAX_DETAIL = 2048
"""Characters kept of what a receiver answered."""


class Outcome(StrEnum):
    """How sending one record went, and thereby what to do next."""

    OK = "ok"
    """The receiver confirmed it in the strongest way it offers."""
    RETRY = "retry"
    """Nothing is wrong with the record: send it again later, however long that takes."""
    SPLIT = "split"
    """The batch was refused as a whole: send it in smaller ones; alone it is a dead letter."""
    DEAD = "dead"
    """The receiver will never take this record."""
    PARK = "park"
    """The configuration is wrong: send nothing more, consume nothing, call somebody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """One record, rendered. ``document`` is canonical and stamped; times are microseconds."""

    seq: int
    uid: str
    kind: str
    document: Mapping[str, Any]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Say how one record went.

    Attributes:
        outcome: What to do next.
        detail: What the receiver said; never secrets.
        status: Its status code, where it has one.
        after: Seconds it asks us to wait.
        duplicate: It had the record already.

    """

    outcome: Outcome
    detail: str = ""
    status: int | None = None
    after: float | None = None
    duplicate: bool = False


OK = Receipt(outcome=Outcome.OK)
DUPLICATE = Receipt(outcome=Outcome.OK, duplicate=True)


class Sink(Protocol):
    """Sends batches to one receiver. Used by one thread at a time."""

    rendering: str
    """The name of the rendering it is given."""
    max_records: int
    max_bytes: int
    """The largest batch; ``max_bytes`` counts the texts."""
    max_text: int
    """Bytes of the longest text a record may have."""

    def send(self, batch: Sequence[Shipment]) -> Sequence[Receipt]:
        """Send *batch* (not empty) and return one receipt per record, in its order.

        Whatever the receiver or the network does is a receipt, not an exception.
        """
        ...

    def check(self) -> Receipt:
        """Say whether the receiver can be reached and lets us in, sending no record."""
        ...

    def close(self) -> None:
        """Let go of connections and files; calling it twice is fine."""
        ...


def all_alike(batch: Sequence[Shipment], receipt: Receipt) -> list[Receipt]:
    """Return *receipt* for every record of *batch*."""
    return [receipt] * len(batch)


def retry(detail: str, *, status: int | None = None, after: float | None = None) -> Receipt:
    """Return the receipt of something that passes on its own."""
    return Receipt(outcome=Outcome.RETRY, detail=detail[:MAX_DETAIL], status=status, after=after)


def park(detail: str, *, status: int | None = None) -> Receipt:
    """Return the receipt of something that a person has to put right."""
    return Receipt(outcome=Outcome.PARK, detail=detail[:MAX_DETAIL], status=status)


def refused(outcome: Outcome, detail: str, status: int | None = None) -> Receipt:
    """Return the receipt of a record or batch that the receiver will not take."""
    return Receipt(outcome=outcome, detail=detail[:MAX_DETAIL], status=status)
