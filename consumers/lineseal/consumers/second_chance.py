"""Judges once more what was set aside because processes died over it, when the log is idle.

Who kills the process again and again may hit one good record so often that it is taken for poison.
So it gets two more chances, alone, once everything else is in the store;
a file beside the store counts the deaths, as for the first verdict. What kills these two as well
stays where it is until an operator asks. Source: docs/kafka.md; attack A24.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from lineseal.consumers.poison import write_note
from lineseal.consumers.report import StepReport
from lineseal.consumers.retry import ACCEPTED, Retry
from lineseal.consumers.store import Store
from lineseal.schemas.errors import PoisonSkipped
from lineseal.signing.keyring import Keyring

FILE_NAME = "second-chance.json"
CHANCES = 2
_UNTRIED = "SELECT reject_id FROM reject WHERE code = ? AND outcome IS NULL ORDER BY reject_id"


def judge_poison_again(
    store: Store, load_keyring: Callable[[], Keyring], deployment: str, clock: Callable[[], int]
) -> StepReport:
    """Judge each record that was set aside and has chances left, and return what came in.

    Raises:
        StoreBusy, StoreError: The store, or the file beside it, cannot be written.
        KeyringError: The keyring cannot be trusted.

    """
    report = StepReport(idle=True)
    waiting = store.connection.execute(_UNTRIED, [PoisonSkipped.code]).fetchall()
    if not waiting:
        return report
    path = store.path.parent / FILE_NAME
    deaths = _read(path)
    retry = Retry(store, load_keyring, deployment, clock)
    for (reject_id,) in waiting:
        name = str(reject_id)
        if deaths.get(name, 0) >= CHANCES:
            continue
        deaths[name] = deaths.get(name, 0) + 1
        write_note(path, deaths)
        judged = retry.judge([reject_id])
        del deaths[name]
        write_note(path, deaths)
        report += StepReport(batches=judged.outcomes[ACCEPTED], events=judged.events)
    return report


def _read(path: Path) -> dict[str, int]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return {str(k): n for k, n in found.items() if type(n) is int} if type(found) is dict else {}
