"""Finds what one layer asks of another without importing it.

A hook is a function named in the entry-point group ``lineseal.hooks``; who asks says beside the
call which parameters it takes and what it returns. An installation without that layer has none.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

HOOK_GROUP = "lineseal.hooks"


def find_hook(name: str) -> Callable[..., Any] | None:
    """Load the hook called *name*; None when no installed layer has it."""
    for entry in entry_points(group=HOOK_GROUP, name=name):
        found: Callable[..., Any] = entry.load()
        return found
    return None
