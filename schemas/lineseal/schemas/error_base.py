"""Holds the base of the error tree; everybody imports it from ``errors``."""

from __future__ import annotations

from typing import ClassVar


class LinesealError(Exception):
    """Base of all errors below; catch this to catch everything of ours."""

    code: ClassVar[str] = "LINESEAL"
    retryable: ClassVar[bool] = False
