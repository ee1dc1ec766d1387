"""Answers whether a log only ever grew: roots and proofs of an append-only Merkle tree.

The tree is that of RFC 6962 and 9162 (``merkle`` has its hashes and batches' inclusion paths).
Nothing here holds all leaves: a ``Frontier`` grows leaf by leaf in O(log n) memory, and proofs ask
a reader for the roots of complete subtrees, wherever these are kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from lineseal.signing.merkle import EMPTY_ROOT

ReadNode = Callable[[int, int], bytes]
"""Gives the root of a complete subtree by level (0: leaves) and index in that level."""


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two nodes into their parent."""
    return hashlib.sha256(b"\1" + left + right).digest()


class Frontier:
    """Holds the right edge of a tree: the roots of its complete subtrees, the largest first."""

    def __init__(self) -> None:
        """Start with an empty tree."""
        self.size = 0
        self._nodes: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash at the end."""
        node, size = leaf, self.size
        while size & 1:
            node = node_hash(self._nodes.pop(), node)
            size >>= 1
        self._nodes.append(node)
        self.size += 1

    @property
    def root(self) -> bytes:
        """Return the root of the tree as it is now."""
        if not self._nodes:
            return EMPTY_ROOT
        root = self._nodes[-1]
        for node in reversed(self._nodes[:-1]):
            root = node_hash(node, root)
        return root


def tree_root(read: ReadNode, size: int) -> bytes:
    """Compute the root of the first *size* leaves."""
    return _range_root(read, 0, size) if size else EMPTY_ROOT


def inclusion_proof(read: ReadNode, index: int, size: int) -> tuple[bytes, ...]:
    """Collect the hashes that prove leaf *index* in the tree of *size*.

    ``merkle.root_from_path`` checks them.

    Raises:
        IndexError: There is no such leaf in that tree.

    Source: RFC 9162, 2.1.3.1.

    """
    if not 0 <= index < size:
        raise IndexError(f"no leaf {index} among {size}")
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(_range_root(read, middle, end))
            end = middle
        else:
            proof.append(_range_root(read, start, middle))
            start = middle
    return tuple(reversed(proof))


def consistency_proof(read: ReadNode, old: int, new: int) -> tuple[bytes, ...]:
    """Collect the hashes that prove that the tree of *new* leaves begins with that of *old*.

    Raises:
        IndexError: *old* is not one of 1 to *new*.

    Source: RFC 9162, 2.1.4.1.

    """
    if not 0 < old <= new:
        raise IndexError(f"a tree of {new} leaves does not grow from one of {old}")
    proof: list[bytes] = []
    start, end, whole = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(_range_root(read, middle, end))
            end = middle
        else:
            proof.append(_range_root(read, start, middle))
            start, whole = middle, False
    if not whole:
        proof.append(_range_root(read, start, end))
    return tuple(reversed(proof))


def is_consistent(
    old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Tell whether *proof* shows that the tree of *new* leaves begins with that of *old*.

    Source: RFC 9162, 2.1.4.2.
    """
    if old == new or not 0 < old < new:
        return old == new and old_root == new_root and not proof
    nodes = list(proof)
    if old & (old - 1) == 0:
        nodes.insert(0, old_root)
    if not nodes:
        return False
    first, last = old - 1, new - 1
    while first & 1:
        first >>= 1
        last >>= 1
    left = right = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            left, right = node_hash(node, left), node_hash(node, right)
            while first and not first & 1:
                first >>= 1
                last >>= 1
        else:
            right = node_hash(right, node)
        first >>= 1
        last >>= 1
    return last == 0 and left == old_root and right == new_root


def _range_root(read: ReadNode, start: int, end: int) -> bytes:
    size = end - start
    if size & (size - 1) == 0 and start % size == 0:
        return read(size.bit_length() - 1, start // size)
    middle = start + _split(size)
    return node_hash(_range_root(read, start, middle), _range_root(read, middle, end))


def _split(size: int) -> int:
    """Return the largest power of two below *size*."""
    return 1 << ((size - 1).bit_length() - 1)
