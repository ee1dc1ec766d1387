"""Checks the options that follow the ``?`` of a Kafka URL.

They carry kafka-python's own names. A secret is never written into a URL, only where it lies:
``env:NAME`` or ``file:PATH``; a message never repeats what was given instead.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lineseal.schemas.errors import ConfigurationError

SECRET_SCHEMES = ("env:", "file:")
PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
_VERSION = re.compile(r"[0-9]{1,2}(\.[0-9]{1,2}){1,2}")
_SWITCHES = {"true": True, "false": False}


def _text(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    return value


def _one_of(allowed: tuple[str, ...]) -> Callable[[str], str]:
    def convert(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return value

    return convert


def _switch(value: str) -> bool:
    if value not in _SWITCHES:
        raise ValueError("must be true or false")
    return _SWITCHES[value]


def _milliseconds(value: str) -> int:
    if not value.isascii() or not value.isdigit() or int(value) == 0:
        raise ValueError("must be a whole number of milliseconds above 0")
    return int(value)


def _version(value: str) -> tuple[int, ...]:
    if not _VERSION.fullmatch(value):
        raise ValueError("must be a version such as 2.8")
    return tuple(map(int, value.split(".")))


def _reference(value: str) -> str:
    if not value.startswith(SECRET_SCHEMES) or value in SECRET_SCHEMES:
        raise ValueError("must say where the secret lies: env:NAME or file:PATH")
    return value


_CONVERTERS: Mapping[str, Callable[[str], Any]] = {
    "security_protocol": _one_of(PROTOCOLS),
    "ssl_cafile": _text,
    "ssl_certfile": _text,
    "ssl_keyfile": _text,
    "ssl_password": _reference,
    "ssl_crlfile": _text,
    "ssl_check_hostname": _switch,
    "sasl_mechanism": _one_of(MECHANISMS),
    "sasl_plain_username": _text,
    "sasl_plain_password": _reference,
    "sasl_oauth_token": _reference,
    "client_id": _text,
    "api_version": _version,
    "request_timeout_ms": _milliseconds,
    "delivery_timeout_ms": _milliseconds,
    "allow_auto_create_topics": _switch,
}
OPTION_NAMES = tuple(_CONVERTERS)
_DEFAULTS: Mapping[str, Any] = {
    "security_protocol": "PLAINTEXT",
    "ssl_check_hostname": True,
    "client_id": "lineseal",
    # An upper bound: the client falls back to what an older broker offers. Topic ids need 2.8.
    "api_version": (2, 8),
    "request_timeout_ms": 30_000,
    "delivery_timeout_ms": 120_000,
    "allow_auto_create_topics": False,
}


@dataclass(frozen=True, slots=True)
class Options:
    """Hold the checked options; ``values`` lacks what was not given and has no default."""

    values: Mapping[str, Any] = field(default_factory=lambda: dict(_DEFAULTS))

    def __getitem__(self, name: str) -> Any:
        """Return an option's value, None when it has none."""
        return self.values.get(name)

    @property
    def tls(self) -> bool:
        """Return True when the connection is encrypted."""
        return str(self["security_protocol"]).endswith("SSL")

    @property
    def secured(self) -> bool:
        """Return True when either side proves who it is."""
        return self.tls or self.sasl

    @property
    def sasl(self) -> bool:
        """Return True when we say who we are with SASL."""
        return str(self["security_protocol"]).startswith("SASL")


def parse_options(pairs: list[tuple[str, str]]) -> Options:
    """Check *pairs* of name and text.

    Raises:
        ConfigurationError: A name is unknown or comes twice, a value cannot work, or the options
            do not fit together: nothing ever falls back to plain text.

    """
    values = dict(_DEFAULTS)
    seen: set[str] = set()
    for name, text in pairs:
        if name not in _CONVERTERS:
            raise ConfigurationError(f"unknown option {name!r} in the kafka URL{_near(name)}")
        if name in seen:
            raise ConfigurationError(f"option {name} stands twice in the kafka URL")
        seen.add(name)
        try:
            values[name] = _CONVERTERS[name](text)
        except ValueError as error:
            raise ConfigurationError(f"option {name} in the kafka URL {error}") from None
    options = Options(values)
    _check_together(options, seen)
    return options


def _check_together(options: Options, given: set[str]) -> None:
    protocol = options["security_protocol"]
    for prefix, wanted in (("ssl_", options.tls), ("sasl_", options.sasl)):
        if not wanted and any(name.startswith(prefix) for name in given):
            raise ConfigurationError(
                f"options {prefix}* have no effect with security_protocol={protocol};"
                " set it to SSL, SASL_PLAINTEXT or SASL_SSL"
            )
    if options["ssl_keyfile"] and not options["ssl_certfile"]:
        raise ConfigurationError("ssl_keyfile needs ssl_certfile in the kafka URL")
    if options.sasl:
        token = options["sasl_mechanism"] == "OAUTHBEARER"
        needed = ["sasl_mechanism"]
        needed += ["sasl_oauth_token"] if token else ["sasl_plain_username", "sasl_plain_password"]
        missing = [name for name in needed if name not in given]
        if missing:
            raise ConfigurationError(f"the kafka URL needs {' and '.join(missing)}")
    if options["delivery_timeout_ms"] < options["request_timeout_ms"]:
        raise ConfigurationError("delivery_timeout_ms must not be below request_timeout_ms")


def _near(name: str) -> str:
    close = difflib.get_close_matches(name, list(_CONVERTERS), 1)
    return f"; did you mean {close[0]!r}?" if close else ""
