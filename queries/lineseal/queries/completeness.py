"""Is this ancestry proven, and if not, why? Finds every defect and where it sits (ADR-0005).

A defect makes a proof impossible for everything downstream of where it sits. Weak links are kept
apart from the rest: they also decide whether a path to a suspect is certain.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lineseal.queries.chains import SPOILING
from lineseal.queries.evidence import PRODUCER_GAP, UNTRUSTED, Evidence
from lineseal.queries.graph import Edge, Lineage

Vertex = int
"""An artifact version (its id, above 0) or a run (its number, below 0)."""

CUT_SHORT = "cut_short"

_RANKS = (
    CUT_SHORT,
    "not_exact",
    "start_not_certain",
    PRODUCER_GAP,
    *sorted(UNTRUSTED.values()),
    "missing_batches",
    "chain_finding",
    "epoch_not_closed",
    "lost_events",
    "rejected_events",
    "refused_records",
    "same_content",
    "not_told_apart",
    "too_many_candidates",
    "opaque",
    "origin_untold",
    "not_registered",
)
_TRAINED = frozenset({"model", "checkpoint", "model_update"})
"""Kinds that something went into, so that registering one proves nothing about what."""
_WHY = {
    "version_inferred": "its version was inferred from times",
    "overlapping_writes": "other writes overlapped the run",
    "digest_ambiguous": "several versions have that digest",
    "version_conflict": "that version has several digests",
    "unsigned_import": "that comes from an unsigned import",
    "too_many_candidates": "more versions than can be listed may be meant",
}


@dataclass(frozen=True, slots=True, order=True)
class Defect:
    """Say in one sentence why something is not proven; sorts by gravity, then by text."""

    rank: int
    sentence: str
    codes: tuple[str, ...]


Defects = Mapping[Vertex, set[Defect]]


def make_defect(code: str, sentence: str, codes: Iterable[str] = ()) -> Defect:
    """Make a defect; *codes* are what a row shows as reasons, by default *code* alone."""
    return Defect(_RANKS.index(code), sentence, tuple(codes) or (code,))


def weak_links(lineage: Lineage, evidence: Evidence) -> dict[Vertex, set[Defect]]:
    """Find every edge that is not certain: at the run for what it read, at what it wrote."""
    found: dict[Vertex, set[Defect]] = {}
    for run in lineage.runs:
        for edge in lineage.inputs.get(run, ()):
            if not edge.exact:
                found.setdefault(run, set()).add(_inexact(edge, "read", lineage, evidence))
        for edge in lineage.outputs.get(run, ()):
            if not edge.exact:
                found.setdefault(edge.node, set()).add(_inexact(edge, "wrote", lineage, evidence))
        for reason, sentence in evidence.doubts(run):
            found.setdefault(run, set()).add(make_defect(reason, sentence))
    return found


def unclosed_chains(lineage: Lineage, evidence: Evidence) -> dict[Vertex, set[Defect]]:
    """Find what is wrong with the epochs that carry events of the runs."""
    found: dict[Vertex, set[Defect]] = {}
    chains = evidence.chains
    sound = {key for key, epoch in chains.epochs.items() if not epoch.faults(evidence.now)}
    spoiled = chains.gaps.keys() | chains.findings.keys()
    for run in lineage.runs:
        facts = evidence.runs[run]
        faults = [(facts.producer, epoch) for epoch in facts.epochs]
        faults = [key for key in faults if key not in sound]
        if not faults and facts.producer not in spoiled:
            continue
        own = set(facts.epochs)
        defects = {
            make_defect("missing_batches", gap.sentence)
            for gap in chains.gaps.get(facts.producer, ())
            if gap.epoch in own and gap not in evidence.gaps_during(run)
        }
        defects |= {
            make_defect("chain_finding", finding.sentence)
            for finding in chains.findings.get(facts.producer, ())
            if finding.epoch in own and finding.code in SPOILING
        }
        for key in faults:
            defects.update(make_defect(*fault) for fault in chains.epochs[key].faults(evidence.now))
        if defects:
            found[run] = defects
    return found


def open_leaves(lineage: Lineage, evidence: Evidence) -> dict[Vertex, set[Defect]]:
    """Find leaves that nobody registered, models no run trained, and what is opaque.

    A leaf is a version that no known run wrote from inputs; *lineage* must be a walk upstream.
    """
    found: dict[Vertex, set[Defect]] = {}
    for node_id, node in lineage.nodes.items():
        registered = evidence.registered.get(node_id)
        is_leaf = not any(
            edge.run in lineage.inputs or edge.run in lineage.cut_runs
            for edge in lineage.writers.get(node_id, ())
        )
        if is_leaf and registered is not None and node.kind in _TRAINED:
            sentence = f"no known run trained {node.reference}, so what went into it is not known"
            found.setdefault(node_id, set()).add(make_defect("opaque", sentence))
        if registered is not None and registered.opaque:
            sentence = f"what {node.reference} was made from is not disclosed: it is opaque"
            found.setdefault(node_id, set()).add(make_defect("opaque", sentence))
        if registered is not None and not registered.proven and is_leaf:
            sentence = f"{node.reference} is registered only in batches that prove nothing"
            found.setdefault(node_id, set()).add(make_defect("not_registered", sentence))
        if registered is None and is_leaf:
            sentence = f"nobody registered {node.reference}, and no known run made it from anything"
            if node.conflict:
                sentence += "; its version has several digests, so register it by digest"
            found.setdefault(node_id, set()).add(make_defect("not_registered", sentence))
    return found


def cuts(lineage: Lineage, max_depth: int | None) -> dict[Vertex, set[Defect]]:
    """Find where the depth limit stopped the walk."""
    hops = f"{max_depth} hop{'' if max_depth == 1 else 's'}"
    return {
        node_id: {
            make_defect(
                CUT_SHORT,
                f"the walk stopped after {hops}, but {lineage.nodes[node_id].reference} "
                "leads further (--max-depth)",
            )
        }
        for node_id in lineage.cut_nodes
    }


def merge(*parts: Defects) -> dict[Vertex, set[Defect]]:
    """Put several findings together."""
    merged: dict[Vertex, set[Defect]] = {}
    for part in parts:
        for vertex, defects in part.items():
            merged.setdefault(vertex, set()).update(defects)
    return merged


def sentences(defects: Iterable[Defect]) -> list[str]:
    """Return the sentences of *defects*, each once, the gravest first."""
    return list(dict.fromkeys(defect.sentence for defect in sorted(defects)))


class Downstream:
    """Knows which defects lie at or upstream of each vertex of a lineage."""

    def __init__(self, lineage: Lineage, defects: Defects) -> None:
        """Carry every defect downstream; sets are bit masks, so long chains stay cheap."""
        self._all = sorted({defect for found in defects.values() for defect in found})
        bit = {defect: 1 << index for index, defect in enumerate(self._all)}
        self._masks: dict[Vertex, int] = {}
        for vertex, found in defects.items():
            self._masks[vertex] = sum(bit[defect] for defect in found)
        queue = deque(self._masks)
        while queue:
            vertex = queue.popleft()
            mask = self._masks[vertex]
            for following in _following(lineage, vertex):
                known = self._masks.get(following, 0)
                if known | mask != known:
                    self._masks[following] = known | mask
                    queue.append(following)

    def of(self, vertex: Vertex) -> list[Defect]:
        """Return the defects of *vertex*, the gravest first."""
        mask = self._masks.get(vertex, 0)
        found: list[Defect] = []
        while mask:
            lowest = mask & -mask
            found.append(self._all[lowest.bit_length() - 1])
            mask ^= lowest
        return found


def _following(lineage: Lineage, vertex: Vertex) -> Iterable[Vertex]:
    if vertex > 0:
        return (edge.run for edge in lineage.readers.get(vertex, ()))
    return (edge.node for edge in lineage.outputs.get(vertex, ()))


def _inexact(edge: Edge, verb: str, lineage: Lineage, evidence: Evidence) -> Defect:
    why = "; ".join(_WHY.get(reason, reason) for reason in edge.reasons) or "it is not exact"
    reference = lineage.nodes[edge.node].reference
    return make_defect(
        "not_exact",
        f"{evidence.runs[edge.run].label} {verb} {reference}, but {why}",
        edge.reasons,
    )
