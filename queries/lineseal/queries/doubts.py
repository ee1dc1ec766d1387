"""Finds what could hide a way from a suspect to a model that no known edge shows.

``clean`` is a proof, so these forbid it (ADR-0005): something any producer is known to lack from
the time the suspect appeared until the model was made, and an ancestor that may be the suspect
under another name. They never make a path: the verdict becomes ``possible``, not ``affected``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

import duckdb

from lineseal.queries.catalog import query
from lineseal.queries.chains import HIDING, Chains
from lineseal.queries.completeness import Defect, Vertex, make_defect
from lineseal.queries.evidence import Evidence
from lineseal.queries.graph import Lineage
from lineseal.queries.node import Node
from lineseal.queries.times import Moment

PROVEN_BUT_REFUSED = ("KEY_EXPIRED", "KEY_NOT_YET_VALID", "KEY_REVOKED")
"""Codes of records whose signature verified: what they said is known to have been said."""

_EVER = dt.datetime(1, 1, 1)  # noqa: DTZ001 - the store keeps naive UTC


class Holes:
    """Knows what every producer is known to lack since there may have been suspects."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        since: dt.datetime | None,
        moment: Moment,
        now: dt.datetime,
    ) -> None:
        """Load the chains of all producers and what was refused, as known at *moment*.

        The first suspect may have been there from *since* on; None: at any time.
        """
        self._since = since or _EVER
        self._now = now
        self._chains = Chains.load(connection, moment, faulty=True)
        self._refused: list[tuple[str, int]] = query("refused_records").rows(
            connection, since=self._since, known_at=moment.known_at
        )

    def until(self, end: dt.datetime | None) -> set[Defect]:
        """Find what is lacking up to *end*, included; None has no bound.

        A run in a missing batch may have read a suspect: then what it wrote is not in the
        answer.
        """
        found = {
            make_defect("missing_batches", gap.sentence)
            for gaps in self._chains.gaps.values()
            for gap in gaps
            if gap.overlaps(self._since, end)
        }
        found |= {
            make_defect("chain_finding", finding.sentence)
            for findings in self._chains.findings.values()
            for finding in findings
            if finding.code in HIDING and finding.overlaps(self._since, end)
        }
        for epoch in self._chains.epochs.values():
            began_before = end is None or epoch.first_created_at <= end
            if epoch.last_created_at >= self._since and began_before:
                found.update(
                    make_defect(*fault)
                    for fault in epoch.faults(self._now)
                    if fault[0] != "epoch_not_closed"
                )
        return found

    def refused(self, codes: Collection[str] | None = None) -> set[Defect]:
        """Find records of no producer's chain that were refused with one of *codes*, or any."""
        rows = [row for row in self._refused if codes is None or row[0] in codes]
        if not rows:
            return set()
        total = sum(records for _, records in rows)
        why = ", ".join(f"{code}: {records}" for code, records in rows)
        sentence = f"{total} record{'' if total == 1 else 's'} could not be believed ({why})"
        return {make_defect("refused_records", f"{sentence}; see 'lineseal rejects'")}


def made_at(lineage: Lineage, evidence: Evidence, node: int) -> dt.datetime:
    """Return when the last run that wrote *node* ended; when it appeared if no run did."""
    ends = [evidence.runs[edge.run].ended_at for edge in lineage.writers.get(node, ())]
    return max([lineage.nodes[node].appeared_at, *ends])


def look_alikes(lineage: Lineage, suspects: Sequence[Node]) -> dict[Vertex, set[Defect]]:
    """Find versions in *lineage* that may be a suspect under another name.

    Equal digests are equal content, but a digest is a claim; two versions of one name are only
    told apart by something that both have.
    """
    own = {suspect.id for suspect in suspects}
    digests = {suspect.digest for suspect in suspects} - {None}
    by_name: dict[tuple[str, str, str], list[Node]] = {}
    for suspect in suspects:
        by_name.setdefault(_name(suspect), []).append(suspect)
    found: dict[Vertex, set[Defect]] = {}
    for node_id, node in lineage.nodes.items():
        if node_id in own:
            continue
        if node.digest in digests:
            sentence = f"{node.reference} has the same digest as the suspect"
            found.setdefault(node_id, set()).add(make_defect("same_content", sentence))
        for suspect in by_name.get(_name(node), ()):
            same = node.digest is not None and node.digest == suspect.digest
            if not same and not _told_apart(node, suspect):
                sentence = f"{node.reference} cannot be told apart from {suspect.reference}"
                found.setdefault(node_id, set()).add(make_defect("not_told_apart", sentence))
    return found


def _name(node: Node) -> tuple[str, str, str]:
    return node.kind, node.namespace, node.name


def _told_apart(node: Node, suspect: Node) -> bool:
    pairs = (
        (node.version, suspect.version),
        (node.digest, suspect.digest),
        (_run(node), _run(suspect)),
    )
    return any(None not in pair and pair[0] != pair[1] for pair in pairs)


def _run(node: Node) -> tuple[str | None, str] | None:
    """Return the run that is the identity of *node*: an id alone is not a run (ADR-0004)."""
    return None if node.run_id is None else (node.producer, node.run_id)
