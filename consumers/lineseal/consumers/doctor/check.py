"""What does a check find? An outcome, a sentence, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lineseal.settings import Home, Settings


class Outcome(StrEnum):
    """How a thing stands."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Say how one thing stands.

    Attributes:
        name: What was looked at.
        outcome: How it stands.
        found: A full sentence, without anything secret.
        todo: What to do next; empty when nothing.

    """

    name: str
    outcome: Outcome
    found: str
    todo: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """Hold what checks look at."""

    home: Home
    settings: Settings
    now: int
    """Microseconds UTC."""


def ok(name: str, found: str) -> Check:
    """Say that nothing is wrong."""
    return Check(name=name, outcome=Outcome.OK, found=found)


def warn(name: str, found: str, todo: str) -> Check:
    """Say that something will go wrong, or may."""
    return Check(name=name, outcome=Outcome.WARN, found=found, todo=todo)


def fail(name: str, found: str, todo: str) -> Check:
    """Say that something is wrong."""
    return Check(name=name, outcome=Outcome.FAIL, found=found, todo=todo)
