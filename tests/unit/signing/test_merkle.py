"""A root names exactly one list of events, and a path proves one of them.

What is promised: the tree is that of RFC 6962 and 9162, so that any transparency-log tool can
check our proofs; a path proves its own leaf at its own place and nothing else.

Evidence: the published vectors, the recursive definition of the RFC as an independent
implementation, and properties over all sizes from 0 to 40.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineseal.signing.merkle import (
    EMPTY_ROOT,
    inclusion_path,
    leaf_hash,
    merkle_root,
    root_from_path,
)

# The test data of the Certificate Transparency log, certificate-transparency/merkletree.
VECTOR_INPUTS = (
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
)
VECTOR_ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
SIZES = range(41)


def leaves_of(size: int) -> list[bytes]:
    """Return *size* different leaves."""
    return [leaf_hash(bytes([number])) for number in range(size)]


def by_definition(leaves: Sequence[bytes]) -> bytes:
    """Compute the root as RFC 9162, 2.1.1 defines it: split at the largest power of two."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = by_definition(leaves[:split]), by_definition(leaves[split:])
    return hashlib.sha256(b"\1" + left + right).digest()


def test_the_published_roots_are_reproduced() -> None:
    """Eight trees of the reference implementation, and the empty one."""
    leaves = [leaf_hash(bytes.fromhex(text)) for text in VECTOR_INPUTS]

    assert [merkle_root(leaves[:size]).hex() for size in range(1, 9)] == list(VECTOR_ROOTS)
    assert merkle_root([]) == EMPTY_ROOT == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("size", SIZES)
def test_the_root_is_the_one_the_rfc_defines(size: int) -> None:
    """Level by level gives what the recursive definition gives."""
    leaves = leaves_of(size)

    assert merkle_root(leaves) == by_definition(leaves)


@pytest.mark.parametrize("size", SIZES)
def test_every_path_leads_to_the_root(size: int) -> None:
    """Each leaf of a tree is proven by its own path."""
    leaves = leaves_of(size)
    root = merkle_root(leaves)

    for index, leaf in enumerate(leaves):
        path = inclusion_path(leaves, index)
        assert len(path) <= max(size - 1, 0).bit_length()
        assert root_from_path(leaf, index, size, path) == root


@given(st.data())
def test_a_path_proves_nothing_else(data: st.DataObject) -> None:
    """Another leaf, another place or a changed path never gives the root."""
    size = data.draw(st.integers(2, 40))
    index = data.draw(st.integers(0, size - 1))
    leaves = leaves_of(size)
    root, path = merkle_root(leaves), inclusion_path(leaves, index)
    other = data.draw(st.integers(0, size - 1).filter(lambda number: number != index))
    place = data.draw(st.integers(0, len(path) - 1))
    damaged = (*path[:place], leaf_hash(b"another"), *path[place + 1 :])

    assert root_from_path(leaves[other], index, size, path) != root
    assert root_from_path(leaves[index], index, size, damaged) != root
    try:
        moved = root_from_path(leaves[index], other, size, path)
    except ValueError:
        return
    assert moved != root


def test_a_path_of_the_wrong_length_is_refused() -> None:
    """Neither a missing nor a further hash is overlooked."""
    leaves = leaves_of(5)
    path = inclusion_path(leaves, 2)

    with pytest.raises(ValueError, match="short"):
        root_from_path(leaves[2], 2, 5, path[:-1])
    with pytest.raises(ValueError, match="long"):
        root_from_path(leaves[2], 2, 5, (*path, leaves[0]))


@pytest.mark.parametrize("index", [-1, 5])
def test_a_leaf_outside_the_tree_is_refused(index: int) -> None:
    """There is no path to it and none from it."""
    leaves = leaves_of(5)

    with pytest.raises(IndexError):
        inclusion_path(leaves, index)
    with pytest.raises(ValueError, match="no leaf"):
        root_from_path(leaves[0], index, 5, ())


def test_a_leaf_is_never_a_node() -> None:
    """An event that looks like two hashes does not hash like their parent."""
    left, right = leaves_of(2)

    assert leaf_hash(left + right) != merkle_root([left, right])
