"""The program in an empty folder, and a home made by it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.integration.keys.world import PRODUCER, Result, Run

from lineseal.commandline.program import main
from lineseal.settings import Home


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the program in an empty folder of its own."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run_program(*arguments: str | Path) -> Result:
        monkeypatch.setattr(sys, "argv", ["lineseal", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Result(ended.value.code, captured.out, captured.err)

    return run_program


@pytest.fixture
def home(run: Run) -> Home:
    """Make a home by the command."""
    assert run("init", "--producer", PRODUCER, "--deployment", "lab").status == 0
    return Home(Path.cwd() / ".lineseal")
