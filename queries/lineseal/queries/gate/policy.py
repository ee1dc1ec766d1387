"""What does a gate ask for? A small TOML file, or the defaults; refuses what it does not know.

Settings at the top hold for every gate, a table ``[train]``, ``[promote]`` or ``[rollback]`` for
that one. The digest of a policy is that of the file's bytes, so that ``sha256sum`` gives it too.
"""

from __future__ import annotations

import hashlib
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from lineseal.queries.rules import SEVERITIES
from lineseal.schemas.errors import ConfigurationError
from lineseal.schemas.model import SuiteKind

GATES = ("train", "promote", "rollback")


def _asks(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Hold what one gate asks for."""

    people: int = _asks(2, "people who must have approved it, each with a key of their own")
    approvers: tuple[str, ...] = _asks((), "who may approve; empty: anybody who did not make it")
    input_approvals: int = _asks(1, "people who must have approved each input, or its source")
    require_proven_ancestry: bool = _asks(
        True, "is an ancestry that is not proven (ADR-0005) incomplete?"
    )
    require_validation: bool = _asks(True, "must each input have a validation that passed?")
    validations: tuple[str, ...] = _asks(
        (), "validations each input must have passed, as TOOL/NAME"
    )
    evaluations: tuple[str, ...] = _asks((), "suites the model must have passed, by name")
    evaluation_kinds: tuple[str, ...] = _asks(
        (), f"kinds of suites it must have passed: {', '.join(SuiteKind)}"
    )
    accept_warnings: bool = _asks(False, "does the outcome 'warn' count as passed?")
    require_file: bool = _asks(False, "must the bytes of the subject be given with --file?")
    alert_severities: tuple[str, ...] = _asks(
        ("critical",), f"open alerts that refuse: {', '.join(SEVERITIES)}"
    )
    require_detections: bool = _asks(
        True, "is it incomplete when detections have not seen everything in the store?"
    )
    stages: tuple[str, ...] = _asks(
        (), "stages the gate stands before: refused when one is frozen; train: train, training"
    )


_DEFAULTS: Mapping[str, Mapping[str, Any]] = {"train": {"stages": ("train", "training")}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """Hold the policy of every gate, and the digest of where they come from."""

    digest: str
    of: Mapping[str, Policy]


def parse_policies(text: str | None) -> Policies:
    """Parse a policy file; None means the defaults.

    Raises:
        ConfigurationError: It is no TOML, or a setting is unknown or cannot work.

    """
    text = default_text() if text is None else text
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"the gate policy is no TOML: {error}") from error
    shared = {name: value for name, value in document.items() if name not in GATES}
    of = {gate: _policy(gate, shared, document.get(gate, {})) for gate in GATES}
    return Policies(digest=f"sha256:{hashlib.sha256(text.encode()).hexdigest()}", of=of)


def default_text() -> str:
    """Return the defaults as a policy file with comments."""
    lines = ["# What 'lineseal gate' asks for. A table [train], [promote] or [rollback] at the end"]
    lines.append("# overrides what stands here for that gate.")
    for each in fields(Policy):
        lines += ["", f"# {each.metadata['help']}", f"{each.name} = {_to_toml(each.default)}"]
    for gate, defaults in _DEFAULTS.items():
        lines += ["", f"[{gate}]"]
        lines += [f"{name} = {_to_toml(value)}" for name, value in defaults.items()]
    return "\n".join(lines) + "\n"


def _to_toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        items = typing.cast("tuple[str, ...]", value)
        return "[" + ", ".join(f'"{item}"' for item in items) + "]"
    return str(value)


def _policy(gate: str, shared: Mapping[str, Any], own: Any) -> Policy:
    if not isinstance(own, dict):
        raise ConfigurationError(f"[{gate}] in the gate policy is a table")
    given: dict[str, Any] = {**_DEFAULTS.get(gate, {}), **shared, **typing.cast("Any", own)}
    known = {each.name: each.default for each in fields(Policy)}
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            raise ConfigurationError(
                f"the gate policy knows no {name!r}; 'lineseal gate policy' prints what there is"
            )
        values[name] = _checked(name, value, known[name])
    policy = Policy(**values)
    _check_words("alert_severities", policy.alert_severities, SEVERITIES)
    _check_words("evaluation_kinds", policy.evaluation_kinds, tuple(SuiteKind))
    return policy


def _checked(name: str, value: Any, default: Any) -> Any:
    if isinstance(default, bool):
        fits = isinstance(value, bool)
    elif isinstance(default, int):
        fits = type(value) is int and value >= 0
    else:
        items = typing.cast("list[Any]", value) if isinstance(value, list | tuple) else [None]
        fits = all(isinstance(item, str) for item in items)
        value = tuple(items)
    if not fits:
        wanted = {bool: "true or false", int: "a whole number from 0"}
        raise ConfigurationError(
            f"{name} in the gate policy must be {wanted.get(type(default), 'a list of texts')}"
        )
    return value


def _check_words(name: str, words: tuple[str, ...], known: tuple[str, ...]) -> None:
    for word in words:
        if word not in known:
            raise ConfigurationError(
                f"{name} in the gate policy: {word!r} is none of {', '.join(known)}"
            )
