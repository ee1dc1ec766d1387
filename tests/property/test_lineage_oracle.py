"""Over random histories ``trace``, ``impact`` and every verdict are the oracle's.

What is promised: whatever was lost, late, doubled, imported, left unversioned or overlapping, and
from whichever moment one looks, the product says what a naive reading of DESIGN 8 and ADR-0005
says; also when the history comes the long way, in sealed batches through the materialiser, shuffled
and doubled. ``bench/oracle.py`` runs ten thousand histories; here is a sample of others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.property.answer_check import Disagreement
from tests.property.faults import FAULTS
from tests.property.oracle_check import check, check_delivered, open_store, stores
from tests.property.random_histories import draw
from tests.property.sealed_history import is_deliverable

HISTORIES = 100
"""Histories of one test case."""
FIRST = 10**6


def compare_all(seeds: Sequence[int], *, fast: bool = False) -> Counter[str]:
    """Compare everything about the histories of *seeds*."""
    counts: Counter[str] = Counter()
    with open_store() as store:
        for together in stores(seeds):
            counts += check(store, together, fast=fast)
    return counts


@pytest.mark.timeout(300)
@pytest.mark.parametrize("block", range(2))
def test_every_answer_is_the_oracles(block: int) -> None:
    """Verdicts on all models, what is reached, ancestry, distance and completeness."""
    start = FIRST + block * HISTORIES

    counts = compare_all(range(start, start + HISTORIES), fast=block > 0)

    assert counts["histories"] > HISTORIES * 0.9, "the others never arrived"
    assert counts["affected"] > 0
    assert counts["clean"] > 0
    assert counts["possible"] > 0


@pytest.mark.parametrize("block", range(2))
def test_the_same_holds_behind_the_materialiser(block: int, tmp_path: Path) -> None:
    """Sealed, signed, shuffled, delivered twice: the very answers."""
    start = FIRST + 1000 * (block + 1)
    fit = [seed for seed in range(start, start + 20) if is_deliverable(draw(seed))]

    counts = check_delivered(tmp_path, fit)

    assert counts["histories through the materialiser"] == len(fit) > 10


@pytest.mark.parametrize(
    "fault",
    [
        "missing batches are overlooked",
        "a fork is clean",
        "late batches add no edge to a known version",
        "--as-of leaves its moment out",
        "opaque is ignored",
    ],
)
def test_faults_put_into_the_product_are_noticed(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison can fail; ``bench/oracle_faults.py`` tries many more."""
    FAULTS[fault](monkeypatch)

    with pytest.raises(Disagreement, match="product"):
        compare_all(range(FIRST, FIRST + HISTORIES), fast=True)
