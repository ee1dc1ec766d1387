"""Reads ``lineseal.toml`` and the environment into ``Settings``."""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import tomllib
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from lineseal.schemas.errors import ConfigurationError
from lineseal.settings.home import Home
from lineseal.settings.model import Settings, SinkSettings

PREFIX = "LINESEAL_"
SINKS = "sinks"
"""The one section that holds sections: ``[sinks.NAME]``."""
_SINK_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


def load_settings(home: Home | None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of *home* (defaults alone when None); the environment wins.

    Raises:
        ConfigurationError: The file is not TOML, or a section, key or value is unknown or of
            the wrong type; the message names it and the nearest known name.

    """
    environment = os.environ if environment is None else environment
    tables = _read_file(home)
    for variable, value in environment.items():
        section, separator, key = variable.removeprefix(PREFIX).partition("__")
        if variable.startswith(PREFIX) and separator:
            tables.setdefault(section.lower(), {})[key.lower()] = value
    sections: dict[str, Any] = {}
    hints = typing.get_type_hints(Settings)
    for name, table in tables.items():
        if name not in hints:
            raise ConfigurationError(f"unknown section [{name}]{_near(name, hints)}")
        if name == SINKS:
            sections[name] = _sinks(table)
        else:
            sections[name] = _section(name, hints[name], table)
    return Settings(**sections)


def _read_file(home: Home | None) -> dict[str, dict[str, Any]]:
    if home is None:
        return {}
    try:
        document = tomllib.loads(home.config.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"cannot read {home.config}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{home.config} is not valid TOML: {error}") from error
    for name, table in document.items():
        if not isinstance(table, dict):
            raise ConfigurationError(f"{name!r} stands outside a section in {home.config}")
    return {name: dict(table) for name, table in document.items()}


def _sinks(table: Mapping[str, Any]) -> dict[str, SinkSettings]:
    tables: dict[str, dict[str, Any]] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            tables.setdefault(key, {}).update(typing.cast("dict[str, Any]", value))
    for key, value in table.items():
        if not isinstance(value, dict):
            # From the environment: LINESEAL_SINKS__SPLUNK__TOKEN.
            name, separator, setting = key.partition("__")
            if not separator:
                raise ConfigurationError(f"[{SINKS}] {key} must be a section, [{SINKS}.NAME]")
            tables.setdefault(name.replace("_", "-"), {})[setting] = value
    for name in tables:
        if not _SINK_NAME.fullmatch(name):
            raise ConfigurationError(
                f"[{SINKS}.{name}]: a sink's name is small letters, digits and '-', at most 63"
            )
    return {
        name: _section(f"{SINKS}.{name}", SinkSettings, fields) for name, fields in tables.items()
    }


def _section(section: str, cls: type, table: Mapping[str, Any]) -> Any:
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        where = f"[{section}] {key}"
        if key not in fields:
            raise ConfigurationError(f"unknown setting {where}{_near(key, fields)}")
        values[key] = _convert(where, hints[key], value)
        least = fields[key].metadata.get("least")
        if least is not None and values[key] < least:
            raise ConfigurationError(f"{where} must be at least {least}")
    return cls(**values)


def _convert(where: str, kind: Any, value: Any) -> Any:
    if kind is bool:
        return _to_bool(where, value)
    if kind is int:
        return _to_int(where, value)
    if kind is str:
        if not isinstance(value, str):
            raise ConfigurationError(f"{where} must be text")
        return value
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list):
        raise ConfigurationError(f"{where} must be a list of texts")
    texts = typing.cast("list[Any]", items)
    if not all(isinstance(text, str) for text in texts):
        raise ConfigurationError(f"{where} must be a list of texts")
    return tuple(text.strip() for text in texts if text.strip())


def _to_int(where: str, value: Any) -> int:
    # int() alone would take 1.9 for 1.
    if isinstance(value, int | str) and not isinstance(value, bool):
        try:
            return int(value)
        except ValueError:
            pass
    raise ConfigurationError(f"{where} must be a whole number")


def _to_bool(where: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word in _TRUE | _FALSE:
        return word in _TRUE
    raise ConfigurationError(f"{where} must be true or false")


def _near(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {close[0]!r}?" if close else ""
