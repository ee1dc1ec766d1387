"""What one step, or a whole run, of the materialiser did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """Count what was committed; reports add up with ``+``.

    Attributes:
        idle: The log had nothing new.
        records: Log records dealt with.
        batches: Batches accepted.
        events: Events accepted.
        duplicates: Records that were already in the store, accepted or refused.
        rejects: Reason code to number of rejects written.
        warnings: Full sentences for the operator.
        opened: Id and code of findings that opened and are not closed again.
        closed: Ids of findings that closed.
        lost: Full sentences about streams of the log that cannot be read (on).

    """

    idle: bool = False
    records: int = 0
    batches: int = 0
    events: int = 0
    duplicates: int = 0
    rejects: Mapping[str, int] = field(default_factory=dict[str, int])
    opened: Mapping[str, str] = field(default_factory=dict[str, str])
    closed: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def rejected(self) -> int:
        """Return how many rejects were written."""
        return sum(self.rejects.values())

    @property
    def is_finding(self) -> bool:
        """Tell whether somebody has to look: something was rejected, found or is lost."""
        return bool(self.rejects or self.opened or self.lost)

    def __add__(self, other: StepReport) -> StepReport:
        """Add up two reports; equal warnings are kept once."""
        return StepReport(
            idle=self.idle and other.idle,
            records=self.records + other.records,
            batches=self.batches + other.batches,
            events=self.events + other.events,
            duplicates=self.duplicates + other.duplicates,
            rejects=dict(sorted((Counter(self.rejects) + Counter(other.rejects)).items())),
            opened={
                identity: code
                for identity, code in {**self.opened, **other.opened}.items()
                if identity not in other.closed
            },
            closed=(self.closed | other.closed) - other.opened.keys(),
            warnings=tuple(dict.fromkeys(self.warnings + other.warnings)),
            lost=tuple(dict.fromkeys(self.lost + other.lost)),
        )
