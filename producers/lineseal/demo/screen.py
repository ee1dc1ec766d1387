"""How the demo talks: headings, steps and commands, in short lines.

Colour only on a terminal, none with ``NO_COLOR``; text that came from a process is made visible
first, so that nothing in it can steer the terminal.
"""

from __future__ import annotations

import shlex
import shutil
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from lineseal.commandline.escape import visible
from lineseal.commandline.output import PipeConsole

_STEP_WIDTH = 10


class Screen:
    """Prints the story to stdout, or to stderr when stdout belongs to the JSON result."""

    def __init__(self, *, to_stderr: bool) -> None:
        """Open a console on one of the two streams."""
        self._console = PipeConsole(stderr=to_stderr, highlight=False)
        self._chapters = 0

    def title(self, text: str) -> None:
        """Print the first line."""
        self._print(Text(text, style="bold"))

    def chapter(self, text: str) -> None:
        """Print a numbered heading after an empty line."""
        self._chapters += 1
        self._print(Text())
        self._print(Text.assemble((f"{self._chapters}  ", "cyan"), (text, "bold")))

    def heading(self, text: str) -> None:
        """Print a heading without a number after an empty line."""
        self._print(Text())
        self._print(Text(text, style="bold"))

    def say(self, text: str) -> None:
        """Print one line."""
        self._print(Text(f"   {visible(text)}"))

    def step(self, name: str, text: str) -> None:
        """Print what one stage of the pipeline did."""
        label = f"   {name.ljust(_STEP_WIDTH)} "
        self._print(Text.assemble((label, "cyan"), visible(text)))

    def asks(self, text: str) -> None:
        """Print a question after an empty line."""
        self._print(Text())
        self._print(Text(text, style="bold"))

    def command(self, arguments: Sequence[str]) -> None:
        """Print a command as a person would type it."""
        typed = " ".join(["lineseal", *(_quoted(argument) for argument in arguments)])
        self._print(Text.assemble(("$ ", "dim"), (typed, "green")))

    def means(self, text: str, *, expected: bool = True) -> None:
        """Print what an answer means, or that it is not the one the demo expects."""
        style = "yellow" if expected else "bold red"
        self._print(Text.assemble(("=> ", style), (visible(text), style)))

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)
        self._console.file.flush()


def program() -> str:
    """Return ``lineseal`` as one can type it here, also in an environment that is not active."""
    if shutil.which("lineseal"):
        return "lineseal"
    return shlex.quote(str(Path(sysconfig.get_path("scripts")) / "lineseal"))


def _quoted(argument: str) -> str:
    """Quote for a shell; SQL, which has quotes of its own, in the way that stays readable."""
    if "'" in argument and not set(argument) & set('"$`\\!'):
        return f'"{argument}"'
    return shlex.quote(argument)
