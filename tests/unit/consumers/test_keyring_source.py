"""A running materialiser notices a new keyring, and does not read an unchanged one again.

Source: DESIGN 4.3.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from lineseal.consumers.keyring_source import KeyringSource
from lineseal.schemas.errors import KeyringError
from lineseal.signing.keyring import Keyring
from lineseal.signing.keyring_file import successor, write_keyring
from lineseal.signing.signers import generate_key

FAR = 4_000_000_000_000_000


def test_a_replaced_file_is_read_again(tmp_path: Path) -> None:
    """The same object as long as the file is the same, the new version afterwards."""
    root = generate_key(tmp_path / "root.pem")
    path = tmp_path / "keyring.json"
    first = Keyring(version=1, expires=FAR, deployment="d", entries=(), roots=(root.public,))
    first = write_keyring(path, first, [root])
    source = KeyringSource(path, roots=[root.keyid], threshold=1)
    loaded = source()

    assert loaded is source()

    write_keyring(path, successor(first, (), expires=FAR), [root])

    assert [loaded.version, source().version] == [1, 2]


def test_a_keyring_that_vanished_is_an_error(tmp_path: Path) -> None:
    """Keys that were trusted a moment ago are not trusted for ever."""
    root = generate_key(tmp_path / "root.pem")
    path = tmp_path / "keyring.json"
    keyring = Keyring(version=1, expires=FAR, deployment="d", entries=(), roots=(root.public,))
    write_keyring(path, keyring, [root])
    source = KeyringSource(path, roots=[root.keyid], threshold=1)
    source()
    path.unlink()

    with pytest.raises(KeyringError):
        source()
