"""Proofs of the growing tree say the same as RFC 9162's definitions, for every small tree.

Expected values come from ``merkle_root`` over all leaves, which has its own vectors, and from
damage: no proof changed in one place may pass.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineseal.signing.merkle import leaf_hash, merkle_root, root_from_path
from lineseal.signing.tree import (
    Frontier,
    ReadNode,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    tree_root,
)

LEAVES = [leaf_hash(bytes([number])) for number in range(40)]
SIZES = st.integers(1, len(LEAVES))


def node(level: int, index: int) -> bytes:
    """Compute the root of a complete subtree of ``LEAVES``."""
    return merkle_root(LEAVES[index << level : (index + 1) << level])


READ: ReadNode = node


def test_a_frontier_and_stored_nodes_give_the_root_of_all_leaves() -> None:
    """At every size, the empty tree included."""
    frontier = Frontier()
    for size in range(len(LEAVES) + 1):
        assert frontier.root == tree_root(READ, size) == merkle_root(LEAVES[:size])
        if size < len(LEAVES):
            frontier.append(LEAVES[size])


@given(SIZES, st.data())
def test_an_inclusion_proof_leads_to_the_root(size: int, data: st.DataObject) -> None:
    """For every leaf, and for no other leaf."""
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(READ, index, size)

    assert root_from_path(LEAVES[index], index, size, proof) == merkle_root(LEAVES[:size])
    assert root_from_path(bytes(32), index, size, proof) != merkle_root(LEAVES[:size])


@given(SIZES, st.data())
def test_a_consistency_proof_shows_growth_and_nothing_else(size: int, data: st.DataObject) -> None:
    """Any other root, size or hash is refused."""
    old = data.draw(st.integers(1, size))
    proof = list(consistency_proof(READ, old, size))
    roots = merkle_root(LEAVES[:old]), merkle_root(LEAVES[:size])

    assert is_consistent(old, roots[0], size, roots[1], proof)
    assert not is_consistent(old, bytes(32), size, roots[1], proof)
    assert not is_consistent(old, roots[0], size, bytes(32), proof)
    assert not is_consistent(old, roots[0], size, roots[1], [*proof, bytes(32)])
    for number in range(len(proof)):
        broken = [*proof[:number], bytes(32), *proof[number + 1 :]]
        assert not is_consistent(old, roots[0], size, roots[1], broken)
        assert not is_consistent(old, roots[0], size, roots[1], proof[:number])
    if old != size:
        assert not is_consistent(size, roots[1], old, roots[0], proof)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_what_is_not_in_the_tree_has_no_proof(index: int, size: int) -> None:
    """An error of the caller, never a proof of nothing."""
    with pytest.raises(IndexError):
        inclusion_proof(READ, index, size)
    with pytest.raises(IndexError):
        consistency_proof(READ, index + 1 if index >= 0 else 0, index)
