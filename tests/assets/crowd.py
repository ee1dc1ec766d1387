"""Prints what a log of lists of empty texts takes in columns: ``python -m tests.assets.crowd MB``.

Each event keeps the contract: it holds nearly as many values as one may, of one byte each.
"""

from __future__ import annotations

import dataclasses
import json
import sys

from lineseal.consumers.columnar.judge import accept_in_columns
from lineseal.consumers.rows import Rows
from lineseal.schemas.codec import encode_event
from lineseal.schemas.model import Profile
from tests.assets.kit import event, registration, sealed
from tests.assets.trial import forget_peak, status
from tests.fuzz.targets import ARRIVAL, verified

VALUES = 3500
PER_BATCH = 200


def main(megabytes: int) -> None:
    """Accept so much of it, and print the highest memory use beyond that of before, bytes."""
    profile = Profile(rows=1, row_sketch=("",) * VALUES)
    data = encode_event(event(dataclasses.replace(registration(), profile=profile)))
    batch = verified(sealed((data,) * PER_BATCH, "crowd"))
    count = megabytes * 1024 * 1024 // (len(data) * PER_BATCH)
    accept_in_columns([batch], [ARRIVAL], Rows())
    before = forget_peak()
    left = accept_in_columns([batch] * count, [ARRIVAL] * count, _Nowhere())
    assert not any(left), "they were not accepted in columns"
    sys.stdout.write(json.dumps(status("VmHWM") - before))


class _Nowhere(Rows):
    """Rows that are not kept: what is accepted is the store's to hold, not the guard's."""

    def add_columns(self, table: str, columns: object) -> None:
        """Forget *columns*."""


if __name__ == "__main__":
    main(int(sys.argv[1]))
