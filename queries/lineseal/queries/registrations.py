"""Which of these artifact versions are registered, by whom, and which are opaque? See ADR-0005.

A registration covers a version when it names the artifact alone, or this version of it. Where both
sides give a digest the digests decide, else the version, unless that version has several digests:
who registered it cannot have meant all of them. Opaque once is opaque: taking it back proves
nothing. An unsigned import registers nothing, nor does a batch that proves nothing (ADR-0012); what
such a batch calls opaque is opaque all the same.

Few versions are looked up by their hashes and matched here, many in one statement that joins.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from lineseal.queries.catalog import query
from lineseal.queries.node import Node
from lineseal.queries.times import Moment

FEW = 256
"""Versions up to which one statement with their hashes is faster than one that joins."""

_Name = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Registered:
    """Say that an artifact version is registered."""

    opaque: bool
    owner: str | None
    proven: bool = True


@dataclass(frozen=True, slots=True)
class _Registration:
    """Hold one registration; columns as in ``registrations_named.sql``."""

    kind: str
    namespace: str
    name: str
    version: str | None
    digest: str | None
    producer: str | None
    event_id: str
    event_time: dt.datetime
    opaque: bool | None
    owner: str | None

    def covers(self, node: Node) -> bool:
        """Tell whether it is about *node*, a version of the name that it names."""
        if self.version is None and self.digest is None:
            return True
        if self.digest is not None and node.digest is not None:
            return self.digest == node.digest
        return self.version is not None and self.version == node.version and not node.conflict


def load_registered(
    connection: duckdb.DuckDBPyConnection,
    nodes: Collection[Node] | npt.NDArray[np.int64],
    moment: Moment,
    *,
    accused: bool = True,
) -> dict[int, Registered]:
    """Load which of *nodes* are registered, by their ids.

    Args:
        connection: The open store.
        nodes: Versions as known at *moment*, or the ids of many.
        moment: What to look at.
        accused: Whether some finding says that there are batches which prove nothing.

    """
    doubtful: list[tuple[Any, ...]] = []
    if accused:
        doubtful = query("doubtful_registrations").rows(connection, known_at=moment.known_at)
    if not isinstance(nodes, np.ndarray):
        if len(nodes) <= FEW:
            return _few(connection, nodes, moment, frozenset(doubtful))
        nodes = np.array([node.id for node in nodes], np.int64)
    rows = query("registrations").rows(
        connection,
        ids=nodes,
        producers=[producer for producer, _ in doubtful],
        event_ids=[event_id for _, event_id in doubtful],
        **moment.parameters,
    )
    return {row[0]: Registered(row[1], row[2], row[3]) for row in rows}


def _few(
    connection: duckdb.DuckDBPyConnection,
    nodes: Collection[Node],
    moment: Moment,
    doubtful: frozenset[tuple[Any, ...]],
) -> dict[int, Registered]:
    hashes = sorted({found for node in nodes for found in about_hashes(node)})
    rows = query("registrations_named").rows(connection, hashes=hashes, **moment.parameters)
    by_name: dict[_Name, list[_Registration]] = {}
    for said in {_Registration(*row) for row in rows}:
        by_name.setdefault((said.kind, said.namespace, said.name), []).append(said)
    registered: dict[int, Registered] = {}
    for node in nodes:
        named = by_name.get((node.kind, node.namespace, node.name), ())
        covering = [said for said in named if said.covers(node)]
        if covering:
            registered[node.id] = _together(covering, doubtful)
    return registered


def _together(covering: list[_Registration], doubtful: frozenset[tuple[Any, ...]]) -> Registered:
    owned = [said for said in covering if said.owner is not None]
    newest = max(owned, key=lambda said: (said.event_time, said.event_id), default=None)
    return Registered(
        any(said.opaque for said in covering),
        newest.owner if newest else None,
        any((said.producer, said.event_id) not in doubtful for said in covering),
    )


def about_hashes(node: Node) -> Iterable[int]:
    """Return under which ``about_hash`` statements about *node* stand (ddl/0003)."""
    name = _number(f"{node.kind}:{node.namespace}/{node.name}") >> 32 << 32
    tails = {"", node.version, node.digest}
    return [name + (_number(tail) >> 32) for tail in tails if tail is not None]


def _number(text: str) -> int:
    """Return what DuckDB calls ``md5_number_lower``."""
    found = hashlib.md5(text.encode(), usedforsecurity=False).digest()
    return int.from_bytes(found[8:], "little")
