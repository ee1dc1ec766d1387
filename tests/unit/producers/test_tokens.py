"""A token lets its client in, within a second of being made and not a second after being revoked.

What is promised: only hashes are on the disk, in a file that its owner alone can read; a file that
others may read lets nobody in; names are unique. Source: docs/openlineage.md.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lineseal.producers.adapters.gateway import tokens
from lineseal.producers.adapters.gateway.tokens import PREFIX, TokenBook
from lineseal.schemas.errors import ConfigurationError


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name a file of tokens that is looked at every time."""
    monkeypatch.setattr(tokens, "_LOOK_SECONDS", 0.0)
    return tmp_path / "gateway" / "tokens.json"


def test_what_is_added_is_found_until_it_is_removed(path: Path) -> None:
    """By a book that was open before, too."""
    running = TokenBook(path)
    before = running.find("x")
    text = TokenBook(path).add("airflow", ("airflow-*",), ("s3://lake/*",))
    found = running.find(text)
    removed = TokenBook(path).remove("airflow")

    assert before is None
    assert found is not None
    assert (found.name, found.rights.owner) == ("airflow", "airflow")
    assert (found.namespaces, found.writes) == (("airflow-*",), ("s3://lake/*",))
    assert removed
    assert running.find(text) is None
    assert not TokenBook(path).remove("airflow")


def test_the_file_holds_no_token(path: Path) -> None:
    """And nobody else may read it."""
    text = TokenBook(path).add("airflow", ("*",), ("*",))

    assert text.startswith(PREFIX)
    assert text.removeprefix(PREFIX) not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_that_others_may_read_lets_nobody_in(path: Path) -> None:
    """It may have been copied, or written by somebody else."""
    text = TokenBook(path).add("airflow", ("*",), ("*",))
    path.chmod(0o640)

    with pytest.raises(ConfigurationError, match="others may read"):
        TokenBook(path).find(text)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"tokens": [{}]}', '{"tokens": 7}'])
def test_a_damaged_file_is_an_error_and_no_empty_one(path: Path, content: str) -> None:
    """Else who damages it would lock everybody out in silence."""
    path.parent.mkdir()
    path.write_text(content)
    os.chmod(path, 0o600)  # noqa: PTH101 - as any program would

    with pytest.raises(ConfigurationError):
        TokenBook(path).find("x")


@pytest.mark.parametrize("name", ["airflow", "", "a\nb", " a"])
def test_a_name_is_given_once_and_is_one(path: Path, name: str) -> None:
    """What is sealed as the actor must be fit to be one."""
    TokenBook(path).add("airflow", ("*",), ("*",))

    with pytest.raises(ConfigurationError):
        TokenBook(path).add(name, ("*",), ("*",))
