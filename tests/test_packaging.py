"""The emitter installs alone: light, complete, and honest about what is missing.

What is promised: ``pip install lineseal`` without extras gives a working emitter and command
line; no store, no column library; a command that needs more says what to install and exits 2.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

LIGHT = ("schemas", "settings", "commandline", "signing", "transport", "producers")
"""Packages every module of which must import without extras, those apart that say so in EXTRA."""

HEAVY = ("duckdb", "pyarrow", "sklearn", "kafka", "structlog", "opentelemetry")
SLOW = ("click", "rich", "asyncio")
"""Modules a job must not pay for when it only imports the emitter."""

EXTRA = (".kafka", ".adapters.dvc", ".adapters.gateway", ".adapters.openlineage.transport")
"""Parts of the names of modules that need an extra of the same name."""

IMPORT_ALL = f"""
import importlib, pkgutil, sys
for package in sys.argv[1:]:
    module = importlib.import_module("lineseal." + package)
    for found in pkgutil.walk_packages(module.__path__, module.__name__ + "."):
        if not any(part in found.name for part in {(*EXTRA, "__main__")!r}):
            importlib.import_module(found.name)
"""


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a fresh environment with the wheel and its hard dependencies; return its bin folder."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, symlinks=True)
    install = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")),
            *("install", "--retries", "2", "--no-compile", str(wheel)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if install.returncode and "Retrying (" in install.stdout + install.stderr:
        pytest.skip(f"pip cannot reach a package index: {install.stderr[-300:]}")
    assert install.returncode == 0, install.stderr
    return folder / "bin"


def run(bare: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the bare environment, away from this tree."""
    return subprocess.run(
        [str(bare / program), *arguments],
        cwd=bare,
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_light_module_imports_without_extras(bare: Path) -> None:
    """Nothing at the bottom or beside the emitter needs an optional package."""
    result = run(bare, "python", "-c", IMPORT_ALL, *LIGHT)

    assert result.returncode == 0, result.stderr


def test_heavy_packages_are_not_installed(bare: Path) -> None:
    """The store and its column library come only with their extras."""
    code = "import sys, importlib.util as u; print([n for n in sys.argv[1:] if u.find_spec(n)])"

    assert run(bare, "python", "-c", code, *HEAVY).stdout == "[]\n"


def test_a_job_does_not_pay_for_the_command_line(bare: Path) -> None:
    """Importing the emitter loads neither click nor rich nor an event loop."""
    code = "import sys, lineseal.producers; print(sorted({*sys.argv[1:]} & {*sys.modules}))"

    assert run(bare, "python", "-c", code, *SLOW).stdout == "[]\n"


def test_the_import_time_is_shown(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The ten costliest imports of the emitter, in microseconds, for the reader of the log."""
    result = run(bare, "python", "-X", "importtime", "-c", "import lineseal.producers")
    rows = re.findall(r"import time: +(\d+) \| +(\d+) \|( +\S+)", result.stderr)

    assert result.returncode == 0, result.stderr
    costliest = sorted(rows, key=lambda row: int(row[0]), reverse=True)[:10]
    total = sum(int(own) for own, _, _ in rows)
    with capsys.disabled():
        sys.stdout.write(f"\nimport lineseal.producers: {total} us, of which\n")
        sys.stdout.writelines(f"{own:>8} us {name.strip()}\n" for own, _, name in costliest)


def test_help_works_and_marks_what_is_missing(bare: Path) -> None:
    """Every command is listed; those that need more say so."""
    result = run(bare, "lineseal", "--help")

    assert result.returncode == 0, result.stderr
    assert re.search(r"^  emit ", result.stdout, re.MULTILINE)
    assert re.search(
        r"^  trace +\(not installed; pip install 'lineseal", result.stdout, re.MULTILINE
    )


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        (("trace", "x"), "queries"),
        (("impact", "x", "--all-models"), "queries"),
        (("sql", "SELECT 1"), "queries"),
        (("status",), "queries"),
        (("materialise", "--once"), "consumers"),
        (("demo",), "demo"),
    ],
    ids=["trace", "impact", "sql", "status", "materialise", "demo"],
)
def test_a_command_that_needs_more_says_what_to_install(
    bare: Path, command: tuple[str, ...], extra: str
) -> None:
    """Exit status 2 and the exact pip command; no traceback."""
    result = run(bare, "lineseal", *command)

    assert f"pip install 'lineseal[{extra}]'" in result.stderr
    assert "Traceback" not in result.stderr
    assert result.returncode == 2
