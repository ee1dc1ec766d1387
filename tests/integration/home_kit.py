"""A real home with people, and its commands run in this process: for tests of whole commands."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lineseal.commandline.program import main


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Return stdout as JSON."""
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed


class HomeKit:
    """Runs ``lineseal`` in one home, in this process."""

    def __init__(
        self, folder: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]
    ) -> None:
        """Make a home in *folder* with the producer ``jobs``, and go there."""
        self.folder = folder
        self.home = folder / ".lineseal"
        self._patch = patch
        self._capture = capture
        patch.chdir(folder)
        self.done("init", "--producer", "jobs")

    def __call__(self, *arguments: str) -> Result:
        """Run ``lineseal ARGUMENTS``."""
        self._patch.setattr(sys, "argv", ["lineseal", *arguments])
        self._capture.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        captured = self._capture.readouterr()
        return Result(int(ended.value.code or 0), captured.out, captured.err)

    def done(self, *arguments: str) -> str:
        """Run a command that has to succeed, and return what it printed."""
        result = self(*arguments)
        assert result.status == 0, result.err
        return result.out

    def people(self, *names: str) -> None:
        """Give people keys of their own."""
        for name in names:
            self.done("keys", "new", name, "--person", "--enrol")

    def materialise(self) -> None:
        """Bring the log into the store."""
        assert self("materialise").status in (0, 1)

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """Ask the store."""
        found: list[dict[str, Any]] = json.loads(self.done("sql", statement, "--json"))["rows"]
        return found
