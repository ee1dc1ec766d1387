"""Gives the keyring of now: read and verified again whenever its file changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lineseal.signing.keyring import Keyring
from lineseal.signing.keyring_file import load_keyring


class KeyringSource:
    """Loads the keyring file, and again when it is another file than the last time."""

    def __init__(self, path: Path, *, roots: Sequence[str], threshold: int) -> None:
        """Trust the file at *path* when *threshold* of *roots* (key ids) signed it."""
        self._path = path
        self._roots = roots
        self._threshold = threshold
        self._seen: tuple[int, ...] | None = None
        self._keyring: Keyring | None = None

    def __call__(self) -> Keyring:
        """Return the keyring.

        Raises:
            KeyringError: The file is missing, damaged, or not signed by enough root keys.

        """
        seen = self._look()
        if self._keyring is None or seen is None or seen != self._seen:
            self._keyring = load_keyring(self._path, roots=self._roots, threshold=self._threshold)
            self._seen = seen
        return self._keyring

    def _look(self) -> tuple[int, ...] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        # Keyrings are replaced by renaming, so a new one has a new inode.
        return status.st_ino, status.st_size, status.st_mtime_ns
