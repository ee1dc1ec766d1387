"""Makes TLS contexts for sinks, and says which TLS failures a person has to put right.

TLS is at least 1.2, the receiver's certificate and name are always verified, and there is no
way to switch that off and no fall-back to plain text.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from lineseal.consumers.sinks.base import Receipt, park, retry
from lineseal.schemas.errors import ConfigurationError
from lineseal.settings import SinkSettings

_REFUSED_US = (
    "certificate required",
    "bad certificate",
    "unknown ca",
    "certificate expired",
    "certificate unknown",
    "certificate revoked",
    "unsupported certificate",
    "access denied",
    "handshake failure",
    "handshake_failure",
    "protocol version",
    "no_application_protocol",
    "wrong version number",
)


def tls_context(settings: SinkSettings, folder: Path) -> ssl.SSLContext:
    """Return the context that *settings* ask for; relative paths start at *folder*.

    Raises:
        ConfigurationError: A file cannot be used; the message names it.

    """
    option = "ca_file"
    try:
        context = ssl.create_default_context(
            cafile=folder / settings.ca_file if settings.ca_file else None
        )
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        option = "cert_file"
        if settings.cert_file:
            key = folder / settings.key_file if settings.key_file else None
            # Without a password OpenSSL would ask the terminal for one.
            context.load_cert_chain(folder / settings.cert_file, key, lambda: "")
    except OSError as error:  # an ssl.SSLError is one
        reason = error.strerror or str(error)
        value = getattr(settings, option)
        raise ConfigurationError(f"{option}: cannot use {folder / value}: {reason}") from None
    return context


def tls_receipt(error: OSError, where: str) -> Receipt:
    """Return what follows from a failed connection to *where*: parked when it is about trust."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return park(f"{where}: its certificate is not accepted: {error.verify_message}")
    text = str(error).lower().replace("_", " ")
    if isinstance(error, ssl.SSLError) and any(word in text for word in _REFUSED_US):
        return park(f"{where} refuses our side of TLS: {error.reason or error}")
    return retry(f"{where}: {error.strerror or error}")
