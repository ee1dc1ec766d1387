"""What docs/gates.md tells one to type works, in order, in an empty folder; so do its CI files.

Evidence: every marked block is run by bash; every command of the YAML and Airflow examples too.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from tests import readme

PAGE = Path(__file__).resolve().parents[2] / "docs" / "gates.md"
REGENERATE = "the page is old: 'python -m tests.readme docs/gates.md' writes its outputs again"


def test_what_the_page_says_works(tmp_path: Path) -> None:
    """Blocks first, and where the model is good, the commands of the CI files."""
    page = PAGE.read_text("utf-8")
    before, containment = page.split("## Containment\n")

    for part in (before, containment):
        for block, printed in readme.play(part, tmp_path):
            assert readme.lasting(block.text) == readme.lasting(printed), REGENERATE
        if part is before:
            commands = list(ci_commands(page))
            for command in commands:
                run(command, tmp_path)

            assert len(commands) == 3


def ci_commands(page: str) -> Iterator[str]:
    """Yield the commands of ours in the examples for CI."""
    blocks = re.findall(r"^```(yaml|python)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    for language, text in blocks:
        found = texts_of_yaml(yaml.safe_load(text)) if language == "yaml" else constants(text)
        yield from (each for each in found if each.startswith("lineseal "))


def texts_of_yaml(value: Any) -> Iterator[str]:
    """Yield every text in a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts_of_yaml(item)


def constants(code: str) -> Iterator[str]:
    """Yield every text in a Python file."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def run(command: str, folder: Path) -> None:
    """Run a command of ours; it is allowed to refuse, not to be wrong."""
    program = Path(sys.executable).with_name("lineseal")
    environment = {**os.environ, "LINESEAL_HOME": str(folder / ".lineseal")}
    result = subprocess.run(
        [str(program), *shlex.split(command)[1:]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    wanted = 1 if " train " in command else 0  # nobody approved the data for training

    assert result.returncode == wanted, result.stderr
