"""Which artifact versions does a REF mean? Nothing found or too much found is an error that helps.

A digest may be cut short as in git. "latest" is not special: what is newest changes, and an answer
must not. A text that reads as two stored artifacts is ambiguous (ADR-0006).
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Sequence

import duckdb

from lineseal.queries.catalog import query
from lineseal.queries.node import RUN_PREFIX, UNKNOWN_VERSION, Node, by_number
from lineseal.queries.times import Moment, format_time
from lineseal.queries.walk import FEW_KEYS
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
    references = sorted({node.reference for node in nodes}, key=by_number)
    names = sorted({(node.namespace, node.name) for node in nodes})
    if len(names) > 1:
        readings = "; ".join(f"{name!r} in namespace {space!r}" for space, name in names)
        raise Ambiguous(
            f"{text} is the name of several artifacts ({readings}); name the digest",
            tuple(
                format_reference(node.kind, node.namespace, node.name, None, node.digest)
                for node in nodes[:MAX_CANDIDATES]
            ),
        )
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
    named, matching = _read(connection, text, moment)
    names = {_name(node) for node in matching}
    # Stable: versions of one name stay in their order.
    return sorted((node for node in named if _name(node) in names), key=_name)


def _find(connection: duckdb.DuckDBPyConnection, text: str, moment: Moment) -> list[Node]:
    """Find what any reading of *text* matches."""
    matching: dict[int, Node] = {}
    for reading in _readings(text):
        # A name may have a million versions: only an error has to look at all of them.
        found = _versions(connection, reading, moment, only_matching=True)
        matching.update({node.id: node for node in _matching(_existing(found, moment), reading)})
    return list(matching.values()) or _read(connection, text, moment)[1]


def _readings(text: str) -> list[Reference]:
    """Return what *text* can mean, the likeliest first.

    Which reading was meant is not ours to guess: a namespace and a name may both hold slashes, a
    name may hold an ``@``. Whoever may register a name could otherwise choose one that reads like
    another's and answer in its place.
    """
    reference = parse_reference(text)
    readings = [reference]
    if reference.digest_prefix and "@" in reference.path:
        # version@digest: one of several contents of a version
        path, _, version = reference.path.rpartition("@")
        readings.append(dataclasses.replace(reference, path=path, version=version))
    return readings


def _read(
    connection: duckdb.DuckDBPyConnection, text: str, moment: Moment
) -> tuple[list[Node], list[Node]]:
    """Find all versions of every name that *text* can mean, and which of them it matches."""
    readings = _readings(text)
    named: dict[int, Node] = {}
    matching: dict[int, Node] = {}
    known = False
    for reading in readings:
        found = _versions(connection, reading, moment)
        known = known or bool(found)
        nodes = _existing(found, moment)
        named.update({node.id: node for node in nodes})
        matching.update({node.id: node for node in _matching(nodes, reading)})
    if not known:
        raise _unknown_name(connection, readings[-1], moment)
    if not named:
        raise NotFound(f"{text} did not exist yet at {format_time(moment.as_of)} (--as-of)")
    if not matching:
        wanted = readings[-1].version or readings[0].digest_prefix or ""
        raise _unknown_version(text, named.values(), wanted)
    return list(named.values()), list(matching.values())


def _versions(
    connection: duckdb.DuckDBPyConnection,
    reading: Reference,
    moment: Moment,
    *,
    only_matching: bool = False,
) -> list[Node]:
    """Return all versions of every name that reads so, those in the longest namespace first.

    With *only_matching* some that cannot be meant are left out.
    """
    ids = query("named_versions").columns(connection, path=reading.path)["artifact_version_id"]
    if not len(ids):
        return []
    wanted = {"version": reading.version, "digest_prefix": reading.digest_prefix}
    rows = query("nodes").rows(
        connection,
        ids=ids if len(ids) > FEW_KEYS else ids.tolist(),
        known_at=moment.known_at,
        **(wanted if only_matching else {}),
    )
    nodes = [Node(*row) for row in rows]
    kind, path = str(reading.kind), reading.path
    named = [
        node
        for node in nodes
        if node.kind == kind
        and (f"{node.namespace}/{node.name}" == path or ("default", path) == _name(node)[1:])
    ]
    return sorted(
        named, key=lambda node: (-len(node.namespace) if node.name != path else 0, node.key)
    )


def _name(node: Node) -> tuple[str, str, str]:
    return node.kind, node.namespace, node.name


def _existing(nodes: Iterable[Node], moment: Moment) -> list[Node]:
    return [node for node in nodes if moment.as_of is None or node.appeared_at <= moment.as_of]


def _matching(nodes: Sequence[Node], reading: Reference) -> list[Node]:
    version, digest = reading.version, reading.digest_prefix
    if digest is not None:
        nodes = [node for node in nodes if (node.digest or "").startswith(digest)]
    if version is None:
        return list(nodes)
    return [node for node in nodes if node.version == version or _is_otherwise(node, version)]


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
