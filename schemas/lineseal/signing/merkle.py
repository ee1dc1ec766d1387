"""Answers which events a batch holds: Merkle roots and inclusion paths of RFC 6962 and 9162.

A leaf is SHA-256(0x00 || event), a node SHA-256(0x01 || left || right); a lone node at the end
of a level moves up unchanged, which gives the tree of RFC 9162, 2.1.1. The root of nothing is
SHA-256 of the empty string. All hashes are 32 raw bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

_sha256 = hashlib.sha256
EMPTY_ROOT = _sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Hash the exact bytes of one event into a leaf."""
    return _sha256(b"\0" + data).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Compute the root over leaf hashes, in their order."""
    if not leaves:
        return EMPTY_ROOT
    level = leaves
    while len(level) > 1:
        level = _parents(level)
    return level[0]


def inclusion_path(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Collect the sibling hashes that prove leaf *index*, from the bottom up.

    Raises:
        IndexError: *index* is not one of 0 to ``len(leaves) - 1``.

    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"no leaf {index} among {len(leaves)}")
    path: list[bytes] = []
    level = leaves
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level = _parents(level)
        index >>= 1
    return tuple(path)


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Compute the root that *path* claims for the leaf *index* of a tree of *size* leaves.

    Raises:
        ValueError: *index* is not in the tree, or the path has the wrong length for it.

    Source: RFC 9162, 2.1.3.2.

    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    node, last, used = leaf, size - 1, 0
    while last:
        if index & 1 or index < last:
            if used == len(path):
                raise ValueError("the path is too short")
            sibling = path[used]
            used += 1
            pair = sibling + node if index & 1 else node + sibling
            node = _sha256(b"\1" + pair).digest()
        index >>= 1
        last >>= 1
    if used != len(path):
        raise ValueError("the path is too long")
    return node


def _parents(level: Sequence[bytes]) -> list[bytes]:
    pairs = zip(level[::2], level[1::2], strict=False)
    parents = [_sha256(b"\1" + left + right).digest() for left, right in pairs]
    if len(level) & 1:
        parents.append(level[-1])
    return parents
