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
from tests.property import lineage_oracle
from tests.property.oracle_check import Disagreement, check, check_delivered, stores
from tests.property.random_histories import draw
from tests.property.sealed_history import is_deliverable
from tests.unit.queries.graph_builder import empty_store

HISTORIES = 100
"""Histories of one test case."""
FIRST = 10**6


def compare_all(seeds: Sequence[int]) -> Counter[str]:
    """Compare everything about the histories of *seeds*."""
    counts: Counter[str] = Counter()
    with empty_store() as store:
        for together in stores(seeds):
            counts += check(store, together)
    return counts


@pytest.mark.timeout(300)
@pytest.mark.parametrize("block", range(2))
def test_every_answer_is_the_oracles(block: int) -> None:
    """Verdicts on all models, what is reached, ancestry, distance and completeness."""
    start = FIRST + block * HISTORIES

    counts = compare_all(range(start, start + HISTORIES))

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


def credulous(oracle: lineage_oracle.Oracle, key: object) -> bool:
    """Believe that every ancestry is proven."""
    return True


def test_an_oracle_that_judges_otherwise_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail."""
    monkeypatch.setattr(lineage_oracle.Oracle, "proven", credulous)

    with pytest.raises(Disagreement, match="product"):
        compare_all(range(FIRST, FIRST + HISTORIES))
