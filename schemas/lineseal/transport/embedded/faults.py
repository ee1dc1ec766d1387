"""Tells what an SQLite failure means for the caller."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from lineseal.schemas.errors import LogError, OutboxDamaged, OutboxFull

_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DAMAGED = frozenset(
    {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG}
)
"""SQLITE_ERROR is what our statements get where a table or column is not what we made,
SQLITE_TOOBIG where a value is larger than any of ours."""
_NO_TEXT = "Could not decode"
"""How the Python module's own error begins, which has no code, for text that is not UTF-8."""
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
    if str(error).startswith(_NO_TEXT):
        return OutboxDamaged(f"{path} is damaged: a text in it is none")
    if code in _DAMAGED:
        return OutboxDamaged(f"{path} is damaged: {_printable(error)}")
    return LogError(f"{path} cannot be used now: {error}")


def _code(error: sqlite3.Error) -> int:
    # Errors raised by the Python module itself carry no code.
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_MISUSE) & _PRIMARY_CODE


def _printable(error: sqlite3.Error) -> str:
    # SQLite quotes names that stand in the file.
    text = str(error)[:200]
    return text if text.isprintable() else ascii(text)
