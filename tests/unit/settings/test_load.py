"""A setting is what the file and the environment say, or an error that names it.

What is promised: the environment wins over the file, the file over the defaults; nothing is
ignored, rounded or guessed. Source: DESIGN 9, docs/configuration.md.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from lineseal.schemas.errors import ConfigurationError
from lineseal.settings import Home, Settings, load_settings


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Make a home whose configuration is empty."""
    home = Home(tmp_path)
    home.config.write_text("")
    return home


def test_defaults_hold_when_nothing_is_said(home: Home) -> None:
    """An empty file and no file at all mean the same."""
    assert load_settings(home, {}) == load_settings(None, {}) == Settings()


def test_the_file_is_read(home: Home) -> None:
    """Texts, numbers, booleans and lists arrive with their types."""
    home.config.write_text(
        '[deployment]\nname = "bank"\nroots = ["a", "b"]\nthreshold = 2\n'
        '[emitter]\nproducer = "train-eu"\nlinger_ms = 50\nstrict = true\n'
    )

    settings = load_settings(home, {})

    assert settings.deployment.name == "bank"
    assert settings.deployment.roots == ("a", "b")
    assert settings.deployment.threshold == 2
    assert settings.emitter.linger_ms == 50
    assert settings.emitter.strict is True


def test_the_environment_wins(home: Home) -> None:
    """LINESEAL_SECTION__KEY beats the file; case does not matter to us."""
    home.config.write_text('[emitter]\nproducer = "file"\nlinger_ms = 50\n')

    settings = load_settings(
        home,
        {
            "LINESEAL_EMITTER__PRODUCER": "environment",
            "LINESEAL_EMITTER__STRICT": "yes",
            "LINESEAL_DEPLOYMENT__ROOTS": "a, b,",
            "LINESEAL_HOME": "/elsewhere",
            "OTHER_EMITTER__PRODUCER": "not ours",
        },
    )

    assert settings.emitter.producer == "environment"
    assert settings.emitter.linger_ms == 50
    assert settings.emitter.strict is True
    assert settings.deployment.roots == ("a", "b")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[emiter]\n", r"unknown section \[emiter\]; did you mean 'emitter'"),
        ('[emitter]\nproduser = "x"', r"unknown setting \[emitter\] produser; did you mean"),
        ("[emitter]\nproducer = 7", r"\[emitter\] producer must be text"),
        ("[emitter]\nlinger_ms = 1.9", r"\[emitter\] linger_ms must be a whole number"),
        ("[emitter]\nlinger_ms = inf", "must be a whole number"),
        ("[emitter]\nlinger_ms = true", "must be a whole number"),
        ("[emitter]\nlinger_ms = -1", "must be at least 0"),
        ("[emitter]\nmax_bytes = 1024", "must be at least 1048576"),
        ('[emitter]\nstrict = "maybe"', "must be true or false"),
        ("[deployment]\nthreshold = 0", r"\[deployment\] threshold must be at least 1"),
        ("[deployment]\nroots = [1]", "must be a list of texts"),
        ("[deployment]\nroots = 1", "must be a list of texts"),
        ('name = "bank"', "'name' stands outside a section"),
        ("deployment = []", "'deployment' stands outside a section"),
        ("[emitter", "is not valid TOML"),
    ],
)
def test_a_wrong_setting_is_named(home: Home, text: str, message: str) -> None:
    """The message says which setting, what it must be, and the nearest known name."""
    home.config.write_text(text)

    with pytest.raises(ConfigurationError, match=message):
        load_settings(home, {})


def test_a_wrong_variable_is_named() -> None:
    """A misspelt variable is an error too, not silence."""
    with pytest.raises(ConfigurationError, match="must be a whole number"):
        load_settings(None, {"LINESEAL_EMITTER__LINGER_MS": "soon"})


def test_a_file_that_is_not_text_is_an_error(home: Home) -> None:
    """Bytes that are not UTF-8 are not TOML."""
    home.config.write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigurationError, match="not valid TOML"):
        load_settings(home, {})


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    """A home that lost its configuration says so."""
    with pytest.raises(ConfigurationError, match="cannot read"):
        load_settings(Home(tmp_path), {})
