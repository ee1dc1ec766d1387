"""Over random histories ``trace``, ``impact`` and every verdict are the oracle's.

What is promised: whatever was lost, late, doubled, imported, left unversioned or overlapping, and
from whichever moment one looks, the product says what a naive reading of DESIGN 8 and ADR-0005
says. ``bench/oracle.py`` runs ten thousand histories; here is a sample of others.
"""

from __future__ import annotations

from collections import Counter

import pytest
from tests.property.oracle_check import check
from tests.unit.queries.graph_builder import empty_store

HISTORIES = 10
"""Histories of one test case."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("block", range(8))
def test_every_answer_is_the_oracles(block: int) -> None:
    """Verdicts on all models, what is reached, ancestry, distance and completeness."""
    counts: Counter[str] = Counter()
    with empty_store() as store:
        for number in range(HISTORIES):
            counts += check(store, 10**6 + block * HISTORIES + number)

    assert counts["histories"] == HISTORIES
    assert counts["affected"] + counts["possible"] > 0
