"""What DESIGN 4.2 and ADR-0005 say about chains of batches, read naively: what is missing, forked.

Plain sets over the batches and refusals known at one moment, sharing no code with the product.
Everything that is wrong has a code, by which an answer says why it is not sure.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

from tests.property.random_histories import Batch, Record, Reject

Run = tuple[str, str]
EpochKey = tuple[str, str]
"""Producer, epoch."""
Gap = tuple[str, str, float, float]
"""Producer, epoch, from, to; both included."""
EVER = float("inf")
ALIVE = 180
PROVEN_BUT_REFUSED = ("KEY_EXPIRED", "KEY_REVOKED", "KEY_NOT_YET_VALID")


class Chains:
    """What is known about every producer's batches at one moment."""

    def __init__(self, batches: Sequence[Batch], rejects: Sequence[Reject], now: int) -> None:
        self.batches = batches
        self.rejects = rejects
        self.now = now
        self.epochs: dict[EpochKey, list[Batch]] = {}
        for batch in sorted(batches, key=lambda batch: batch.seq):
            self.epochs.setdefault((batch.producer, batch.epoch), []).append(batch)
        self.named: dict[EpochKey, list[Batch]] = {}
        for batch in batches:
            if batch.after is not None:
                self.named.setdefault((batch.producer, batch.after[0]), []).append(batch)
        self.gaps = [gap for key in self.epochs.keys() | self.named for gap in self._gaps(key)]
        self.forks = self._forks()
        self.distrusted = {
            (batch.epoch, batch.seq, batch.branch): codes
            for batch in batches
            if (codes := self._distrust(batch))
        }
        # Nothing depends on anything but its arguments: said once is said for good.
        for name in ("faults", "lacking"):
            setattr(self, name, cache(getattr(self, name)))

    def _gaps(self, key: EpochKey) -> list[Gap]:
        """Give every stretch of batches that is missing from an epoch."""
        batches = self.epochs.get(key, [])
        named = [batch for batch in self.named.get(key, []) if batch.after is not None]
        if not batches:
            return [(*key, -EVER, max(batch.created for batch in named))]
        found: list[Gap] = []
        if batches[0].seq > 0:
            first = max(b.created for b in batches if b.seq == batches[0].seq)
            found.append((*key, -EVER, first))
        for one, two in pairwise(batches):
            if two.seq > one.seq + 1:
                starts = min(b.created for b in batches if b.seq == one.seq)
                ends = max(b.created for b in batches if b.seq == two.seq)
                found.append((*key, starts, ends))
        if any(batch.after and batch.after[1] > batches[-1].seq for batch in named):
            last = min(b.created for b in batches if b.seq == batches[-1].seq)
            found.append((*key, last, EVER))
        return found

    def _forks(self) -> list[tuple[str, str, int, int]]:
        """Give producer, epoch, number and earliest time of each batch known in two branches.

        A branch is known when it was received, and when what was received goes on from it.
        """
        claims: dict[tuple[str, str, int], list[tuple[int, int]]] = {}
        for batch in self.batches:
            own = (batch.producer, batch.epoch, batch.seq)
            claims.setdefault(own, []).append((batch.branch, batch.created))
            before = (batch.epoch, batch.seq - 1) if batch.seq else batch.after
            if before is not None:
                claims.setdefault((batch.producer, *before), []).append((0, batch.created))
        return [
            (*place, min(created for _, created in known))
            for place, known in claims.items()
            if len({branch for branch, _ in known}) > 1
        ]

    def _distrust(self, batch: Batch) -> set[str]:
        """Tell why a batch proves nothing, ADR-0012."""
        found: set[str] = set()
        if self.behind_final(batch):
            found.add("replayed")
        for producer, epoch, seq, earliest in self.forks:
            behind = (epoch == batch.epoch and batch.seq >= seq) or batch.created >= earliest
            if producer == batch.producer and behind:
                found.add("forked")
        return found

    def behind_final(self, batch: Batch) -> bool:
        """Tell whether a batch follows the final one of its epoch."""
        finals = [b.seq for b in self.epochs[batch.producer, batch.epoch] if b.final]
        return bool(finals) and batch.seq > min(finals)

    def left_behind(self, batch: Batch) -> bool:
        """Tell whether a genesis says that what came before it was lost or rolled back."""
        return batch.seq == 0 and batch.reason in ("lost", "rolled back")

    def distrust(self, record: Record) -> set[str]:
        """Tell why what an event says proves nothing; empty when it counts."""
        return self.distrusted.get((record.epoch, record.seq, record.branch), set())

    def gaps_during(self, producer: str, start: float, end: float) -> list[Gap]:
        """Give the gaps of a producer that touch a time, both ends included."""
        return [g for g in self.gaps if g[0] == producer and g[2] <= end and g[3] >= start]

    def faults(self, key: EpochKey) -> set[str]:
        """Tell what is wrong with an epoch but for missing batches."""
        batches = self.epochs[key]
        found = self._losses(key)
        forked = any(fork[:2] == key for fork in self.forks)
        if forked or any(map(self.behind_final, batches)) or any(map(self.left_behind, batches)):
            found.add("chain_finding")
        seen = max(min(b.created, b.ingest) for b in batches if b.ingest is not None)
        closed = any(b.final for b in batches) or key in self.named
        if not closed and self.now - seen >= ALIVE:
            found.add("epoch_not_closed")
        return found

    def _losses(self, key: EpochKey) -> set[str]:
        found: set[str] = set()
        if any(batch.lost for batch in self.epochs[key]):
            found.add("lost_events")
        if any(reject[:2] == key for reject in self.rejects):
            found.add("rejected_events")
        return found

    def lacking(self, since: float, until: float) -> set[str]:
        """Tell what of any producer is known to lack in a time, both ends included."""
        found: set[str] = set()
        if any(gap[2] <= until and gap[3] >= since for gap in self.gaps):
            found.add("missing_batches")
        rolled_back = any(map(self.left_behind, (b for b in self.batches if b.created >= since)))
        if rolled_back or any(fork[3] <= until for fork in self.forks):
            found.add("chain_finding")
        for key, batches in self.epochs.items():
            times = [batch.created for batch in batches]
            if max(times) >= since and min(times) <= until:
                found |= self._losses(key)
        return found

    def refused(self, since: float, *, only_proven: bool) -> set[str]:
        """Tell whether a record of nobody's in particular was refused since then."""
        for producer, _, code, ingest in self.rejects:
            known = not only_proven or code in PROVEN_BUT_REFUSED
            if producer is None and ingest >= since and known:
                return {"refused_records"}
        return set()
