"""Tells what an SQLite failure means for the caller."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from lineseal.schemas.errors import LogError, OutboxDamaged, OutboxFull

_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})
"""SQLITE_ERROR is what our statements get where a table or column is not what we made."""
_PRIMARY_CODE = 0xFF
"""The low byte of an extended result code (sqlite.org/rescode.html)."""


def is_busy(error: sqlite3.Error) -> bool:
    """Return True when another connection was in the way: trying again helps."""
    return _code(error) in _BUSY


def to_log_error(error: sqlite3.Error, path: Path) -> LogError:
    """Make our error from SQLite's; raise it ``from`` the original."""
    code = _code(error)
    if code == sqlite3.SQLITE_FULL:
        return OutboxFull(f"the disk is full, {path} takes no more")
    if code in _DAMAGED:
        return OutboxDamaged(f"{path} is damaged: {error}")
    return LogError(f"{path} cannot be used now: {error}")


def _code(error: sqlite3.Error) -> int:
    # Errors raised by the Python module itself carry no code.
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_MISUSE) & _PRIMARY_CODE
