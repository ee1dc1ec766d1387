"""Which data and models differ? Says what was added, removed, or is there in another version.

Versions are matched by kind, namespace and name. Where one ancestry holds several versions of a
name, those in both are the same, and the others are removed and added: which replaced which is not
recorded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from lineseal.queries.diff.changes import Row, change_row
from lineseal.queries.material import Material
from lineseal.queries.node import Node, by_number
from lineseal.queries.row_counts import profile_of

_Name = tuple[str, str, str]


def artifact_changes(before: Material, after: Material) -> Iterator[Row]:
    """Yield a row for every version that only one ancestry holds, the models themselves apart."""
    old, new = _by_name(before), _by_name(after)
    for name in sorted(old.keys() | new.keys()):
        gone = _only(old[name], new[name])
        come = _only(new[name], old[name])
        if len(gone) == 1 == len(come) and len(old[name]) == 1 == len(new[name]):
            yield _changed(before, gone[0], after, come[0])
            continue
        for node in gone:
            details = _details(_measures(before, node), {})
            yield change_row(
                "artifact", _plain(node), _said(node), None, node=node, details=details
            )
        for node in come:
            details = _details({}, _measures(after, node))
            yield change_row(
                "artifact", _plain(node), None, _said(node), node=node, details=details
            )


def _changed(before: Material, old: Node, after: Material, new: Node) -> Row:
    details = _details(_measures(before, old), _measures(after, new))
    return change_row("artifact", _plain(new), _said(old), _said(new), node=new, details=details)


def _by_name(material: Material) -> defaultdict[_Name, list[Node]]:
    found: defaultdict[_Name, list[Node]] = defaultdict(list)
    for node in material.nodes[1:]:
        found[node.kind, node.namespace, node.name].append(node)
    for nodes in found.values():
        nodes.sort(key=lambda node: by_number(node.reference))
    return found


def _only(nodes: list[Node], others: list[Node]) -> list[Node]:
    known = {node.key for node in others}
    return [node for node in nodes if node.key not in known]


def _plain(node: Node) -> str:
    return f"{node.kind}:{node.namespace}/{node.name}"


def _said(node: Node) -> str:
    """Return what tells this version from the others of its name."""
    tail = node.reference.removeprefix(_plain(node)).removeprefix("@")
    return f"{tail} {node.digest[:19]}" if node.digest and node.digest not in tail else tail


def _measures(material: Material, node: Node) -> dict[str, Any]:
    profile: Mapping[str, Any] = profile_of(material.statements.get(node.id, ())) or {}
    return {
        "rows": material.rows_of(node),
        "labels": _counts(profile.get("label_counts")),
        "source_shares": _shares(_counts(profile.get("source_counts"))),
    }


def _counts(counts: list[dict[str, Any]] | None) -> dict[str, int]:
    return {one["name"]: one["count"] for one in counts or ()}


def _shares(counts: dict[str, int]) -> dict[str, float]:
    total = sum(counts.values())
    return {name: round(count / total, 4) for name, count in counts.items()} if total else {}


def _details(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return every measure that either side has, as ``{before, after}``."""
    found: dict[str, Any] = {}
    for name in ("rows", "labels", "source_shares"):
        # No counts at all are nothing; no rows are something.
        was, is_ = (side.get(name) if side.get(name) != {} else None for side in (before, after))
        if was is not None or is_ is not None:
            found[name] = {"before": was, "after": is_}
    return found
