"""The hook behind ``lineseal rejects retry``: queries have the command, consumers the store."""

from __future__ import annotations

import os
from collections import Counter

from lineseal.commandline.output import Answer
from lineseal.commandline.progress import Progress
from lineseal.consumers.keyring_source import KeyringSource
from lineseal.consumers.retry import ACCEPTED, DUPLICATE, Retry
from lineseal.consumers.running import deployment_of, store_in
from lineseal.settings import Home, Settings

_OWNER_ONLY = 0o077


def retry_rejects(home: Home, settings: Settings, code: str | None) -> Answer:
    """Judge again what was refused with *code*, or everything.

    Raises:
        StoreBusy: Another process has the store open.
        StoreError, KeyringError, ConfigurationError: As for ``lineseal materialise``.

    """
    os.umask(_OWNER_ONLY)  # DuckDB makes its write-ahead log whenever it needs one
    keyring = KeyringSource(
        home.keyring, roots=settings.deployment.roots, threshold=settings.deployment.threshold
    )
    outcomes: Counter[str] = Counter()
    refused_events: Counter[str] = Counter()
    events = 0
    with store_in(home, settings) as store, Progress("judging again", 1) as progress:
        for step in Retry(store, keyring, deployment_of(home, settings)).run(code):
            outcomes += step.outcomes
            refused_events += step.refused_events
            events += step.events
            progress.reach(*step.done)
    accepted, known = outcomes.pop(ACCEPTED, 0), outcomes.pop(DUPLICATE, 0)
    row = {
        "retried": accepted + known + outcomes.total(),
        "accepted": accepted,
        "events": events,
        "known_already": known,
        "refused_again": dict(sorted(outcomes.items())),
        "refused_events": dict(sorted(refused_events.items())),
    }
    return Answer(query="rejects retry", subject=code, rows=[row])
