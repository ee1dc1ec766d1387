"""Verifies what a topic of alerts holds, as a receiver would."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lineseal.schemas.ids import now_us
from lineseal.settings import Home, load_settings
from lineseal.signing.alert_record import NO_PREVIOUS, verify_alert_record
from lineseal.signing.keyring_file import load_keyring
from lineseal.transport.base import LogRecord


def verified(records: Iterable[LogRecord], home: Home) -> list[dict[str, Any]]:
    """Return the contents of *records*: each verifies and names the one before it."""
    settings = load_settings(home)
    deployment, roots = settings.deployment.name, settings.deployment.roots
    keyring = load_keyring(home.keyring, roots=roots, threshold=settings.deployment.threshold)
    previous, contents = NO_PREVIOUS, list[dict[str, Any]]()
    for record in records:
        content, sha256 = verify_alert_record(
            record.value, keyring, deployment=deployment, at=now_us()
        )
        assert content["previous_sha256"] == previous
        previous = sha256
        contents.append(content)
    return contents
