"""Configures a client of the cluster, whichever of the three it is.

Secrets are read here, for each client anew, and handed over as texts that do not print
themselves. TLS is at least 1.2 and always verifies the broker's certificate.
"""

from __future__ import annotations

import itertools
import os
import ssl
from pathlib import Path
from typing import Any

from lineseal.schemas.errors import ConfigurationError
from lineseal.transport.kafka.secrets import TokenFromReference, read_secret
from lineseal.transport.kafka.url import KafkaUrl

_NUMBERS = itertools.count(1)


def client_config(url: KafkaUrl, role: str) -> dict[str, Any]:
    """Return the settings all clients of *url* share, with a ``client_id`` of its own.

    Raises:
        ConfigurationError: A file or secret that the URL names cannot be used.

    """
    options = url.options
    config: dict[str, Any] = {
        "bootstrap_servers": list(url.servers),
        "client_id": f"{options['client_id']}-{role}-{os.getpid()}-{next(_NUMBERS)}",
        "api_version": options["api_version"],
        "request_timeout_ms": options["request_timeout_ms"],
        "security_protocol": options["security_protocol"],
    }
    if options.tls:
        config["ssl_context"] = _ssl_context(url)
    if options.sasl:
        config |= _sasl(url)
    return config


def _sasl(url: KafkaUrl) -> dict[str, Any]:
    options = url.options
    config: dict[str, Any] = {"sasl_mechanism": options["sasl_mechanism"]}
    if options["sasl_oauth_token"]:
        name = "sasl_oauth_token"
        config["sasl_oauth_token_provider"] = TokenFromReference(name, options[name], url.folder)
        read_secret(name, options[name], url.folder)
    else:
        name = "sasl_plain_password"
        config["sasl_plain_username"] = options["sasl_plain_username"]
        config[name] = read_secret(name, options[name], url.folder)
    return config


def _ssl_context(url: KafkaUrl) -> ssl.SSLContext:
    option = "ssl_cafile"
    try:
        # With a file only that authority counts, not those of the system as well.
        cafile = _path(url, option) if url.options[option] else None
        context = ssl.create_default_context(cafile=cafile)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = url.options["ssl_check_hostname"]
        option = "ssl_crlfile"
        if url.options[option]:
            context.load_verify_locations(_path(url, option))
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        option = "ssl_certfile"
        if url.options[option]:
            _load_certificate(url, context)
    except OSError as error:  # an ssl.SSLError is one
        reason = error.strerror or str(error)
        raise ConfigurationError(f"{option}: cannot use {_path(url, option)}: {reason}") from None
    return context


def _load_certificate(url: KafkaUrl, context: ssl.SSLContext) -> None:
    options = url.options
    keyfile = _path(url, "ssl_keyfile") if options["ssl_keyfile"] else None
    password = options["ssl_password"]
    # Without a password OpenSSL would ask the terminal for one.
    secret = read_secret("ssl_password", password, url.folder) if password else ""
    context.load_cert_chain(_path(url, "ssl_certfile"), keyfile, lambda: secret)


def _path(url: KafkaUrl, option: str) -> Path:
    return url.folder / Path(str(url.options[option])).expanduser()
