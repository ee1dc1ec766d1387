"""Reports of steps add up to the report of a run."""

from __future__ import annotations

from lineseal.consumers.report import StepReport


def test_reports_add_up() -> None:
    """Numbers are summed, codes merged, equal warnings said once."""
    one = StepReport(records=2, batches=1, rejects={"FORK": 1}, warnings=("old",), lost=("file",))
    two = StepReport(
        records=3,
        duplicates=2,
        rejects={"FORK": 1, "ABC": 2},
        warnings=("old", "new"),
        lost=("file",),
    )

    total = StepReport(idle=True) + one + two

    assert total == StepReport(
        records=5,
        batches=1,
        duplicates=2,
        rejects={"ABC": 2, "FORK": 2},
        warnings=("old", "new"),
        lost=("file",),
    )
    assert total.rejected == 4
    assert total.is_finding
    assert StepReport(lost=("file",)).is_finding
    assert not StepReport(warnings=("old",)).is_finding
