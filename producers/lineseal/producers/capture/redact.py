"""Answers what must never be signed because it is a secret.

A signature makes a record permanent, so secrets are taken out before it. Three rules:

* the value of a parameter whose *key* says that it is a secret is replaced whole;
* free text (reasons, messages, locations, command lines) loses what the table ``PATTERNS`` knows;
* identifiers lose the password of a URI and secret query parameters, nothing else, since they
  are compared (``abfss://container@account`` keeps its container: that is its name).

What is replaced reads ``[redacted]``. Every pattern is linear in the text: a job's thread runs it.
"""

from __future__ import annotations

import re
import shlex
import typing
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from lineseal.schemas.avsc import field_types, unwrap
from lineseal.schemas.model import Pair
from lineseal.schemas.record import Record

REDACTED = "[redacted]"

# fmt: off
_SECRET_PARTS = frozenset({
    "authorization", "credential", "credentials", "dsn", "passphrase", "passwd", "password",
    "passwords", "pwd", "secret", "secrets",
})
_SECRET_PHRASES = (
    "access_key", "accesskey", "account_key", "api_key", "apikey", "auth_token", "basic_auth",
    "bearer_token", "connection_str", "connectionstr", "conn_str", "credential", "encryption_key",
    "http_auth", "license_key", "master_key", "passphrase", "passwd", "password", "private_key",
    "privatekey", "session_key", "shared_key", "signing_key", "ssh_key",
)
_SECRET_ENDINGS = ("cookie", "secret", "token")
_VOCABULARY = frozenset({
    "bos_token", "cls_token", "end_token", "eos_token", "image_token", "mask_token", "pad_token",
    "sep_token", "special_token", "start_token", "unk_token",
})
"""Tokens that are words of a language model, not of a login."""
_SAYS_WHERE = frozenset({
    "algorithm", "arn", "column", "count", "endpoint", "expiry", "field", "file", "header", "id",
    "length", "limit", "max", "min", "name", "path", "policy", "ref", "size", "ttl", "type", "user",
})
"""Last words that make a key say where a secret is or how long, not what."""
# fmt: on

_STEMS = (
    r"(?:pass(?:word|wd|phrase)|pwd|secret|token|credential|authorization|cookie|dsn|auth"
    r"|(?:api|access|account|encryption|license|master|private|session|shared|signing|ssh)[-_.]?key"
    r"|conn(?:ection)?[-_.]?str)"
)
_KEY = rf"(?P<key>(?<![\w.-])[\w.-]{{0,60}}?{_STEMS}[\w.-]{{0,60}})"
_VALUE = r"""(?P<value>"[^"]*"|'[^']*'|[^\s"'&;]+)"""

PATTERNS: tuple[tuple[str, re.Pattern[str], str], ...] = (
    (
        "private key block",
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----"
            r".*?(?:-----END [^-]{0,60}-----|\Z)",
            re.DOTALL,
        ),
        REDACTED,
    ),
    (
        "authorization header",
        re.compile(
            r"""(?i)(\bauthorization["']?\s*[:=]\s*["']?(?:basic|bearer|digest|negotiate|token)\s+)[^\s"',;]+"""
        ),
        rf"\1{REDACTED}",
    ),
    (
        "bearer token",
        re.compile(r"(?i)\b(bearer\s+)(?=[^\s\d]{0,200}\d)[\w.~+/-]{16,}=*"),
        rf"\1{REDACTED}",
    ),
    ("json web token", re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{4,}"), REDACTED),
    (
        "aws key id",
        re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
        REDACTED,
    ),
    (
        "service token",
        re.compile(
            r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|hf_[A-Za-z0-9]{20,}"
            r"|xox[abeoprs]-[\w-]{10,}|sk-[\w-]{20,}|AIza[\w-]{35}|pypi-[\w-]{40,})"
        ),
        REDACTED,
    ),
    (
        "user and password option",
        re.compile(r"(?<!\S)((?:-u|--user)[\s=]+)(?!\d+:\d+(?!\S))[^\s:]+:\S+"),
        rf"\1{REDACTED}",
    ),
    (
        "oracle jdbc login",
        re.compile(r"(?i)\b(jdbc:oracle:\w{2,8}:)[^@\s]{1,200}(?=@)"),
        rf"\1{REDACTED}",
    ),
)
"""Name, pattern and replacement of what free text loses; the functions below add URIs and keys."""

