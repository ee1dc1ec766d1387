"""A progress bar appears for slow work on a terminal, and nowhere else.

Source: DESIGN 8: narration and progress on stderr.
"""

from __future__ import annotations

import io
import sys

import pytest

from lineseal.commandline import progress as module
from lineseal.commandline.progress import Progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Return that it is one."""
        return True


def terminal_in_place_of_stderr(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make stderr a terminal; call it in the test, as pytest swaps stderr between phases."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def test_quick_work_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within two seconds nobody needs a bar."""
    terminal = terminal_in_place_of_stderr(monkeypatch)
    with Progress("hashing", 100) as progress:
        progress.advance(100)

    assert not terminal.getvalue()


def test_slow_work_shows_what_was_done_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar that appears late still counts from the start."""
    terminal = terminal_in_place_of_stderr(monkeypatch)
    monkeypatch.setattr(module, "SHOW_AFTER_SECONDS", 0.0)
    with Progress("hashing", 100) as progress:
        progress.advance(50)
        progress.advance(50)

    assert "hashing" in terminal.getvalue()
    assert "100%" in terminal.getvalue()


def test_a_pipe_gets_no_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Log files stay readable."""
    monkeypatch.setattr(module, "SHOW_AFTER_SECONDS", 0.0)
    with Progress("hashing", 100) as progress:
        progress.advance(100)

    assert not capsys.readouterr().err
