"""The house stands as ADR-0001 describes it.

What is promised: one PEP 420 namespace over four source roots; every module says what it is for
and stays readable; the wheel holds exactly what the tree holds; nothing names the machine it was
written on.
"""

from __future__ import annotations

import ast
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ("schemas", "producers", "queries", "consumers")
MAX_LINES = 400
TEXT_SUFFIXES = {"", ".avsc", ".json", ".md", ".py", ".sql", ".toml", ".yaml", ".yml"}

SOURCES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))
MODULES = [*SOURCES, *sorted((ROOT / "tests").rglob("*.py"))]
PACKAGES = sorted(
    path
    for layer in LAYERS
    for path in (ROOT / layer / "lineseal").iterdir()
    if path.is_dir() and not path.name.startswith("__")
)


def relative(path: Path) -> str:
    """Return *path* as it is written in the project."""
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("layer", LAYERS)
def test_the_namespace_has_no_init(layer: str) -> None:
    """One such file breaks editable installs and pyright while the wheel still works."""
    assert not (ROOT / layer / "lineseal" / "__init__.py").exists()
    assert not (ROOT / layer / "__init__.py").exists()


def test_each_package_lives_in_one_layer_only() -> None:
    """Two roots may not both hold a package of the same name."""
    names = [package.name for package in PACKAGES]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_package_is_typed_and_regular(package: Path) -> None:
    """A namespace cannot be marked as typed, so each package is; each folder has its init."""
    folders = {path.parent for path in package.rglob("*.py")}

    assert (package / "py.typed").is_file()
    assert not [relative(folder) for folder in folders if not (folder / "__init__.py").is_file()]


@pytest.mark.parametrize("module", MODULES, ids=relative)
def test_a_module_says_what_it_is_for_and_stays_readable(module: Path) -> None:
    """A docstring first, and at most 400 lines."""
    text = module.read_text("utf-8")

    assert ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) <= MAX_LINES


def test_nothing_names_the_machine_it_was_written_on() -> None:
    """Neither this checkout's path nor the developer's own folder stands in any file."""
    here = [path for path in (ROOT, Path.home().resolve()) if path != Path("/")]
    paths = re.compile("|".join(rf"(?<![\w./:]){re.escape(str(path))}(?![\w-])" for path in here))

    assert not [relative(path) for path in text_files() if paths.search(path.read_text("utf-8"))]


def text_files() -> Iterator[Path]:
    """Yield every text file of the project that a person wrote."""
    for top in ROOT.iterdir():
        if top.name.startswith(".") and top.name not in {".ci", ".gitignore"}:
            continue
        for path in [top] if top.is_file() else top.rglob("*"):
            if path.is_file() and path.suffix in TEXT_SUFFIXES and "__pycache__" not in path.parts:
                yield path


def test_the_wheel_holds_the_tree_and_nothing_else(wheel: Path) -> None:
    """One top-level name; every module, schema and statement; no tests."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
    expected = {
        path.relative_to(ROOT / layer).as_posix()
        for layer in LAYERS
        for path in (ROOT / layer / "lineseal").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert {name.partition("/")[0] for name in names} == {"lineseal"}
    assert set(names) == expected
    assert {Path(name).suffix for name in names} >= {".py", ".avsc", ".sql"}
