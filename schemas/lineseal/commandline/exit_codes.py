"""Exit statuses of every command (DESIGN 8)."""

from __future__ import annotations

from enum import IntEnum

from lineseal.schemas import errors


class Exit(IntEnum):
    """What the status of a finished command says."""

    OK = 0
    FINDING = 1
    USAGE = 2
    NOT_FOUND = 3
    NOT_ALLOWED = 4
    UNREACHABLE = 5
    INCOMPLETE = 6
    CRASH = 70


_BY_ERROR: tuple[tuple[type[errors.LinesealError], Exit], ...] = (
    (errors.NotFound, Exit.NOT_FOUND),
    (errors.SqlRefused, Exit.NOT_ALLOWED),
    (errors.KeyMissing, Exit.NOT_FOUND),
    (errors.KeyUnusable, Exit.NOT_ALLOWED),
    (errors.HomeNotFound, Exit.NOT_FOUND),
    (errors.Contained, Exit.NOT_ALLOWED),
    (errors.ContainmentRollback, Exit.FINDING),
    (errors.KeyringError, Exit.FINDING),
    (errors.ContractError, Exit.FINDING),
    (errors.LogDenied, Exit.NOT_ALLOWED),
    (errors.TopicMissing, Exit.NOT_FOUND),
    (errors.TopicReplaced, Exit.FINDING),
    (errors.LogGap, Exit.FINDING),
    (errors.LogError, Exit.UNREACHABLE),
    (errors.StoreRollback, Exit.FINDING),
    (errors.SplitView, Exit.FINDING),
    (errors.StoreError, Exit.UNREACHABLE),
    (errors.FeedError, Exit.UNREACHABLE),
)


def exit_for(error: errors.LinesealError) -> Exit:
    """Return the exit status for an error of ours; the first match in the list wins."""
    for cls, code in _BY_ERROR:
        if isinstance(error, cls):
            return code
    return Exit.USAGE
