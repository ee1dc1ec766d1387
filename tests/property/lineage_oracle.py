"""What DESIGN 8 and ADR-0005 say about a history, read naively: the judge of trace and impact.

Plain sets, point by point of the prose, sharing no code with the queries and no thought of speed.
"""

from __future__ import annotations

from functools import cache, cached_property
from itertools import pairwise

from tests.property.graph_oracle import Edge, NodeKey, oracle
from tests.property.random_histories import Batch, History, Record, kind_of

Run = tuple[str, str]
Gap = tuple[str, str, float, float]
"""Producer, epoch, from, to; both included."""
EVER = float("inf")
ALIVE = 180
_REMEMBERED = (
    *("reads", "wrote", "writing", "reading", "upstream", "downstream", "span", "named"),
    *("gap_during", "untrusted", "spoilt", "faulty", "open_ended", "proven", "registered"),
    *("crowd_wrote", "hidden"),
)
PROVEN_BUT_REFUSED = ("KEY_EXPIRED", "KEY_REVOKED", "KEY_NOT_YET_VALID")


class Oracle:
    """One history as seen at one moment."""

    def __init__(self, history: History, *, as_of: int | None, known_at: int, now: int) -> None:
        self.as_of: float = EVER if as_of is None else as_of
        self.now = now
        self.known_at = known_at
        self.records = [record for record in history.records if record.ingest <= known_at]
        self.batches = [b for b in history.batches if b.ingest is not None and b.ingest <= known_at]
        self.rejects = [reject for reject in history.rejects if reject[3] <= known_at]
        nodes, edges = oracle([record.said for record in self.records], history.cap)
        self.conflict = {key: conflict for key, _, conflict, _ in nodes}
        self.appeared = {key: at for key, _, _, at in nodes}
        self.edges = [edge for edge in edges if edge[6] <= self.as_of]
        # Nothing here depends on anything but its arguments: said once is said for good.
        for name in _REMEMBERED:
            setattr(self, name, cache(getattr(self, name)))

    # --- the graph

    def nodes(self) -> list[NodeKey]:
        """Give what had appeared."""
        return sorted(
            (key for key, at in self.appeared.items() if at <= self.as_of), key=self.reference
        )

    def reference(self, key: NodeKey) -> str:
        """Write a node the way people do."""
        name, version, digest, run = key
        tail = version or digest or (f"run:{run[0]}/{run[1]}" if run else "unknown")
        if self.conflict[key] and version and digest:
            tail = f"{version}@{digest}"
        return f"{kind_of(name)}:lake/{name}@{tail}"

    def reads(self, run: Run) -> list[Edge]:
        """Give what a run read."""
        return [edge for edge in self.edges if edge[0] == run and edge[1] == "input"]

    def wrote(self, run: Run) -> list[Edge]:
        """Give what a run wrote."""
        return [edge for edge in self.edges if edge[0] == run and edge[1] == "output"]

    def writing(self, key: NodeKey) -> list[Edge]:
        """Give the edges that wrote a node."""
        return [edge for edge in self.edges if edge[1] == "output" and edge[2] == key]

    def reading(self, key: NodeKey) -> list[Edge]:
        """Give the edges that read a node."""
        return [edge for edge in self.edges if edge[1] == "input" and edge[2] == key]

    def upstream(self, key: NodeKey) -> dict[NodeKey, int]:
        """Give every ancestor with its distance, itself included."""
        found = {key: 0}
        for node in (queue := [key]):
            for edge in self.writing(node):
                for source in self.reads(edge[0]):
                    if source[2] not in found:
                        found[source[2]] = found[node] + 1
                        queue.append(source[2])
        return found

    def downstream(self, key: NodeKey, *, certain: bool) -> dict[NodeKey, int]:
        """Give every descendant with its distance, itself included."""
        found = {key: 0}
        for node in (queue := [key]):
            for edge in self.reading(node):
                for made in self.wrote(edge[0]):
                    sure = self.is_certain(edge) and self.is_certain(made)
                    if made[2] not in found and (sure or not certain):
                        found[made[2]] = found[node] + 1
                        queue.append(made[2])
        return found

    # --- chains

    def span(self, run: Run) -> tuple[int, int]:
        """Give a run's interval."""
        times = [record.said.at for record in self.records if record.said.run == run]
        return min(times), max(times)

    @cached_property
    def epochs(self) -> dict[tuple[str, str], list[Batch]]:
        """Give the batches of each epoch in order."""
        found: dict[tuple[str, str], list[Batch]] = {}
        for batch in sorted(self.batches, key=lambda batch: batch.seq):
            found.setdefault((batch.producer, batch.epoch), []).append(batch)
        return found

    def named(self, producer: str, epoch: str) -> list[Batch]:
        """Give the batches whose genesis names an epoch."""
        return [
            b for b in self.batches if b.producer == producer and b.after and b.after[0] == epoch
        ]

    @cached_property
    def gaps(self) -> list[Gap]:
        """Give every stretch of missing batches."""
        found: list[Gap] = []
        for (producer, epoch), batches in self.epochs.items():
            if batches[0].seq > 0:
                first = max(b.created for b in batches if b.seq == batches[0].seq)
                found.append((producer, epoch, -EVER, first))
            for one, two in pairwise(batches):
                if two.seq > one.seq + 1:
                    starts = min(b.created for b in batches if b.seq == one.seq)
                    ends = max(b.created for b in batches if b.seq == two.seq)
                    found.append((producer, epoch, starts, ends))
            claimed = [b.after[1] for b in self.named(producer, epoch) if b.after]
            if claimed and max(claimed) > batches[-1].seq:
                last = min(b.created for b in batches if b.seq == batches[-1].seq)
                found.append((producer, epoch, last, EVER))
        found.extend(
            (batch.producer, batch.after[0], -EVER, batch.created)
            for batch in self.batches
            if batch.after and (batch.producer, batch.after[0]) not in self.epochs
        )
        return found

    @cached_property
    def forks(self) -> list[tuple[str, str, int, int]]:
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

    def behind_final(self, batch: Batch) -> bool:
        """Tell whether a batch follows the final one of its epoch."""
        finals = [b.seq for b in self.epochs[batch.producer, batch.epoch] if b.final]
        return bool(finals) and batch.seq > min(finals)

    @cached_property
    def doubtful(self) -> set[tuple[str, int, int]]:
        """Give the batches that prove nothing, ADR-0012: epoch, number, branch."""
        return {
            (batch.epoch, batch.seq, batch.branch)
            for batch in self.batches
            if self.behind_final(batch)
            or any(
                producer == batch.producer
                and ((epoch == batch.epoch and batch.seq >= seq) or batch.created >= earliest)
                for producer, epoch, seq, earliest in self.forks
            )
        }

    def proves_nothing(self, record: Record) -> bool:
        """Tell whether an event stands in such a batch."""
        return (record.epoch, record.seq, record.branch) in self.doubtful

    def untrusted(self, run: Run) -> bool:
        """Tell whether an event of a run stands in such a batch."""
        return any(r.said.run == run and self.proves_nothing(r) for r in self.records)

    def spoilt(self, key: tuple[str, str]) -> bool:
        """Tell whether an epoch has two branches, or went on after its end."""
        forked = any(fork[:2] == key for fork in self.forks)
        return forked or any(map(self.behind_final, self.epochs[key]))

    def gap_during(self, run: Run) -> bool:
        """Tell whether a gap of the run's producer overlaps it."""
        start, end = self.span(run)
        return any(g[0] == run[0] and g[2] <= end and g[3] >= start for g in self.gaps)

    def is_certain(self, edge: Edge) -> bool:
        """Tell whether an edge is exact, no gap overlaps its run, and its batches count."""
        return edge[3] and not self.gap_during(edge[0]) and not self.untrusted(edge[0])

    def faulty(self, key: tuple[str, str]) -> bool:
        """Tell whether an epoch reported a loss or had something refused."""
        batches = self.epochs[key]
        return any(batch.lost for batch in batches) or any(
            reject[:2] == key for reject in self.rejects
        )

    def left_behind(self, batch: Batch) -> bool:
        """Tell whether a genesis says that what came before it was lost or rolled back."""
        return batch.seq == 0 and batch.reason in ("lost", "rolled back")

    def open_ended(self, key: tuple[str, str]) -> bool:
        """Tell whether it is unknown what an epoch said after its last batch."""
        batches = self.epochs[key]
        seen = max(min(b.created, b.ingest) for b in batches if b.ingest is not None)
        closed = any(b.final for b in batches) or self.named(*key)
        return not closed and self.now - seen >= ALIVE

    # --- ADR-0005

    def proven(self, key: NodeKey) -> bool:
        """Tell whether the ancestry is proven: points 1 to 4, and no crowd."""
        ancestry = self.upstream(key)
        written = [edge for node in ancestry for edge in self.writing(node)]
        runs = {edge[0] for edge in written}
        read = [edge for run in runs for edge in self.reads(run)]
        if not all(self.is_certain(edge) for edge in written + read):
            return False
        if any(self.gap_during(run) or self.untrusted(run) for run in runs):
            return False
        for node in ancestry:
            leaf = not any(self.reads(edge[0]) for edge in self.writing(node))
            known = [record for record in self.registered(node) if not self.proves_nothing(record)]
            if leaf and (not known or kind_of(node[0]) == "model"):
                return False
            opaque = any(record.opaque for record in self.registered(node))
            if opaque or self.crowd_wrote(node):
                return False
        for record in self.records:
            if record.said.run in runs:
                epoch = (record.said.run[0], record.epoch)
                missing = any(gap[:2] == epoch for gap in self.gaps)
                missing = missing or any(map(self.left_behind, self.epochs[epoch]))
                missing = missing or self.spoilt(epoch)
                if missing or self.faulty(epoch) or self.open_ended(epoch):
                    return False
        return True

    def registered(self, node: NodeKey) -> list[Record]:
        """Give the registrations that cover a node."""
        found: list[Record] = []
        for record in self.records:
            said = record.said
            if said.run is not None or said.imported or said.at > self.as_of:
                continue
            (use,) = said.uses
            if use.name != node[0]:
                continue
            if use.version is None and use.digest is None:
                covers = True
            elif use.digest is not None and node[2] is not None:
                covers = use.digest == node[2]
            else:
                named = use.version is not None and use.version == node[1]
                covers = named and not self.conflict[node]
            if covers:
                found.append(record)
        return found

    def crowd_wrote(self, node: NodeKey) -> bool:
        """Tell whether a run wrote one of too many versions of this name."""
        unknown = (node[0], None, None, None)
        crowded = [e for e in self.writing(unknown) if "too_many_candidates" in e[4]]
        return node != unknown and bool(crowded)

    def hidden(self, suspect: NodeKey, model: NodeKey) -> bool:
        """Tell whether something lacking could hide the run that carried the suspect."""
        since = self.appeared[suspect]
        ends = [self.span(edge[0])[1] for edge in self.writing(model)]
        until = max([self.appeared[model], *ends])
        if any(gap[2] <= until and gap[3] >= since for gap in self.gaps):
            return True
        if any(fork[3] <= until for fork in self.forks):
            return True
        if any(self.left_behind(batch) and batch.created >= since for batch in self.batches):
            return True
        for key, batches in self.epochs.items():
            times = [batch.created for batch in batches]
            if self.faulty(key) and max(times) >= since and min(times) <= until:
                return True
        return any(reject[2] in PROVEN_BUT_REFUSED for reject in self.rejects if not reject[0])

    def look_alike(self, suspect: NodeKey, node: NodeKey) -> bool:
        """Tell whether another node may be the suspect under another name."""
        if node == suspect:
            return False
        if node[2] is not None and node[2] == suspect[2]:
            return True
        pairs = zip(node[1:], suspect[1:], strict=True)
        apart = any(None not in pair and pair[0] != pair[1] for pair in pairs)
        return node[0] == suspect[0] and not apart

    def verdict(self, suspect: NodeKey, model: NodeKey) -> str:
        """Give the verdict on a model."""
        if model in self.downstream(suspect, certain=True):
            return "affected"
        ancestry = self.upstream(model)
        if (
            suspect not in ancestry
            and self.proven(model)
            and not self.hidden(suspect, model)
            and not any(self.look_alike(suspect, node) for node in ancestry)
        ):
            return "clean"
        return "possible"
