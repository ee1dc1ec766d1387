"""Brings one sink what it does not have yet, and decides what follows from each receipt.

Promises: at least once, in order, and the watermark is contiguous: it never passes a record that
the receiver neither confirmed nor refused for good. What passes on its own is tried again with
back-off for as long as it takes; a wrong configuration parks the sink, which then consumes
nothing. A crash between a confirmation and its commit sends those records again under the same
ids. Source: fault list F6, F40 to F46.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lineseal.consumers.forward.feed import Feed, FeedRecord
from lineseal.consumers.forward.rendering import RENDERINGS
from lineseal.consumers.forward.text import shortened
from lineseal.consumers.sinks.base import Outcome, Receipt, Shipment, Sink
from lineseal.transport.backoff import Backoff

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 300.0
PARKED_SECONDS = 300.0
"""How often a parked sink is asked whether it would let us in again."""


@dataclass(frozen=True, slots=True)
class Step:
    """Say what one step did: records settled, seconds to wait, and that there was nothing."""

    settled: int
    pause: float = 0.0
    idle: bool = False


class Courier:
    """Ships one feed to one sink."""

    def __init__(
        self,
        name: str,
        sink: Sink,
        feed: Feed,
        clock: Callable[[], int],
        on_parked: Callable[[str, str, int], None],
    ) -> None:
        """Go on where the feed says; *on_parked* gets name, reason and time when it parks."""
        self.name = name
        self._sink = sink
        self._feed = feed
        self._clock = clock
        self._on_parked = on_parked
        self._backoff = Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        self._limit = sink.max_records
        self._attempts = 0
        self._confirmed = feed.register(name)
        self._done: set[int] = set()
        self._troubled = True

    def step(self) -> Step:
        """Send the next batch, once."""
        records = self._feed.redrivable(self.name, self._limit)
        redriven = bool(records)
        batch = self._fitting(records or self._new_records())
        if not batch:
            return Step(0, idle=True)
        receipts = self._sink.send([shipment for _, shipment in batch])
        if len(receipts) != len(batch):
            raise AssertionError("a sink gives one receipt for each record")
        self._attempts += 1
        return self._follow([record for record, _ in batch], receipts, redriven=redriven)

    def try_parked(self) -> bool:
        """Ask a parked sink whether it lets us in again; return True when it does."""
        receipt = self._sink.check()
        if receipt.outcome is not Outcome.OK:
            return False
        self._feed.unpark(self.name)
        self._feed.note_trouble(self.name, None)
        return True

    def close(self) -> None:
        """Close the sink."""
        self._sink.close()

    def _new_records(self) -> list[FeedRecord]:
        found = self._feed.batch(self.name, self._limit + len(self._done))
        return [record for record in found if record.seq not in self._done][: self._limit]

    def _fitting(self, records: Sequence[FeedRecord]) -> list[tuple[FeedRecord, Shipment]]:
        batch: list[tuple[FeedRecord, Shipment]] = []
        size = 0
        for record in records:
            shipment = self._shipment(record)
            size += len(shipment.text.encode())
            if batch and size > self._sink.max_bytes:
                break
            batch.append((record, shipment))
        return batch

    def _shipment(self, record: FeedRecord) -> Shipment:
        document = shortened(record.document, self._sink.max_text)
        render = RENDERINGS[self._sink.rendering]
        text = render(document)
        if len(text.encode()) > self._sink.max_text:
            # A rendering may need more bytes than the document it is made of.
            document = shortened(record.document, self._sink.max_text // 2)
            text = render(document)
        return Shipment(
            seq=record.seq, uid=record.uid, kind=record.kind, document=document, text=text
        )

    def _follow(
        self, records: Sequence[FeedRecord], receipts: Sequence[Receipt], *, redriven: bool
    ) -> Step:
        now = self._clock()
        stopped: Receipt | None = None
        sent = duplicates = 0
        for record, receipt in zip(records, receipts, strict=True):
            outcome = receipt.outcome
            if outcome is Outcome.SPLIT and len(records) == 1:
                outcome = Outcome.DEAD
            if outcome is Outcome.DEAD:
                self._feed.bury(self.name, record, receipt, self._attempts, now)
            elif outcome is not Outcome.OK:
                stopped = _graver(stopped, receipt)
                continue
            elif redriven:
                self._feed.revived(self.name, record.seq)
            sent += outcome is Outcome.OK
            duplicates += receipt.duplicate
            if not redriven:
                self._done.add(record.seq)
        settled = self._advance() if not redriven else sent
        self._feed.settle(
            self.name,
            self._confirmed,
            now,
            sent=sent,
            duplicates=duplicates,
            retried=sum(receipt.outcome is Outcome.RETRY for receipt in receipts),
        )
        return self._went_on(settled) if stopped is None else self._stopped(stopped, settled)

    def _advance(self) -> int:
        """Move the watermark over what is settled without a hole."""
        before = self._confirmed
        while self._confirmed + 1 in self._done:
            self._confirmed += 1
            self._done.remove(self._confirmed)
        return self._confirmed - before

    def _went_on(self, settled: int) -> Step:
        if self._troubled:
            self._feed.note_trouble(self.name, None)
            self._troubled = False
        self._attempts = 0
        self._backoff.reset()
        self._limit = min(self._sink.max_records, self._limit * 2)
        return Step(settled)

    def _stopped(self, receipt: Receipt, settled: int) -> Step:
        if settled:
            self._attempts = 0
            self._backoff.reset()
        if receipt.outcome is Outcome.SPLIT:
            self._limit = max(1, min(self._limit, self._sink.max_records) // 2)
            return Step(settled)
        if receipt.outcome is Outcome.PARK:
            now = self._clock()
            if self._feed.park(self.name, receipt.detail, now):
                self._on_parked(self.name, receipt.detail, now)
            return Step(settled, PARKED_SECONDS)
        self._feed.note_trouble(self.name, receipt.detail)
        self._troubled = True
        return Step(settled, max(self._backoff.pause(), receipt.after or 0.0))


_GRAVITY = (Outcome.SPLIT, Outcome.RETRY, Outcome.PARK)


def _graver(one: Receipt | None, other: Receipt) -> Receipt:
    if one is None:
        return other
    return max(one, other, key=lambda receipt: _GRAVITY.index(receipt.outcome))
