"""What DESIGN 8 and ADR-0005 say about a history, read naively: the judge of trace and impact.

Plain sets, point by point of the prose, sharing no code with the queries. Where something is not
sure the oracle gives the codes of all reasons; nothing is proven that has one.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from tests.property.chain_oracle import EVER, Chains, Run
from tests.property.graph_oracle import Edge, NodeKey, oracle
from tests.property.random_histories import History, Record, kind_of

_REMEMBERED = ("upstream", "downstream", "doubts", "registered", "unproven", "uncertain")


class Way(NamedTuple):
    """One hop: from the version nearer the start, through which run, for certain, and why not."""

    near: NodeKey
    run: Run
    certain: bool
    why: tuple[str, ...]


class Oracle:
    """One history as seen at one moment."""

    def __init__(self, history: History, *, as_of: int | None, known_at: int, now: int) -> None:
        self.as_of: float = EVER if as_of is None else as_of
        self.records = [record for record in history.records if record.ingest <= known_at]
        self.chains = Chains(
            [b for b in history.batches if b.ingest is not None and b.ingest <= known_at],
            [reject for reject in history.rejects if reject[3] <= known_at],
            now,
        )
        nodes, edges = oracle([record.said for record in self.records], history.cap)
        self.conflict = {key: conflict for key, _, conflict, _ in nodes}
        self.appeared = {key: at for key, _, _, at in nodes}
        self.reads: dict[Run, list[Edge]] = {}
        self.wrote: dict[Run, list[Edge]] = {}
        self.reading: dict[NodeKey, list[Edge]] = {}
        self.writing: dict[NodeKey, list[Edge]] = {}
        for edge in edges:
            if edge[6] <= self.as_of:
                of_input = edge[1] == "input"
                of_run, of_node = (
                    (self.reads, self.reading) if of_input else (self.wrote, self.writing)
                )
                of_run.setdefault(edge[0], []).append(edge)
                of_node.setdefault(edge[2], []).append(edge)
        self.events: dict[Run, list[Record]] = {}
        self.registrations: dict[str, list[Record]] = {}
        for record in self.records:
            if record.said.run is not None:
                self.events.setdefault(record.said.run, []).append(record)
            elif not record.said.imported and record.said.at <= self.as_of:
                self.registrations.setdefault(record.said.uses[0].name, []).append(record)
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

    def upstream(self, key: NodeKey) -> dict[NodeKey, int]:
        """Give every ancestor with its distance, itself included."""
        found = {key: 0}
        for node in (queue := [key]):
            for edge in self.writing.get(node, []):
                for source in self.reads.get(edge[0], []):
                    if source[2] not in found:
                        found[source[2]] = found[node] + 1
                        queue.append(source[2])
        return found

    def downstream(self, key: NodeKey, *, certain: bool) -> dict[NodeKey, int]:
        """Give every descendant with its distance, itself included."""
        found = {key: 0}
        for node in (queue := [key]):
            for edge in self.reading.get(node, []):
                for made in self.wrote.get(edge[0], []):
                    sure = not self.weak(edge) and not self.weak(made)
                    if made[2] not in found and (sure or not certain):
                        found[made[2]] = found[node] + 1
                        queue.append(made[2])
        return found

    def edges_above(self, key: NodeKey) -> list[Edge]:
        """Give every edge upstream of a node."""
        written = [edge for node in self.upstream(key) for edge in self.writing.get(node, [])]
        runs = {edge[0] for edge in written}
        return written + [edge for run in runs for edge in self.reads.get(run, [])]

    def edges_below(self, key: NodeKey) -> list[Edge]:
        """Give every edge downstream of a node."""
        reached = self.downstream(key, certain=False)
        read = [edge for node in reached for edge in self.reading.get(node, [])]
        runs = {edge[0] for edge in read}
        return read + [edge for run in runs for edge in self.wrote.get(run, [])]

    def ways(self, node: NodeKey, distance: dict[NodeKey, int], *, up: bool) -> list[Way]:
        """Give every shortest last hop by which a walk came to a node."""
        here, nearer = (self.reading, self.wrote) if up else (self.writing, self.reads)
        found: list[Way] = []
        for edge in here.get(node, []):
            for door in nearer.get(edge[0], []):
                if distance.get(door[2]) == distance[node] - 1:
                    why = tuple(sorted(self.weak(edge) | self.weak(door)))
                    found.append(Way(door[2], edge[0], not why, why))
        return found

    # --- how sure an edge is

    def span(self, run: Run) -> tuple[int, int]:
        """Give a run's interval."""
        times = [record.said.at for record in self.events[run]]
        return min(times), max(times)

    def doubts(self, run: Run) -> frozenset[str]:
        """Tell why nothing a run read or wrote is certain."""
        gap = self.chains.gaps_during(run[0], *self.span(run))
        found = {"producer_gap"} if gap else set[str]()
        return frozenset(found.union(*map(self.chains.distrust, self.events[run])))

    def weak(self, edge: Edge) -> frozenset[str]:
        """Tell why an edge is not certain; empty when it is."""
        return self.doubts(edge[0]) | (frozenset() if edge[3] else frozenset(edge[4]))

    # --- ADR-0005

    def unsound(self, run: Run) -> set[str]:
        """Tell what is wrong with the epochs that carry a run's events, point 4."""
        found: set[str] = set()
        during = self.chains.gaps_during(run[0], *self.span(run))
        for epoch in {record.epoch for record in self.events[run]}:
            found |= self.chains.faults((run[0], epoch))
            gaps = [gap for gap in self.chains.gaps if gap[:2] == (run[0], epoch)]
            if any(gap not in during for gap in gaps):
                found.add("missing_batches")
        return found

    def unproven(self, key: NodeKey) -> frozenset[str]:
        """Tell why the ancestry is not proven: points 1 to 4, and crowds."""
        found: set[str] = set()
        edges = self.edges_above(key)
        for edge in edges:
            found |= self.weak(edge)
        for run in {edge[0] for edge in edges}:
            found |= self.unsound(run)
        for node in self.upstream(key):
            covering = self.registered(node)
            if not any(self.reads.get(edge[0]) for edge in self.writing.get(node, [])):
                if all(self.chains.distrust(record) for record in covering):
                    found.add("not_registered")
                if covering and kind_of(node[0]) == "model":
                    found.add("opaque")
            if any(record.opaque for record in covering):
                found.add("opaque")
            found |= self.crowd(node, self.writing)
        return frozenset(found)

    def registered(self, node: NodeKey) -> list[Record]:
        """Give the registrations that cover a node."""
        found: list[Record] = []
        for record in self.registrations.get(node[0], []):
            (use,) = record.said.uses
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

    def crowd(self, node: NodeKey, edges: dict[NodeKey, list[Edge]]) -> set[str]:
        """Tell whether a run wrote (or read) one of too many versions of this name."""
        unknown: NodeKey = (node[0], None, None, None)
        crowded = any("too_many_candidates" in edge[4] for edge in edges.get(unknown, []))
        return {"too_many_candidates"} if node != unknown and crowded else set()

    def hidden(self, suspect: NodeKey, model: NodeKey) -> set[str]:
        """Tell what that is lacking could hide the run that carried the suspect."""
        since = self.appeared[suspect]
        ends = [self.span(edge[0])[1] for edge in self.writing.get(model, [])]
        until = max([self.appeared[model], *ends])
        refused = self.chains.refused(since, only_proven=True)
        return self.chains.lacking(since, until) | refused

    def look_alikes(self, suspect: NodeKey, nodes: Iterable[NodeKey]) -> set[str]:
        """Tell whether another node may be the suspect under another name."""
        found: set[str] = set()
        for node in nodes:
            if node == suspect:
                continue
            pairs = zip(node[1:], suspect[1:], strict=True)
            apart = any(None not in pair and pair[0] != pair[1] for pair in pairs)
            if node[2] is not None and node[2] == suspect[2]:
                found.add("same_content")
            elif node[0] == suspect[0] and not apart:
                found.add("not_told_apart")
        return found

    def unclean(self, suspect: NodeKey, model: NodeKey) -> frozenset[str]:
        """Tell why a model could not be called clean even if no path led to it."""
        alike = self.look_alikes(suspect, self.upstream(model))
        return self.unproven(model) | self.hidden(suspect, model) | alike

    def verdict(self, suspect: NodeKey, model: NodeKey) -> str:
        """Give the verdict on a model."""
        if model in self.downstream(suspect, certain=True):
            return "affected"
        if suspect not in self.upstream(model) and not self.unclean(suspect, model):
            return "clean"
        return "possible"

    def reasons(self, suspect: NodeKey, model: NodeKey) -> frozenset[str]:
        """Tell why a model is only possibly affected: weak hops on the way, or no proof."""
        if self.verdict(suspect, model) != "possible":
            return frozenset()
        ancestry = self.upstream(model)
        if suspect not in ancestry:
            return self.unclean(suspect, model)
        reached = self.downstream(suspect, certain=False)
        runs = {edge[0] for node in ancestry for edge in self.writing.get(node, [])}
        between = [edge for node in reached for edge in self.reading.get(node, [])]
        between = [edge for edge in between if edge[0] in runs]
        made = [edge for edge in self.edges_below(suspect) if edge[1] == "output"]
        between += [edge for edge in made if edge[2] in ancestry]
        return frozenset[str]().union(*map(self.weak, between))

    # --- is the answer complete?

    def uncertain(self, suspect: NodeKey) -> frozenset[str]:
        """Tell what keeps an answer about everything a suspect reached from being complete.

        Something may have carried it on that nobody told us of, whenever since it appeared.
        """
        since = self.appeared[suspect]
        found = self.chains.lacking(since, EVER) | self.chains.refused(since, only_proven=False)
        for node in self.downstream(suspect, certain=False):
            found |= self.crowd(node, self.reading)
        return frozenset(found)

    def impact_doubts(self, suspect: NodeKey) -> set[str]:
        """Tell why ``impact`` is not complete: an edge it shows is not certain or not whole."""
        found = set(self.uncertain(suspect))
        for edge in self.edges_below(suspect):
            found |= self.weak(edge) | self.unsound(edge[0])
        return found
