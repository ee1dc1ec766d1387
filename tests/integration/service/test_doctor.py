"""``lineseal doctor`` finds what is wrong, says what to do, and exits with 1 when something is.

Source: DESIGN 8; docs/operations.md.
"""

from __future__ import annotations

import json
from typing import Any

from tests.integration.service.kit import emit, lineseal

from lineseal.consumers.doctor.check import Outcome, Patient
from lineseal.consumers.doctor.keys import check_keys
from lineseal.schemas.ids import now_us
from lineseal.settings import Home, load_settings

YEAR_US = 366 * 86_400_000_000


def examined(home: Home) -> tuple[int, dict[str, dict[str, Any]]]:
    """Run it; return the exit status and the checks by name."""
    done = lineseal(home, "doctor", "--json")
    return done.returncode, {row["name"]: row for row in json.loads(done.stdout)["rows"]}


def test_a_healthy_installation_fails_nothing(home: Home) -> None:
    """Warnings alone are status 0; the root key beside the others is one."""
    status, checks = examined(home)

    assert status == 0, checks
    assert checks["root keys"]["outcome"] == "warn"
    for name in ("keyring", "key trainer", "permissions", "clock", "log", "store", "positions"):
        assert checks[name]["outcome"] == "ok", checks[name]
    assert all(row["todo"] for row in checks.values() if row["outcome"] != "ok")


def test_what_is_wrong_is_found(home: Home) -> None:
    """Each in its check; the sentence says what to do."""
    emit(home, "run-2")
    (home.path / "log" / "events" / "broken.0.sqlite").write_bytes(b"no database" * 500)
    (home.keys / "trainer.pem").chmod(0o644)
    home.keyring.write_text(home.keyring.read_text().replace("payload", "Payload"))
    (home.path / "store" / "lineseal.duckdb").write_bytes(b"no store" * 4096)

    status, checks = examined(home)

    assert status == 1
    failed = {name for name, row in checks.items() if row["outcome"] == "fail"}
    assert failed >= {"keyring", "permissions", "log file broken.0.sqlite", "store"}
    assert "keys/trainer.pem" in checks["permissions"]["found"]


def test_batches_the_store_has_not_seen_are_a_warning(home: Home) -> None:
    """With the command that takes them in."""
    emit(home, "run-2")
    status, checks = examined(home)

    assert (status, checks["positions"]["outcome"]) == (0, "warn")
    assert "lineseal materialise" in checks["positions"]["todo"]


def test_a_keyring_is_warned_of_before_it_expires_and_fails_after(home: Home) -> None:
    """At moments of our choosing; everything else is as it is."""
    outcomes: list[Outcome] = []
    settings = load_settings(home)
    for later in (0, YEAR_US - 10 * 86_400_000_000, 2 * YEAR_US):
        patient = Patient(home=home, settings=settings, now=now_us() + later)
        (keyring,) = [check for check in check_keys(patient) if check.name == "keyring"]
        outcomes.append(keyring.outcome)

    assert outcomes == [Outcome.OK, Outcome.WARN, Outcome.FAIL]
