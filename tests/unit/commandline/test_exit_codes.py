"""A script can tell from the status alone what happened.

What is promised: the statuses of DESIGN 8 and ADR-0002, the same for every command.
"""

from __future__ import annotations

import pytest

from lineseal.commandline.exit_codes import Exit, exit_for
from lineseal.schemas import errors


def test_the_statuses_are_frozen() -> None:
    """Scripts depend on the numbers."""
    assert {status.name: status.value for status in Exit} == {
        "OK": 0,
        "FINDING": 1,
        "USAGE": 2,
        "NOT_FOUND": 3,
        "NOT_ALLOWED": 4,
        "UNREACHABLE": 5,
        "INCOMPLETE": 6,
        "CRASH": 70,
    }


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidReference("x"), Exit.USAGE),
        (errors.InvalidEvent("x"), Exit.USAGE),
        (errors.ConfigurationError("x"), Exit.USAGE),
        (errors.MissingExtra("x"), Exit.USAGE),
        (errors.HomeNotFound("x"), Exit.NOT_FOUND),
        (errors.NotFound("x"), Exit.NOT_FOUND),
        (errors.Ambiguous("x"), Exit.NOT_FOUND),
        (errors.KeyMissing("x"), Exit.NOT_FOUND),
        (errors.KeyUnusable("x"), Exit.NOT_ALLOWED),
        (errors.SqlRefused("x"), Exit.NOT_ALLOWED),
        (errors.BadSignature("x"), Exit.FINDING),
        (errors.KeyringRollback("x"), Exit.FINDING),
        (errors.OutboxFull("x"), Exit.UNREACHABLE),
        (errors.StoreBusy("x"), Exit.UNREACHABLE),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_has_its_status(error: errors.LinesealError, status: Exit) -> None:
    """The most specific rule wins."""
    assert exit_for(error) is status
