"""A kill, or a system call that fails, loses nothing that was accepted and tears nothing apart.

What is promised: after kill -9 of an emitter, a relay or a materialiser at any moment, and after
KILL, EIO or ENOSPC at any of their writes, syncs and openings, every accepted event is in the log
and in the store once, and the store's positions fit its rows. Source: DESIGN 5, 7; faults F1 to
F4, F17 to F20. This is the short version of ``bench/kills.py``.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.stress.injection import Injection, why_no_strace
from tests.stress.kills import Tally, random_kills


def test_random_kills_lose_double_and_tear_nothing(tmp_path: Path) -> None:
    """Twelve of them, over one home, aimed at one phase after the other."""
    tally = Tally()

    random_kills(tmp_path, tally, 12, seed=7)

    hit = {phase for _, phase in tally.kills}

    assert tally.accepted > 0
    assert tally.broken == 0, tally
    assert tally.kills.total() == 12
    assert len(hit - {"ended before", "starting", "between"}) >= 3, tally.kills


@pytest.mark.parametrize("kind", ["emit", "materialise"])
def test_a_failing_system_call_loses_nothing(kind: str, tmp_path: Path) -> None:
    """A dozen points: the middle one of each call, each fault."""
    reason = why_no_strace()
    if reason is not None:
        pytest.skip(reason)
    injection = Injection(kind, tmp_path)

    found = {
        (call, error): injection.run(call, injection.points[call][at], error)
        for call, error, at in [
            *[("pwrite64", error, 7) for error in ("KILL", "EIO", "ENOSPC")],
            *[("fdatasync", error, 2) for error in ("KILL", "EIO", "ENOSPC")],
        ]
    }

    assert len(found) == 6
    # None would be a point that was not reached, which shows nothing.
    assert all(broken == [] for broken in found.values()), found
