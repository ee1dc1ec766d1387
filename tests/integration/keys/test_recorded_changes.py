"""What happens to keys is in the lineage itself.

What is promised: enrolling, rotating and revoking a key is recorded in the log, under the key of
the detections, with the version of the keyring; so a verifier with an older keyring learns of
it. A home that cannot sign says so, and the keyring is changed all the same. Source: DESIGN 4.1,
4.3; ADR-0012.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
from tests.integration.keys.world import PRODUCER, Run, keyring_of

from lineseal.settings import Home


def materialise(home: Home) -> subprocess.CompletedProcess[str]:
    """Take the log into the store, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "lineseal.commandline", "materialise", "--no-detect"],
        capture_output=True,
        text=True,
        env={**os.environ, "LINESEAL_HOME": str(home.path)},
        check=False,
    )


def stored(home: Home, sql: str) -> list[tuple[object, ...]]:
    """Read the store."""
    with duckdb.connect(str(home.path / "store" / "lineseal.duckdb"), read_only=True) as store:
        return store.execute(sql).fetchall()


def test_the_life_of_keys_is_in_the_log(run: Run, home: Home, tmp_path: Path) -> None:
    """Each change with its reason and version; an older keyring is a finding then."""
    shutil.copy(home.keyring, tmp_path / "old.json")
    run("keys", "new", "alice", "--person", "--enrol")
    alice = keyring_of(home).entries[-1].keyid
    run("keys", "rotate", PRODUCER, "--overlap", "1h")
    rotated = run("keys", "revoke", alice, "--reason", "she left")

    done = materialise(home)

    assert rotated.status == 0
    assert done.returncode == 0, done.stderr
    assert stored(
        home,
        "SELECT action, keyring_version, producer, reason NOT LIKE '%private%' FROM key_change"
        " ORDER BY keyring_version",
    ) == [
        ("enrolled", 2, "detect", True),
        ("rotated", 3, "detect", True),
        ("revoked", 4, "detect", True),
    ]
    assert stored(home, "SELECT reason FROM key_change WHERE action = 'revoked'") == [("she left",)]
    # Another verifier, who never saw a newer keyring than the first.
    shutil.rmtree(home.path / "store")
    shutil.rmtree(home.path / "checkpoints")
    shutil.rmtree(home.path / "log" / "checkpoints", ignore_errors=True)
    shutil.copy(tmp_path / "old.json", home.keyring)
    assert materialise(home).returncode == 1
    assert ("KEYRING_ROLLBACK",) in stored(home, "SELECT code FROM finding WHERE closed_at IS NULL")


def test_a_home_that_cannot_sign_changes_the_keyring_all_the_same(run: Run, home: Home) -> None:
    """The machine of the root key may lack the key for it; nor has a revoked one a say."""
    done = run("keys", "revoke", "detect", "--reason", "stolen")
    (home.keys / "detect.pem").unlink()
    renewed = run("keys", "new", "other", "--enrol")

    assert (done.status, renewed.status) == (0, 0)
    assert "the log has no record of it: " in done.err
    assert "the log has no record of it: " in renewed.err
    assert keyring_of(home).version == 3
