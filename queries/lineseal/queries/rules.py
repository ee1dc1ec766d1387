"""Which rules are there? Loads detections: SQL files with a head that says what they mean.

A rule is one SELECT that returns the occurrences it finds, one row each::

    scope VARCHAR, subject VARCHAR, seen_at TIMESTAMP, event_id VARCHAR, reason VARCHAR

What it may read beside the tables of the store, and how occurrences become alerts, is told in
docs/detections.md. Shipped rules stand in ``sql/detections``, a user's own in a folder that
``[detect] rules`` names. Every rule has a file of tests beside it and a runbook.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lineseal.queries.catalog import Field, parameters_of, parse_field, split_head
from lineseal.schemas.errors import ConfigurationError

KEYS = (
    "id",
    "uuid",
    "title",
    "status",
    "version",
    "severity",
    "confidence",
    "atlas",
    "owasp",
    "reads",
    "clock",
    "key",
    "window",
    "params",
    "false",
    "runbook",
    "why",
)
"""Every key of a rule's head, in the order they stand in; all are required."""

STATUSES = ("experimental", "test", "stable", "deprecated")
SEVERITIES = ("info", "low", "medium", "high", "critical")
CONFIDENCES = ("low", "medium", "high")
CLOCKS = ("commit", "tick")
GIVEN = frozenset({"now"})
"""Parameters the engine gives without being asked: the tick that is judged at."""

