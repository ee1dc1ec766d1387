"""Makes the sinks that the settings name.

Whatever a kind needs and does not have is an error that names the setting; what a kind does not
know is refused too, so that a misspelt intention is never ignored. The modules of the receivers
are imported when one is asked for.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from lineseal.consumers.forward.rendering import RENDERINGS
from lineseal.consumers.forward.text import SMALLEST
from lineseal.consumers.sinks.base import Sink
from lineseal.consumers.sinks.file import FileSink
from lineseal.consumers.sinks.http import HttpClient
from lineseal.consumers.sinks.syslog import parse_address
from lineseal.consumers.sinks.syslog_relp import DEFAULT_PORT as RELP_PORT
from lineseal.consumers.sinks.syslog_relp import SCHEMES as RELP_SCHEMES
from lineseal.consumers.sinks.syslog_relp import RelpSink
from lineseal.consumers.sinks.syslog_tls import DEFAULT_PORT as TLS_PORT
from lineseal.consumers.sinks.syslog_tls import SyslogTlsSink
from lineseal.consumers.sinks.tls import tls_context
from lineseal.schemas.errors import ConfigurationError
from lineseal.settings import Home, SinkSettings
from lineseal.settings.secrets import read_secret

DEFAULT_SINK = "file"
"""The name of the only sink where the settings have none."""
_TLS = {"ca_file", "cert_file", "key_file"}
_COMMON = {"kind", "rendering", "batch_records", "batch_bytes", "max_record_bytes"}
_HTTP = {"url", "token", "timeout_seconds"} | _TLS
_KNOWS: Mapping[str, set[str]] = {
    "file": {"path", "rotate_bytes"},
    "syslog+tls": {"url", "timeout_seconds"} | _TLS,
    "syslog+relp": {"url", "timeout_seconds"} | _TLS,
    "splunk-hec": _HTTP | {"index", "acknowledge"},
    "elastic": _HTTP | {"index", "username", "password"},
    "opensearch": _HTTP | {"index", "username", "password"},
    "otlp": _HTTP,
    "kafka": {"url", "topic", "timeout_seconds"},
}
_DEFAULT_RENDERING = {"elastic": "ecs", "opensearch": "ecs"}
_MAX_TEXT = {"syslog+tls": 7800, "syslog+relp": 7800, "kafka": 900_000}
"""rsyslog takes 8096 bytes unless told otherwise, and cuts what is longer into two messages."""
_DEFAULT_MAX_TEXT = 256 * 1024
_FIELDS = {each.name: each.default for each in dataclasses.fields(SinkSettings)}


def open_sinks(settings: Mapping[str, SinkSettings], home: Home) -> dict[str, Sink]:
    """Make every sink of *settings*, or the file where there are none.

    Raises:
        ConfigurationError: A sink cannot work as it is configured.

    """
    named = settings or {DEFAULT_SINK: SinkSettings()}
    sinks: dict[str, Sink] = {}
    try:
        for name, sink in named.items():
            sinks[name] = open_sink(name, sink, home)
    except BaseException:
        for opened in sinks.values():
            opened.close()
        raise
    return sinks


def open_sink(name: str, settings: SinkSettings, home: Home) -> Sink:
    """Make one sink; nothing is connected yet.

    Raises:
        ConfigurationError: It cannot work as it is configured; the message names the setting.

    """
    try:
        return _open(settings, home)
    except ConfigurationError as error:
        raise ConfigurationError(f"[sinks.{name}] {error}") from error


def _open(settings: SinkSettings, home: Home) -> Sink:
    kind = settings.kind
    if kind not in _KNOWS:
        raise ConfigurationError(f"kind must be one of {', '.join(_KNOWS)}")
    _check(settings)
    sizes: dict[str, Any] = {
        "rendering": settings.rendering or _DEFAULT_RENDERING.get(kind, "ocsf"),
        "max_records": settings.batch_records,
        "max_bytes": settings.batch_bytes,
        "max_text": settings.max_record_bytes or _MAX_TEXT.get(kind, _DEFAULT_MAX_TEXT),
    }
    timeout: dict[str, Any] = {"timeout": float(settings.timeout_seconds)}
    if kind == "file":
        path = home.resolve(settings.path)
        return FileSink(path, rotate_bytes=settings.rotate_bytes, **sizes)
    if kind == "syslog+tls":
        address = parse_address(settings.url, ("tls",), TLS_PORT)
        return SyslogTlsSink(address, tls_context(settings, home.path), **timeout, **sizes)
    if kind == "syslog+relp":
        address = parse_address(settings.url, RELP_SCHEMES, RELP_PORT)
        secure = address.scheme == "relp+tls"
        return RelpSink(
            address, tls_context(settings, home.path) if secure else None, **timeout, **sizes
        )
    if kind == "kafka":
        return _kafka(settings, home, timeout | sizes)
    return _http(settings, home, sizes)


def _http(settings: SinkSettings, home: Home, sizes: dict[str, Any]) -> Sink:
    context = tls_context(settings, home.path) if settings.url.startswith("https:") else None

    def client(headers: Callable[[], Mapping[str, str]]) -> HttpClient:
        return HttpClient(
            settings.url, timeout=settings.timeout_seconds, context=context, headers=headers
        )

    if settings.kind == "splunk-hec":
        return _splunk(settings, home, client, sizes)
    if settings.kind == "otlp":
        from lineseal.consumers.sinks.otlp import OtlpSink  # noqa: PLC0415 - loads protobuf

        return OtlpSink(client(lambda: _authorization("Bearer", settings, home)), **sizes)
    from lineseal.consumers.sinks.elastic import ElasticSink  # noqa: PLC0415

    index = settings.index or "lineseal"
    return ElasticSink(
        client(lambda: _authorization("ApiKey", settings, home)), index=index, **sizes
    )


def _splunk(
    settings: SinkSettings,
    home: Home,
    client: Callable[[Callable[[], Mapping[str, str]]], HttpClient],
    sizes: dict[str, Any],
) -> Sink:
    from lineseal.consumers.sinks.splunk_hec import SplunkHecSink, new_channel  # noqa: PLC0415

    if not settings.token:
        raise ConfigurationError("token is missing: env:NAME or file:PATH")
    channel = new_channel()

    def headers() -> Mapping[str, str]:
        return {
            **_authorization("Splunk", settings, home),
            **({"x-splunk-request-channel": channel} if settings.acknowledge else {}),
        }

    return SplunkHecSink(
        client(headers),
        index=settings.index,
        acknowledge=settings.acknowledge,
        channel=channel,
        ack_seconds=float(settings.timeout_seconds),
        **sizes,
    )


def _kafka(settings: SinkSettings, home: Home, options: dict[str, Any]) -> Sink:
    from lineseal.consumers.sinks.kafka import KafkaSink  # noqa: PLC0415
    from lineseal.transport.open import kafka_url, open_kafka_writer  # noqa: PLC0415

    kafka_url(settings.url, home)
    return KafkaSink(lambda: open_kafka_writer(settings.url, home, settings.topic), **options)


def _authorization(scheme: str, settings: SinkSettings, home: Home) -> dict[str, str]:
    if settings.token:
        return {"authorization": f"{scheme} {read_secret('token', settings.token, home.path)}"}
    if settings.username:
        password = read_secret("password", settings.password, home.path)
        both = base64.b64encode(f"{settings.username}:{password}".encode()).decode()
        return {"authorization": f"Basic {both}"}
    return {}


def _check(settings: SinkSettings) -> None:
    knows = _KNOWS[settings.kind] | _COMMON
    given = {name for name, default in _FIELDS.items() if getattr(settings, name) != default}
    if given - knows:
        unknown = ", ".join(sorted(given - knows))
        raise ConfigurationError(f"{unknown}: a sink of kind {settings.kind} does not know this")
    if "url" in knows and not settings.url:
        raise ConfigurationError("url is missing")
    if settings.rendering and settings.rendering not in RENDERINGS:
        raise ConfigurationError(f"rendering must be one of {', '.join(RENDERINGS)}")
    if settings.rendering == "cef" and settings.kind in ("elastic", "opensearch"):
        raise ConfigurationError("rendering cef is no JSON; use ecs or ocsf")
    if settings.max_record_bytes and settings.max_record_bytes < SMALLEST:
        raise ConfigurationError(f"max_record_bytes must be at least {SMALLEST}")
    if settings.username and not settings.password:
        raise ConfigurationError("password is missing: env:NAME or file:PATH")
    for name in ("token", "password"):
        value = getattr(settings, name)
        if value and not value.startswith(("env:", "file:")):
            # The value may be the secret itself: it is not repeated.
            raise ConfigurationError(f"{name} must be env:NAME or file:PATH")
