"""Events that wait for the sealer are authenticated whatever key signs, and outlive its rotation.

What is promised: after 'keys rotate' the next job seals what a crashed one had accepted under the
old key; not when that key was revoked; a key in a KMS gets a secret of its own beside the keys, and
where none can be kept, events are still accepted, with a warning. Source: ADR-0021.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.unit.producers.world import Said, command, headers_of, make_home, said_in

from lineseal.producers.identity import identify
from lineseal.producers.row_keys import row_keys_of
from lineseal.settings import Home, load_settings
from lineseal.signing.row_keys import KEY_BYTES
from lineseal.signing.signers import KeySigner, file_uri, load_signer
from lineseal.signing.sslib import Signer

CRASHING_JOB = """
import os
from lineseal.producers import Emitter
emitter = Emitter.from_env(strict=True)
emitter.emit_many([])
emitter.quarantine("dataset:lake/tx@3", reason="r")
os._exit(0)
"""


class Elsewhere(Signer):
    """Stands for a key in a KMS: nothing here asks it to sign."""

    @classmethod
    def from_priv_key_uri(
        cls, priv_key_uri: Any, public_key: Any, secrets_handler: Any = None
    ) -> Any:
        """Fail: nobody may call it."""
        raise AssertionError(f"a key was asked for: {priv_key_uri, public_key, secrets_handler}")

    @property
    def public_key(self) -> Any:
        """Fail: nobody may ask for it."""
        raise AssertionError("a key in a KMS was asked who it is")

    def sign(self, payload: bytes) -> Any:
        """Fail: nobody may call it."""
        raise AssertionError(f"a key in a KMS was asked to sign {payload!r}")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Make a home in which a job crashed with one event not sealed."""
    home = make_home(tmp_path)
    monkeypatch.setenv("LINESEAL_HOME", str(home.path))
    environment = {**os.environ, "LINESEAL_EMITTER__LINGER_MS": "60000"}
    subprocess.run([sys.executable, "-c", CRASHING_JOB], env=environment, check=True)
    return home


def said_by_the_job(home: Home) -> list[Said]:
    """Return what the trainer said; what happened to keys is in the log as well."""
    return [said for said in said_in(home) if said.producer == "trainer"]


def test_rotation_loses_nothing_that_waited(home: Home) -> None:
    """The archived key is asked too."""
    command("keys", "rotate", "trainer")
    command("outbox", "seal")

    assert len(said_by_the_job(home)) == 1
    assert all(header.loss is None for header in headers_of(home))


def test_a_revoked_key_vouches_for_nothing(home: Home) -> None:
    """Who stole it could have written the row."""
    keyid = load_signer(file_uri(home.keys / "trainer.pem")).keyid
    command("keys", "rotate", "trainer")
    command(
        "keys", "revoke", keyid, "--reason", "stolen", "--compromised-since", "2020-01-01T00:00:00Z"
    )
    command("outbox", "seal")

    losses = [header.loss for header in headers_of(home) if header.loss is not None]

    assert said_by_the_job(home) == []
    assert [(loss.count, loss.reason) for loss in losses] == [(1, "OUTBOX_FORGED")]


def test_a_key_elsewhere_gets_a_secret_beside_the_keys(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """The same one each time, private; without a place for it there is a warning and none."""
    settings = load_settings(home, {})
    here = load_signer(file_uri(home.keys / "trainer.pem"))
    elsewhere = KeySigner(Elsewhere(), here.public)
    found = [row_keys_of(home, settings, "trainer", "trainer", elsewhere) for _ in range(2)]
    stored = home.keys / "trainer.outbox-key"

    assert found[0] == found[1]
    assert [len(key) for key in found[0]] == [KEY_BYTES]
    assert stored.stat().st_mode & 0o777 == 0o600
    assert list(home.keys.glob("*outbox-key*")) == [stored]

    assert row_keys_of(home, settings, "a/b", None, elsewhere) == ()
    assert "without authentication" in caplog.text


def test_the_emitter_uses_the_secret_of_its_private_key(home: Home) -> None:
    """No file is needed for it."""
    sealer = identify(home, load_settings(home, {})).sealer()

    assert sealer.row_keys == (load_signer(file_uri(home.keys / "trainer.pem")).row_key,)
    assert not list(home.keys.glob("*outbox-key*"))