_URI_LOGIN = re.compile(
    r"""(?P<scheme>(?:(?<![\w+.-])[A-Za-z][A-Za-z0-9+.-]{0,30}:)?)//(?P<login>[^\s/?#'"<>]+)@"""
)
_SIGNED_QUERY = re.compile(
    r"""(?i)([?&](?:sig|signature|x-(?:amz|goog)-(?:credential|security-token|signature))=)[^&\s#'"]+"""
)
_ASSIGNMENT = re.compile(rf"""(?i)(?P<head>{_KEY}["']?\s*[=:]\s*){_VALUE}""")
_OPTION = re.compile(
    rf"(?i)(?P<head>(?P<key>(?<![\w.-])--?[\w.-]{{0,60}}?{_STEMS}[\w.-]{{0,60}})\s+)(?!-){_VALUE}"
)
_HINT = re.compile(
    r"[=:]|//|-u |--|BEGIN|AKIA|ASIA|ABIA|ACCA|eyJ|gh[pousr]_|_pat_|glpat|hf_|xox|sk-"
)
_HINT_LATE = re.compile(r"(?i)AIza|pypi-|bearer")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NOT_WORD = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=4096)
def is_secret_key(key: str) -> bool:
    """Say whether a key such as ``db_password`` names a secret (``max_tokens`` does not)."""
    plain = _NOT_WORD.sub("_", _CAMEL.sub("_", key).lower()).strip("_")
    parts = plain.split("_")
    if plain in _VOCABULARY or parts[-1] in _SAYS_WHERE or parts[-2:-1] == ["per"]:
        return False
    return (
        not _SECRET_PARTS.isdisjoint(parts)
        or any(phrase in plain for phrase in _SECRET_PHRASES)
        or parts[-1].endswith(_SECRET_ENDINGS)
    )


def redact_text(text: str) -> str:
    """Return free text without what the patterns know to be secrets."""
    if not _HINT.search(text) and not _HINT_LATE.search(text):
        return text
    for _, pattern, replacement in PATTERNS:
        text = pattern.sub(replacement, text)
    text = redact_identifier(text)
    return _ASSIGNMENT.sub(_without_value, _OPTION.sub(_without_value, text))


def redact_identifier(text: str) -> str:
    """Return an identifier without passwords and secret query parameters of URIs."""
    if "//" not in text:
        return text
    text = _SIGNED_QUERY.sub(rf"\1{REDACTED}", _URI_LOGIN.sub(_without_login, text))
    return _ASSIGNMENT.sub(_without_value, text) if "?" in text else text


def redact_command(arguments: Sequence[str]) -> str:
    """Return a command line as text a shell would take, without secrets."""
    shown: list[str] = []
    secret_next = False
    for argument in arguments:
        shown.append(REDACTED if secret_next else redact_text(argument))
        option = argument.startswith("-") and "=" not in argument
        secret_next = option and not secret_next and is_secret_key(argument)
    # Joined text is checked again for what only shows across arguments (curl -u name:password).
    return redact_text(shlex.join(shown))


def redact_record(cls: type, record: Record) -> Record:
    """Redact a plain record of model class *cls* in place, and return it."""
    if cls is Pair:
        value = record["value"]
        if isinstance(value, str):
            secret = is_secret_key(str(record["key"]))
            record["value"] = REDACTED if secret else redact_text(value)
        return record
    for name, kind, marked, many in _plan(cls):
        value = record[name]
        if value is None:
            continue
        if many:
            record[name] = [_redact(kind, marked, item) for item in value]
        else:
            record[name] = _redact(kind, marked, value)
    return record


def _redact(kind: type, marked: bool, value: Any) -> Any:
    if kind is not str:
        return redact_record(kind, value)
    if not isinstance(value, str):
        return value
    return redact_identifier(value) if marked else redact_text(value)


@cache
def _plan(cls: type) -> tuple[tuple[str, type, bool, bool], ...]:
    """Return (field, class, is an identifier, is a list) of the fields that hold text."""
    plan: list[tuple[str, type, bool, bool]] = []
    for name, annotation in field_types(cls).items():
        kind, _, mark = unwrap(annotation)
        many = typing.get_origin(kind) is tuple
        if many:
            kind, _, mark = unwrap(typing.get_args(kind)[0])
        if kind is str or hasattr(kind, "__dataclass_fields__"):
            plan.append((name, kind, mark is not None, many))
    return tuple(plan)


def _without_value(match: re.Match[str]) -> str:
    value = match["value"]
    if not is_secret_key(match["key"]) or value == REDACTED:
        return match[0]
    quote = value[0] if value[0] in "\"'" else ""
    return f"{match['head']}{quote}{REDACTED}{quote}"


def _without_login(match: re.Match[str]) -> str:
    # A lone user is no secret, except that https takes a token in its place.
    if ":" in match["login"] or match["scheme"].lower() in {"http:", "https:"}:
        return f"{match['scheme']}//{REDACTED}@"
    return match[0]
