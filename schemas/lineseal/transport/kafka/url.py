"""Takes ``kafka://host:port,host:port/PREFIX?option=value`` apart.

``PREFIX`` goes before every topic name (``lineseal`` when it is left out, so the events lie in
``lineseal.events``). Options: ``options``. A URL is never shown whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from lineseal.schemas.errors import ConfigurationError
from lineseal.transport.kafka.options import Options, parse_options

SCHEME = "kafka"
DEFAULT_PREFIX = "lineseal"
_DEFAULT_PORT = 9092
_SERVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?")
_PREFIX = re.compile(r"[A-Za-z0-9._-]{1,200}")
_MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class KafkaUrl:
    """Name a Kafka cluster, the prefix of our topics in it, and how to reach it.

    Attributes:
        servers: Each ``host:port``.
        prefix: Goes before every topic name, with a dot.
        options: How to reach it and who we are.
        folder: Where relative paths in the options start.

    """

    servers: tuple[str, ...]
    prefix: str
    options: Options
    folder: Path

    def topic(self, name: str) -> str:
        """Return the full name of one of our topics; without a name, the prefix is one itself."""
        return f"{self.prefix}.{name}" if name else self.prefix

    def __str__(self) -> str:
        """Return what messages may show: servers and prefix."""
        return f"{SCHEME}://{','.join(self.servers)}/{self.prefix}"


def parse_kafka_url(url: str, folder: Path) -> KafkaUrl:
    """Take *url* apart; relative paths in it start at *folder*.

    Raises:
        ConfigurationError: It is not such a URL, or an option is unknown or cannot work.

    """
    try:
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise ConfigurationError(
            "the kafka URL must look like kafka://host:port,host:port/PREFIX?option=value"
        ) from None
    if parts.scheme != SCHEME or parts.fragment:
        raise ConfigurationError("the kafka URL must start with kafka:// and have no #")
    if "@" in parts.netloc:
        raise ConfigurationError(
            "no user or password in the kafka URL: use sasl_plain_username and"
            " sasl_plain_password=env:NAME"
        )
    servers = tuple(_server(text) for text in parts.netloc.split(","))
    prefix = parts.path.removeprefix("/") or DEFAULT_PREFIX
    if not _PREFIX.fullmatch(prefix):
        raise ConfigurationError(
            f"the prefix {prefix!r} in the kafka URL may hold letters, digits, '.', '_' and '-'"
        )
    return KafkaUrl(servers, prefix, parse_options(pairs), folder)


def _server(text: str) -> str:
    match = _SERVER.fullmatch(text)
    if match is None or int(match[2] or _DEFAULT_PORT) not in range(1, _MAX_PORT + 1):
        raise ConfigurationError(f"{text!r} in the kafka URL is no host:port")
    return f"{match[1]}:{match[2] or _DEFAULT_PORT}"
