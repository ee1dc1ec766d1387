"""Keys and keyrings reach the disk whole, private, and over nothing else.

What is promised: a failed write leaves what was there and no litter; a folder of keys is for its
owner only; two commands never change one home at the same time.

Evidence: the real file system, with writes that fail.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from lineseal.schemas.errors import ConfigurationError
from lineseal.signing.files import locked_folder, make_private_folder, replace_public


def test_a_failed_replacement_leaves_the_old_file(tmp_path: Path) -> None:
    """A folder is in the way: nothing changes, and no temporary file stays behind."""
    target = tmp_path / "keyring.json"
    (target / "inside").mkdir(parents=True)

    with pytest.raises(ConfigurationError, match="cannot write"):
        replace_public(target, b"new")

    assert [item.name for item in tmp_path.iterdir()] == ["keyring.json"]


def test_a_replacement_ignores_the_umask(tmp_path: Path) -> None:
    """A keyring is for every verifier to read, whoever wrote it."""
    target = tmp_path / "keyring.json"
    before = os.umask(0o077)
    try:
        replace_public(target, b"one")
        replace_public(target, b"two")
    finally:
        os.umask(before)

    assert target.read_bytes() == b"two"
    assert target.stat().st_mode & 0o777 == 0o644


def test_a_folder_of_keys_is_private(tmp_path: Path) -> None:
    """Mode 0700 from the start; made again, it stays."""
    folder = tmp_path / "a" / "keys"

    make_private_folder(folder)
    make_private_folder(folder)

    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_second_command_waits_for_the_first(tmp_path: Path) -> None:
    """The lock is exclusive between threads as between processes."""
    order: list[str] = []
    waiting = threading.Event()

    def second() -> None:
        waiting.set()
        with locked_folder(tmp_path):
            order.append("second")

    thread = threading.Thread(target=second)
    with locked_folder(tmp_path):
        thread.start()
        waiting.wait()
        order.append("first")
    thread.join()

    assert order == ["first", "second"]
