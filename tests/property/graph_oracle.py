"""What ADR-0004 makes of a set of facts, read naively: the judge of the SQL that does it.

Plain Python, name by name, without any thought of speed, and sharing no code with the product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Use:
    """One artifact a run event or a registration names."""

    direction: str
    name: str
    version: str | None
    digest: str | None


@dataclass(frozen=True)
class Said:
    """One event: of run ``run``, or a registration when it is None. ``at`` is in seconds."""

    event_id: str
    run: tuple[str, str] | None
    at: int
    imported: bool
    uses: tuple[Use, ...]


NodeKey = tuple[str, str | None, str | None, tuple[str, str] | None]
"""Name, version, digest, run."""
Node = tuple[NodeKey, bool, bool, int]
"""Key, made, conflict, appeared at (seconds)."""
Edge = tuple[tuple[str, str], str, NodeKey, bool, tuple[str, ...], str, int]
"""Run, direction, node, exact, reasons, event id, event time (seconds)."""
Graph = tuple[frozenset[Node], frozenset[Edge]]


def oracle(events: Sequence[Said], cap: int = 64) -> Graph:
    """Build the graph of all events, name by name; *cap* is how many nodes a fact may mean."""
    nodes: set[Node] = set()
    edges: set[Edge] = set()
    spans: dict[tuple[str, str], tuple[int, int]] = {}
    about: dict[str, list[Said]] = {}
    for event in events:
        if event.run is not None:
            low, high = spans.get(event.run, (event.at, event.at))
            spans[event.run] = (min(low, event.at), max(high, event.at))
        for name in {use.name for use in event.uses}:
            about.setdefault(name, []).append(event)
    for name, mentions in about.items():
        story = OneName(name, mentions, spans, cap)
        nodes |= story.nodes()
        edges |= story.edges()
    return frozenset(nodes), frozenset(edges)


class OneName:
    """The facts about one name and what they mean."""

    def __init__(
        self,
        name: str,
        events: Sequence[Said],
        spans: dict[tuple[str, str], tuple[int, int]],
        cap: int,
    ) -> None:
        self.name = name
        self.spans = spans
        self.cap = cap
        self.unknown: NodeKey = (name, None, None, None)
        self.facts = [
            (event, use)
            for event in events
            for use in event.uses
            if use.name == name and not (event.run is None and use.version == use.digest is None)
        ]
        named = {
            (event.run, use.direction)
            for event, use in self.facts
            if use.version is not None or use.digest is not None
        }
        self.facts = [
            (event, use)
            for event, use in self.facts
            if not (event.imported and use.version is None and use.digest is None)
            or (event.run, use.direction) not in named
        ]
        self.digests: dict[str, set[str]] = {}
        for _, use in self.facts:
            if use.version is not None:
                self.digests.setdefault(use.version, set())
                if use.digest is not None:
                    self.digests[use.version].add(use.digest)
        self.made = self._made()

    def of_version(self, version: str) -> set[NodeKey]:
        """Give the node of a version, or all when it has several digests."""
        digests: set[str | None] = {*self.digests[version]} or {None}
        return {(self.name, version, digest, None) for digest in digests}

    def with_digest(self, digest: str) -> set[NodeKey]:
        """Give every node that carries a digest."""
        carried: set[NodeKey] = {
            (self.name, version, digest, None)
            for version, digests in self.digests.items()
            if digest in digests
        }
        return carried or {(self.name, None, digest, None)}

    def _made(self) -> set[NodeKey]:
        made: set[NodeKey] = set()
        makers = [(event, use) for event, use in self.facts if use.direction != "input"]
        for event, use in makers:
            if use.version is not None and use.digest is not None:
                made.add((self.name, use.version, use.digest, None))
            elif use.version is not None:
                made |= self.capped(self.of_version(use.version), use)
            elif use.digest is None:
                made.add((self.name, None, None, event.run))
        first = set(made)
        for _, use in makers:
            if use.version is None and use.digest is not None:
                carriers = self.with_digest(use.digest)
                made |= self.capped(carriers & first or carriers, use)
        return made

    def capped(self, found: set[NodeKey], use: Use) -> set[NodeKey]:
        """Give what a use means: too many nodes are the unknown one, but for registrations."""
        crowded = use.direction != "registration" and len(found) > self.cap
        return {self.unknown} if crowded else found

    def means(self, event: Said, use: Use) -> tuple[set[NodeKey], set[str]]:
        """Give the nodes a fact means by what it names, and why that is not exact."""
        if use.version is not None and use.digest is not None:
            own: NodeKey = (self.name, use.version, use.digest, None)
            found: set[NodeKey] = {own}
            reason = "digest_ambiguous"
            if use.direction == "input" and own not in self.made:
                found = self.with_digest(use.digest) & self.made or found
        elif use.version is not None:
            found, reason = self.of_version(use.version), "version_conflict"
        elif use.digest is not None:
            found, reason = self.with_digest(use.digest), "digest_ambiguous"
            found = found & self.made or found
        elif use.direction == "output":
            return {(self.name, None, None, event.run)}, set()
        else:
            return set(), set()
        reasons = {reason} if len(found) > 1 else set[str]()
        meant = self.capped(found, use)
        return meant, reasons if meant == found else reasons | {"too_many_candidates"}

    def write_interval(
        self, node: NodeKey, reader: tuple[str, str] | None
    ) -> tuple[int, int] | None:
        """Give when a node was written by others than *reader*."""
        meant = [(e, u) for e, u in self.facts if node in self.means(e, u)[0]]
        writers = {e.run for e, u in meant if u.direction == "output" and e.run is not None}
        if not writers:
            registered = [e.at for e, u in meant if u.direction == "registration"]
            return (min(registered), min(registered)) if registered else None
        spans = [self.spans[run] for run in writers if run != reader]
        if not spans:
            return None
        return min(low for low, _ in spans), max(high for _, high in spans)

    def by_time(self, event: Said) -> tuple[set[NodeKey], set[str], bool]:
        """Give what an input with neither means, why that is not exact, and if it names it."""
        assert event.run is not None
        start, end = self.spans[event.run]
        overlapping: set[NodeKey] = set()
        before: dict[NodeKey, int] = {}
        for node in self.made:
            interval = self.write_interval(node, event.run)
            if interval is None:
                continue
            if interval[1] < start:
                before[node] = interval[1]
            elif interval[0] <= end:
                overlapping.add(node)
        base = {node for node, ended in before.items() if ended == max(before.values())}
        found = base | overlapping
        reasons = {"version_inferred"} | ({"overlapping_writes"} if overlapping else set[str]())
        if len(found) > self.cap:
            return {self.unknown}, reasons | {"too_many_candidates"}, True
        return found or {self.unknown}, reasons, not found

    def nodes(self) -> set[Node]:
        """Give every node of the name."""
        keys: set[NodeKey] = set(self.made)
        for version in self.digests:
            keys |= self.of_version(version)
        for _, use in self.facts:
            if use.version is None and use.digest is not None:
                keys |= self.with_digest(use.digest)
        appeared: dict[NodeKey, int] = {}
        for event, use in self.facts:
            named = set(self.means(event, use)[0])
            if use.version is not None and use.digest is not None:
                named.add((self.name, use.version, use.digest, None))
            if not named:
                guessed, _, names_it = self.by_time(event)
                named = guessed if names_it else set[NodeKey]()
            keys |= named
            for key in named:
                appeared[key] = min(appeared.get(key, event.at), event.at)
        return {(key, key in self.made, self._conflict(key), appeared[key]) for key in keys}

    def _conflict(self, key: NodeKey) -> bool:
        return key[1] is not None and len(self.digests[key[1]]) > 1

    def edges(self) -> set[Edge]:
        """Give every edge to a node of the name."""
        appeared = {key: at for key, _, _, at in self.nodes()}
        grouped: dict[tuple[tuple[str, str], str, NodeKey], list[tuple[set[str], str, int]]] = {}
        for event, use in self.facts:
            if event.run is None:
                continue
            found, reasons = self.means(event, use)
            guessed = not found
            if guessed:
                found, reasons, _ = self.by_time(event)
            if event.imported:
                reasons = reasons | {"unsigned_import"}
            for node in found:
                at = max(event.at, appeared[node]) if guessed else event.at
                grouped.setdefault((event.run, use.direction, node), []).append(
                    (reasons, event.event_id, at)
                )
        edges: set[Edge] = set()
        for (run, direction, node), facts in grouped.items():
            exact = any(not reasons for reasons, _, _ in facts)
            better = [fact for fact in facts if not exact or not fact[0]]
            all_reasons = set().union(*(reasons for reasons, _, _ in better))
            edges.add(
                (
                    run,
                    direction,
                    node,
                    exact,
                    tuple(sorted(all_reasons)),
                    min(event_id for _, event_id, _ in better),
                    min(at for _, _, at in better),
                )
            )
        return edges
