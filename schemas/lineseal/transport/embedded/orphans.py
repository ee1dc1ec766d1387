"""Seals what a crashed process had accepted but not sealed.

The next holder of that producer's key on the same host does it, never a consumer (DESIGN 4.2).
"""

from __future__ import annotations

import sys
from pathlib import Path

from lineseal.signing.sealer import Sealer
from lineseal.transport.embedded.forking import FORK_GATE
from lineseal.transport.embedded.opening import claim_orphans
from lineseal.transport.embedded.outbox import Outbox


def adopt_orphans(folder: Path, producer: str, sealer: Sealer) -> int:
    """Seal what crashed processes of *producer* left pending, in every file nobody has open.

    Returns:
        How many batches were written. A file with nothing pending is left as it is.

    Raises:
        LogError, KeyUnusable: A file could not be sealed; its events stay pending.

    """
    with FORK_GATE.inside():
        openings = claim_orphans(folder, producer, sealer.row_keys)
        return sum(Outbox(opening, sealer, sys.maxsize).finish() for opening in openings)