RULE_ID = re.compile(r"[A-Z][A-Z0-9]{1,15}-[0-9]{3,5}")
_ATLAS = re.compile(r"AML\.T[0-9]{4}(\.[0-9]{3})?")
_OWASP = re.compile(r"(LLM|ML)[0-9]{2}:[0-9]{4}")
_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")
_WINDOW = re.compile(r"([1-9][0-9]*) (minute|hour|day)s?")
_WIDER = re.compile(r"\b(?:FROM|JOIN)\s+(touched_upstream|touched_downstream)\b", re.IGNORECASE)
_LEARNS = re.compile(r"\b(?:FROM|JOIN)\s+(?:training\w*|ancestor)\b", re.IGNORECASE)
_NARROWED = re.compile(
    r"\b(?:FROM|JOIN)\s+(?:touched\w*|affected_run|training\w*|ancestor)\b", re.IGNORECASE
)
_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Hold one detection.

    Attributes:
        rule_id: ``DP-001``; never given to another rule.
        uuid: The same for tools that want one.
        title: What an analyst sees; never variable.
        status: How far it may be trusted: one of ``STATUSES``.
        version: Raised whenever the rule's meaning changes.
        severity: One of ``SEVERITIES``.
        confidence: One of ``CONFIDENCES``.
        atlas: MITRE ATLAS technique ids.
        owasp: OWASP ids.
        reads: Tables whose new rows make it run.
        clock: commit: it runs when such rows came; tick: it judges absence, at signed moments.
        key: The dedupe key in words.
        window_seconds: Occurrences of one subject within one such window are one alert; None:
            one alert per subject for good.
        params: Its thresholds and lists, with their defaults.
        false_positives: What looks like it and is not.
        runbook: Where the runbook stands.
        why: What it finds and why that matters.
        sql: Its one statement.
        sha256: Of the whole file, ``sha256:`` and hex.
        own: Whether it is a user's own.

    """

    rule_id: str
    uuid: str
    title: str
    status: str
    version: str
    severity: str
    confidence: str
    atlas: tuple[str, ...]
    owasp: tuple[str, ...]
    reads: tuple[str, ...]
    clock: str
    key: str
    window_seconds: int | None
    params: tuple[Field, ...]
    false_positives: tuple[str, ...]
    runbook: str
    why: str
    sql: str
    sha256: str
    own: bool = False

    @property
    def uses(self) -> frozenset[str]:
        """Return the ``$names`` of its statement."""
        return frozenset(parameters_of(self.sql))

    @property
    def learns(self) -> bool:
        """Tell whether it asks about training runs, which come in parts."""
        return _LEARNS.search(self.sql) is not None

    @property
    def judges(self) -> str | None:
        """Name the prepared table of scopes it judges; None: everything, whenever it runs."""
        if (wider := _WIDER.search(self.sql)) is not None:
            return wider[1].lower()
        return "touched" if _NARROWED.search(self.sql) else None


@cache
def shipped_rules() -> Mapping[str, Rule]:
    """Load the rules of this package, by id.

    Raises:
        ConfigurationError: A head is wrong; the message names the file and the key.

    """
    return _by_id(
        parse_rule(text, name=name) for name, text in _files(files("lineseal.queries"), _SHIPPED)
    )


def user_rules(folder: Path) -> Mapping[str, Rule]:
    """Load a user's own rules from the ``.sql`` files of *folder*, by id.

    Raises:
        ConfigurationError: There is no such folder, a head is wrong, or an id is shipped.

    """
    if not folder.is_dir():
        raise ConfigurationError(f"[detect] rules: there is no folder {folder}")
    found = _by_id(parse_rule(text, name=name, own=True) for name, text in _files(folder, ()))
    for rule_id in found:
        if rule_id in shipped_rules():
            raise ConfigurationError(
                f"{folder}: {rule_id} is the id of a shipped rule; give yours another prefix"
            )
    return found


def parse_rule(text: str, *, name: str, own: bool = False) -> Rule:
    """Parse one rule's file and check what can be checked without a store.

    Raises:
        ConfigurationError: A key is unknown, missing, repeated, out of order or has a value it
            cannot have; the message names the file and the key.

    """
    where = f"rule {name}"
    head, body = split_head(text, KEYS, where)
    one = {key: " ".join(lines).strip() for key, lines in head.items()}
    rule = Rule(
        rule_id=one["id"],
        uuid=one["uuid"],
        title=one["title"],
        status=one["status"],
        version=one["version"],
        severity=one["severity"],
        confidence=one["confidence"],
        atlas=_list(one["atlas"]),
        owasp=_list(one["owasp"]),
        reads=_list(one["reads"]),
        clock=one["clock"],
        key=one["key"],
        window_seconds=_window(one["window"], where),
        params=tuple(
            parse_field(line, where) for line in head["params"] if line not in ("", "none")
        ),
        false_positives=tuple(
            part.strip() for part in one["false"].split(";") if part.strip() not in ("", "none")
        ),
        runbook=one["runbook"],
        why=one["why"],
        sql=body,
        sha256="sha256:" + hashlib.sha256(text.encode()).hexdigest(),
        own=own,
    )
    _check(rule, name, where)
    return rule


def _check(rule: Rule, name: str, where: str) -> None:
    allowed: dict[str, tuple[str, tuple[str, ...]]] = {
        "status": (rule.status, STATUSES),
        "severity": (rule.severity, SEVERITIES),
        "confidence": (rule.confidence, CONFIDENCES),
        "clock": (rule.clock, CLOCKS),
    }
    for key, (value, known) in allowed.items():
        if value not in known:
            raise ConfigurationError(f"{where}: {key} must be one of {', '.join(known)}")
    problems = {
        "id": rule.rule_id == name and RULE_ID.fullmatch(rule.rule_id) is not None,
        "uuid": _is_uuid(rule.uuid),
        "version": _VERSION.fullmatch(rule.version) is not None,
        "atlas": all(_ATLAS.fullmatch(item) for item in rule.atlas),
        "owasp": all(_OWASP.fullmatch(item) for item in rule.owasp),
        "title": 0 < len(rule.title) <= 120,
        "reads": bool(rule.reads),
        "runbook": bool(rule.runbook),
        "why": bool(rule.why),
    }
    for key, fine in problems.items():
        if not fine:
            raise ConfigurationError(f"{where}: {key} cannot be that (an id is the file's name)")
    for field in rule.params:
        if field.default is None:
            raise ConfigurationError(f"{where}: the parameter {field.name} needs a default")
    odd = (rule.uses - GIVEN) ^ {field.name for field in rule.params}
    if odd:
        names = ", ".join(sorted(odd))
        raise ConfigurationError(f"{where}: params and the statement disagree about: {names}")


_SHIPPED = ("sql", "detections")


def _files(root: Traversable, inside: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    folder = root.joinpath(*inside) if inside else root
    for file in sorted(folder.iterdir(), key=lambda item: item.name):
        if file.name.endswith(".sql"):
            yield file.name.removesuffix(".sql"), file.read_text("utf-8")


def _by_id(rules: Iterator[Rule]) -> Mapping[str, Rule]:
    return MappingProxyType({rule.rule_id: rule for rule in rules})


def _list(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip() not in ("", "none"))


def _window(text: str, where: str) -> int | None:
    if text == "none":
        return None
    match = _WINDOW.fullmatch(text)
    if match is None:
        raise ConfigurationError(f"{where}: window is 'none' or '1 hour', '2 days' and so on")
    return int(match[1]) * _SECONDS[match[2]]


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def default_of(field: Field) -> Any:
    """Return the default of a rule's parameter as a Python value.

    Raises:
        ConfigurationError: It is none of its type.

    """
    return typed(field, field.default or "", f"the default of {field.name}")


def typed(field: Field, text: str, where: str) -> Any:
    """Read *text* as a value of the parameter *field*.

    Raises:
        ConfigurationError: It is none of its type.

    """
    try:
        if field.type == "BIGINT":
            return int(text)
        if field.type == "DOUBLE":
            return float(text)
    except ValueError:
        raise ConfigurationError(f"{where}: {text!r} is no {field.type}") from None
    if field.type == "BOOLEAN" and text in ("true", "false"):
        return text == "true"
    if field.type == "VARCHAR[]":
        return [item for item in text.strip("[]").split("|") if item]
    raise ConfigurationError(f"{where}: {text!r} is no {field.type}")
