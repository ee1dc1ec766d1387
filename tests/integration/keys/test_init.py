"""``lineseal init`` makes a home in which a job can seal and a consumer can verify at once.

What is promised: it touches nothing that exists; every refusal has a clear message, its exit
status and no side effect.

Evidence: the installed program on real folders; what it leaves behind is judged by the
consumer's own verifier. Source: DESIGN 4.3, 8, 9.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.integration.keys.world import (
    PRODUCER,
    Run,
    accepted,
    keyring_of,
    sealed_by,
    snapshot,
)

from lineseal.settings import Home, load_settings


def test_init_makes_a_home_that_seals_and_verifies(run: Run) -> None:
    """One command later the default settings, key and keyring fit together."""
    result = run("init", "--producer", PRODUCER, "--deployment", "lab")
    home = Home(Path.cwd() / ".lineseal")
    settings = load_settings(home, {})

    assert (result.status, result.out) == (0, "")
    assert (settings.deployment.name, settings.emitter.producer) == ("lab", PRODUCER)
    assert keyring_of(home).version == 1
    roles = {entry.producer: set(entry.roles) for entry in keyring_of(home).entries}
    own = {"materialiser": {"log"}, "detect": {"detect", "emit"}}
    assert roles == {PRODUCER: {"emit"}, **own}
    assert accepted(home, sealed_by(home))


def test_init_says_what_to_do_next(run: Run) -> None:
    """The root key goes to an offline place, then a job is instrumented."""
    result = run("init", "--producer", PRODUCER)

    assert "next: move" in result.err
    assert ".lineseal/root to an offline place" in result.err
    assert "next: instrument a job, see README" in result.err


def test_everything_in_a_new_home_is_private(home: Home) -> None:
    """Private keys 0600, folders 0700, and git is told to keep out."""
    keys = [*home.keys.glob("*.pem"), *home.root_keys.glob("*.pem")]
    folders = [home.path, *(path for path in home.path.iterdir() if path.is_dir())]

    assert len(keys) == 4
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}
    assert (home.path / ".gitignore").read_text() == "*\n"


def test_a_deployment_gets_a_name_of_its_own(run: Run) -> None:
    """The folder's name and a random suffix: two projects called alike stay apart."""
    run("init", "--producer", PRODUCER)
    first = load_settings(Home(Path.cwd() / ".lineseal"), {}).deployment.name
    shutil.rmtree(".lineseal")
    run("init", "--producer", PRODUCER)
    second = load_settings(Home(Path.cwd() / ".lineseal"), {}).deployment.name

    assert first.startswith("project-")
    assert second.startswith("project-")
    assert first != second


def test_init_makes_the_home_that_is_asked_for(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --home there, and the other commands find it the same way."""
    monkeypatch.setenv("LINESEAL_HOME", "restored after the test")
    elsewhere = tmp_path / "deep" / "home"

    made = run("--home", elsewhere, "init", "--producer", PRODUCER)
    listed_there = run("--home", elsewhere, "keys", "list", "--json")

    assert (made.status, listed_there.status) == (0, 0)
    assert not (Path.cwd() / ".lineseal").exists()
    assert PRODUCER in {row["producer"] for row in json.loads(listed_there.out)["rows"]}


def test_init_never_touches_an_existing_home(run: Run, home: Home) -> None:
    """A clear error, and every byte as before."""
    before = snapshot(home.path)

    result = run("init", "--producer", "another")

    assert result.status == 2
    assert "is a Lineseal home already" in result.err
    assert snapshot(home.path) == before


@pytest.mark.parametrize("part", ["keys", "root", "keyring.json"])
def test_init_never_touches_a_part_of_a_home(run: Run, home: Home, part: str) -> None:
    """An interrupted init may have left keys: they are shown, not overwritten."""
    for path in home.path.iterdir():
        if path.name != part:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    before = snapshot(home.path)

    result = run("init", "--producer", PRODUCER)

    assert result.status == 2
    assert part in result.err
    assert snapshot(home.path) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("--producer", "../escape"),
        ("--producer", ""),
        ("--producer", "person-alice"),
        ("--producer", "person:alice"),
        ("--producer", 'a"b'),
        ("--producer", "-dash"),
        ("--producer", "materialiser"),
        ("--producer", "detect"),
        ("--producer", "ok", "--deployment", 'x"\nroots = []'),
        (),
    ],
)
def test_init_refuses_names_that_cannot_work(run: Run, arguments: tuple[str, ...]) -> None:
    """A usage error before anything is made."""
    result = run("init", *arguments)

    assert result.status == 2
    assert result.err
    assert not (Path.cwd() / ".lineseal").exists()


def test_a_home_that_cannot_be_made_is_said(run: Run) -> None:
    """A file is in the way."""
    Path(".lineseal").write_text("a file")

    result = run("init", "--producer", PRODUCER)

    assert result.status == 2
    assert "cannot make" in result.err
