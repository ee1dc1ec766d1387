"""What is one difference? A row, and how two mappings become rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lineseal.queries.node import Node

ADDED, REMOVED, CHANGED = "added", "removed", "changed"

Row = dict[str, Any]


def change_row(
    aspect: str,
    subject: str,
    before: Any,
    after: Any,
    *,
    node: Node | None = None,
    where: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> Row:
    """Make one row; *before* or *after* is None where there was or is nothing.

    Args:
        aspect: What kind of thing differs: artifact, code, parameter, approval, ...
        subject: Which one.
        before: What the first model had.
        after: What the second one has.
        node: The artifact version the row is about, of the second model where it has it.
        where: The job in which it differs.
        details: More about an artifact: rows and counts before and after.

    """
    change = ADDED if before is None else REMOVED if after is None else CHANGED
    named: Row = node.to_row() if node else dict.fromkeys(_ARTIFACT)
    return {
        "aspect": aspect,
        "change": change,
        "subject": subject,
        "before": before,
        "after": after,
        "where": where,
        **named,
        "run_id": node.run_id if node else None,
        "details": dict(details or {}),
    }


_ARTIFACT = ("kind", "namespace", "name", "version", "digest")


def compare(
    aspect: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    where: str | None = None,
    known: Iterable[str] | None = None,
) -> Iterator[Row]:
    """Yield one row for every key whose value differs, in the order of the keys.

    A value of None is nothing. *known* limits which keys are compared.
    """
    keys = sorted({*before, *after}) if known is None else known
    for key in keys:
        old, new = before.get(key), after.get(key)
        if old != new:
            yield change_row(aspect, key, old, new, where=where)
