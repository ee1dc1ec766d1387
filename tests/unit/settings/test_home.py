"""The home is found as git finds a repository, and a missing one says what to do.

Source: DESIGN 9.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from lineseal.schemas.errors import HomeNotFound
from lineseal.settings import HOME_FOLDER, Home, find_home


def make_home(folder: Path) -> Path:
    """Make *folder* a home."""
    folder.mkdir(parents=True)
    (folder / "lineseal.toml").write_text("")
    return folder


def test_the_nearest_home_above_is_found(tmp_path: Path) -> None:
    """From any folder below; the nearest one wins."""
    make_home(tmp_path / HOME_FOLDER)
    inner = make_home(tmp_path / "project" / HOME_FOLDER)
    start = tmp_path / "project" / "src" / "deep"
    start.mkdir(parents=True)

    assert find_home(start=start, environment={}) == Home(inner)
    assert find_home(start=tmp_path, environment={}) == Home(tmp_path / HOME_FOLDER)


def test_a_folder_without_configuration_is_no_home(tmp_path: Path) -> None:
    """A stray .lineseal folder does not hide the real home above it."""
    outer = make_home(tmp_path / HOME_FOLDER)
    (tmp_path / "project" / HOME_FOLDER).mkdir(parents=True)

    assert find_home(start=tmp_path / "project", environment={}) == Home(outer)


def test_the_variable_beats_the_search_and_the_argument_beats_the_variable(
    tmp_path: Path,
) -> None:
    """Explicit, then LINESEAL_HOME, then upwards."""
    make_home(tmp_path / HOME_FOLDER)
    named = make_home(tmp_path / "named")
    explicit = make_home(tmp_path / "explicit")
    environment = {"LINESEAL_HOME": str(named)}

    assert find_home(start=tmp_path, environment=environment) == Home(named)
    assert find_home(explicit, start=tmp_path, environment=environment) == Home(explicit)


def test_no_home_at_all_says_how_to_make_one(tmp_path: Path) -> None:
    """The message holds the command to type."""
    with pytest.raises(HomeNotFound, match="lineseal init --producer"):
        find_home(start=tmp_path, environment={})


def test_a_named_home_must_be_one(tmp_path: Path) -> None:
    """A wrong LINESEAL_HOME is never replaced by another home."""
    make_home(tmp_path / HOME_FOLDER)

    with pytest.raises(HomeNotFound, match=r"no lineseal\.toml"):
        find_home(start=tmp_path, environment={"LINESEAL_HOME": str(tmp_path / "gone")})


def test_places_in_a_home_are_relative_to_it(tmp_path: Path) -> None:
    """Relative settings are taken from the home; absolute ones stay."""
    home = Home(tmp_path)

    assert home.resolve("store/x.duckdb") == tmp_path / "store" / "x.duckdb"
    assert home.resolve("/data/x.duckdb") == Path("/data/x.duckdb")
    assert {home.keys.parent, home.root_keys.parent, home.keyring.parent} == {tmp_path}


def test_a_home_that_cannot_be_looked_into_is_an_error_of_ours(tmp_path: Path) -> None:
    """Whatever the system says: a job catches our errors and goes on."""
    with pytest.raises(HomeNotFound, match="cannot look into"):
        find_home(tmp_path / ("x" * 5000))


def test_the_folder_above_a_home_is_corrected(tmp_path: Path) -> None:
    """A slip that everybody makes once."""
    (tmp_path / ".lineseal").mkdir()
    (tmp_path / ".lineseal" / "lineseal.toml").touch()

    with pytest.raises(HomeNotFound, match=r"did you mean .*\.lineseal"):
        find_home(tmp_path)
