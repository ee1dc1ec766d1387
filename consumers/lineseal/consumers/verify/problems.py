"""Collects what is wrong, and what could not be looked at."""

from __future__ import annotations

from collections import Counter
from typing import Final

SHOWN_PER_CODE: Final = 50

LOG_ENTRY: Final = "LOG_ENTRY"
"""An entry of the log is missing, doubled, or not what its leaf was computed from."""
LOG_NODE: Final = "LOG_NODE"
"""A stored subtree root is not that of its entries."""
BATCH_MISSING: Final = "BATCH_MISSING"
"""The log has an entry of a batch, a reject, a finding or an alert that is not there."""
ENTRY_MISSING: Final = "ENTRY_MISSING"
"""A batch, reject, finding, alert or keyring is there that the log does not know."""
BATCH_CHANGED: Final = "BATCH_CHANGED"
"""A batch or reject is not the bytes that were received."""
ROW_MISSING: Final = "ROW_MISSING"
"""A table lacks rows that follow from the signed events."""
ROW_UNEXPECTED: Final = "ROW_UNEXPECTED"
"""A table has rows that do not follow from the signed events."""
SCHEMA_CHANGED: Final = "SCHEMA_CHANGED"
"""A table, view or macro is not the one this version makes."""
CHECKPOINT_MISSING: Final = "CHECKPOINT_MISSING"
"""The store signed a checkpoint that the file outside no longer has."""
RECORD_NOT_IN_STORE: Final = "RECORD_NOT_IN_STORE"
"""The log still has a record that the store read past and knows nothing of."""


class Problems:
    """Collects problems; of each code only the first ``SHOWN_PER_CODE`` are kept."""

    def __init__(self) -> None:
        """Start with none."""
        self.rows: list[dict[str, str]] = []
        self.counts: Counter[str] = Counter()
        self.left_out: list[str] = []
        """Full sentences about what could not be verified."""

    def add(self, code: str, subject: str, detail: str) -> None:
        """Record one problem; *subject* says where, *detail* what, as a sentence."""
        self.counts[code] += 1
        if self.counts[code] <= SHOWN_PER_CODE:
            self.rows.append({"code": code, "subject": subject, "detail": detail})

    def leave_out(self, sentence: str) -> None:
        """Record that something could not be verified."""
        if sentence not in self.left_out:
            self.left_out.append(sentence)

    @property
    def total(self) -> int:
        """Return how many problems there are, those left out of ``rows`` included."""
        return sum(self.counts.values())
