"""Which artifact versions does a REF mean? Nothing found or too much found is an error that helps.

The longest stored namespace wins. A digest may be cut short as in git. "latest" is not special:
what is newest changes, and an answer must not.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Sequence

import duckdb

from lineseal.queries.catalog import query
from lineseal.queries.node import RUN_PREFIX, UNKNOWN_VERSION, Node, by_number
from lineseal.queries.times import Moment, format_time
from lineseal.schemas.errors import Ambiguous, NotFound
from lineseal.schemas.reference import Reference, format_reference, parse_reference

MAX_CANDIDATES = 20
_CUTOFF = 0.5


def find_one(connection: duckdb.DuckDBPyConnection, text: str, moment: Moment) -> Node:
    """Find the one artifact version that a REF means.

    Raises:
        InvalidReference: The text is no REF.
        NotFound: Nothing matches; ``candidates`` are names or versions that look alike.
        Ambiguous: Several versions match; ``candidates`` name them.

    """
    nodes = _find(connection, text, moment)
    if len(nodes) == 1:
        return nodes[0]
    references = sorted((node.reference for node in nodes), key=by_number)
    raise Ambiguous(
        f"{text} means {len(nodes)} versions; name one of them{_cut(references)}",
        tuple(references[:MAX_CANDIDATES]),
    )


def find_all_versions(
    connection: duckdb.DuckDBPyConnection, text: str, moment: Moment
) -> list[Node]:
    """Find every version of the name in a REF; its version or digest only has to exist.

    Raises:
        InvalidReference, NotFound: As for ``find_one``.

    """
    found = _find(connection, text, moment)[0]
    return _versions(connection, found.kind, found.namespace, found.name, moment)


def _find(connection: duckdb.DuckDBPyConnection, text: str, moment: Moment) -> list[Node]:
    reference = parse_reference(text)
    version = reference.version
    name = _stored_name(connection, reference, moment)
    if name is None and reference.digest_prefix and "@" in reference.path:
        # version@digest: one of several contents of a version
        path, _, version = reference.path.rpartition("@")
        reference = dataclasses.replace(reference, path=path)
        name = _stored_name(connection, reference, moment)
    if name is None:
        raise _unknown_name(connection, reference, moment)
    nodes = _versions(connection, reference.kind, *name, moment)
    if not nodes:
        raise NotFound(f"{text} did not exist yet at {format_time(moment.as_of)} (--as-of)")
    matching = _matching(nodes, version, reference.digest_prefix)
    if not matching:
        raise _unknown_version(text, nodes, version or reference.digest_prefix or "")
    return matching


def _stored_name(
    connection: duckdb.DuckDBPyConnection, reference: Reference, moment: Moment
) -> tuple[str, str] | None:
    rows = query("artifact_names").rows(
        connection, kind=str(reference.kind), path=reference.path, known_at=moment.known_at
    )
    return (rows[0][0], rows[0][1]) if rows else None


def _versions(
    connection: duckdb.DuckDBPyConnection, kind: str, namespace: str, name: str, moment: Moment
) -> list[Node]:
    rows = query("name_versions").rows(
        connection, kind=str(kind), namespace=namespace, name=name, known_at=moment.known_at
    )
    nodes = [Node(*row) for row in rows]
    return [node for node in nodes if moment.as_of is None or node.appeared_at <= moment.as_of]


def _matching(nodes: Sequence[Node], version: str | None, digest: str | None) -> list[Node]:
    if digest is not None:
        nodes = [node for node in nodes if (node.digest or "").startswith(digest)]
    if version is None:
        return list(nodes)
    named = [node for node in nodes if node.version == version]
    return named or [node for node in nodes if _is_otherwise(node, version)]


def _is_otherwise(node: Node, tail: str) -> bool:
    """Tell whether *tail* names a version that has neither version nor digest."""
    if node.version is not None or node.digest is not None:
        return False
    if node.run_id is None:
        return tail == UNKNOWN_VERSION
    return tail in (f"{RUN_PREFIX}{node.run_id}", f"{RUN_PREFIX}{node.producer}/{node.run_id}")


def _unknown_name(
    connection: duckdb.DuckDBPyConnection, reference: Reference, moment: Moment
) -> NotFound:
    wanted = f"{reference.kind}:{reference.path}"
    for kind in (str(reference.kind), None):
        rows = query("near_names").rows(
            connection, kind=kind, path=reference.path, known_at=moment.known_at
        )
        names = {
            format_reference(found, namespace, name, None, None): f"{namespace}/{name}"
            for found, namespace, name in rows
        }
        near = [name for name, path in names.items() if _is_near(path, reference.path)]
        if near:
            break
    else:
        near = []
    when = f" at {format_time(moment.known_at)}" if moment.known_at else ""
    return NotFound(
        f"nothing called {wanted} was known{when}"
        if when
        else f"nothing in the store is called {wanted}; what is new needs 'lineseal materialise'",
        tuple(near[:MAX_CANDIDATES]),
    )


def _is_near(path: str, wanted: str) -> bool:
    wanted = wanted.lower()
    return any(
        difflib.SequenceMatcher(None, part.lower(), wanted).ratio() >= _CUTOFF
        for part in (path, path.rpartition("/")[2])
    )


def _unknown_version(text: str, nodes: Iterable[Node], wanted: str) -> NotFound:
    references = sorted((node.reference for node in nodes), key=by_number)
    near = difflib.get_close_matches(wanted, [_tail(item) for item in references], 5, _CUTOFF)
    likely = [item for item in references if _tail(item) in near]
    rest = [item for item in references if item not in likely]
    count = len(references)
    return NotFound(
        f"no version matches {text}; its name has {count} version{'s' if count > 1 else ''}"
        f"{_cut(references)}",
        tuple([*likely, *rest][:MAX_CANDIDATES]),
    )


def _tail(reference: str) -> str:
    return reference.rpartition("@")[2]


def _cut(references: Sequence[str]) -> str:
    if len(references) <= MAX_CANDIDATES:
        return ""
    return f" ({MAX_CANDIDATES} of {len(references)} are listed)"
