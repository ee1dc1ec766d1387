"""Compares the store with the newest checkpoint outside it, before anything is written.

SQLite and DuckDB lose their tail silently when a write-ahead log is damaged or deleted, and an
old copy of a store opens like a new one: nothing inside the file says so, only what was handed
outside before. Source: DESIGN 7; attack table A15, A20 to A22.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from lineseal.consumers.checkpoint_file import CheckpointFile
from lineseal.consumers.entries import start_entry
from lineseal.consumers.logs import get_logger
from lineseal.consumers.merkle_log import StoredTree, append_entries, log_size
from lineseal.consumers.store import Store
from lineseal.schemas.errors import (
    CheckpointInvalid,
    ConfigurationError,
    LogError,
    SplitView,
    StoreRollback,
)
from lineseal.schemas.ids import now_us
from lineseal.settings import Home, Settings
from lineseal.signing.checkpoint import (
    Checkpoint,
    claimed_size,
    find_notes,
    log_origin,
    read_checkpoint,
)
from lineseal.signing.keyring import Keyring
from lineseal.transport.base import CHECKPOINTS_TOPIC
from lineseal.transport.open import is_kafka, open_reader

_LOG_ID = "log_id"
_RECORDS = 1000


def require_covered(tree: StoredTree, checkpoint: Checkpoint, where: str) -> None:
    """Check that the log of *tree* begins with what *checkpoint* is about.

    Raises:
        StoreRollback: It has fewer entries.
        SplitView: Its first entries are others.

    """
    if tree.size < checkpoint.size:
        raise StoreRollback(
            f"the log in {where} has {tree.size} entries, but a signed checkpoint outside it says "
            f"{checkpoint.size}: put the newest copy of the store back, or make it anew from the "
            "log with 'lineseal materialise --new-log REASON'"
        )
    try:
        same = tree.root(checkpoint.size) == checkpoint.root
    except LookupError:
        same = False
    if not same:
        raise SplitView(
            f"the first {checkpoint.size} entries of the log in {where} are not those that a "
            "signed checkpoint outside it is about: somebody changed the store or put another one "
            "in its place; keep both and run 'lineseal verify'"
        )


def check_store(
    home: Home, settings: Settings, store: Store, keyring: Callable[[], Keyring]
) -> Checkpoint | None:
    """Compare the open store with the newest checkpoint in file and embedded topic.

    Returns:
        That checkpoint, if it is of this very log.

    Raises:
        StoreRollback: The store has less than it had, or is a new one.
        SplitView: It is not the store that was signed for.
        KeyringError: There are checkpoints, but no keyring to judge them by.

    """
    newest = newest_outside(home, settings, keyring)
    if newest is None:
        return None
    tree = StoredTree(store.connection)
    log_id = store.fact(_LOG_ID)
    origin = None if log_id is None else log_origin(settings.deployment.name, log_id)
    if newest.origin == origin:
        require_covered(tree, newest, str(store.path))
        return newest
    if _follows(store, newest):
        return None
    raise StoreRollback(
        f"{store.path} is not the store whose checkpoints stand in {home.checkpoints}: it has "
        f"{tree.size} entries and another log, they cover {newest.size} of {newest.origin}. Put "
        "that store back; if it was removed on purpose, say why: "
        "'lineseal materialise --new-log REASON'"
    )


def start_new_log(
    home: Home, settings: Settings, store: Store, keyring: Callable[[], Keyring], reason: str
) -> None:
    """Enter, as the first thing in an empty store, which log it takes the place of, and why.

    Raises:
        ConfigurationError: The store is not empty, or there was no log before.

    """
    newest = newest_outside(home, settings, keyring)
    if newest is None:
        raise ConfigurationError("there was no log before: leave --new-log out")
    with store.transaction() as connection:
        if log_size(connection):
            raise ConfigurationError(
                f"{store.path} is not empty: move it away first; it is evidence of what was there"
            )
        append_entries(connection, [start_entry(newest, reason, now_us())])


def newest_outside(
    home: Home, settings: Settings, keyring: Callable[[], Keyring]
) -> Checkpoint | None:
    """Return the newest checkpoint in the file or, in the embedded log, the topic.

    That is the largest one of the log that the file, else the topic, speaks of last.

    Raises:
        SplitView: Two of them contradict each other.
        StoreError: The file cannot be read.
        KeyringError: There is something to verify, but no keyring.

    """
    notes = [*CheckpointFile(home.checkpoints).newest(), *_in_topic(home, settings)]
    origin: str | None = None
    doubtful = 0
    for note in notes:
        checkpoint = _verified(note, keyring)
        if checkpoint is not None:
            origin = checkpoint.origin
            break
        doubtful += 1
    newest: Checkpoint | None = None
    for size, note in sorted(((claimed_size(note, origin), note) for note in notes), reverse=True):
        if size < (0 if newest is None else newest.size):
            break
        checkpoint = _verified(note, keyring)
        if checkpoint is None:
            doubtful += 1
        elif newest is None:
            newest = checkpoint
        elif checkpoint != newest:
            raise SplitView(
                f"two signed checkpoints of {size} entries have different roots: whoever holds the "
                "key that signs them told two histories; keep both and run 'lineseal verify'"
            )
    if doubtful:
        get_logger().warning(
            "checkpoints outside the store do not verify; run 'lineseal verify'", number=doubtful
        )
    return newest


def _in_topic(home: Home, settings: Settings) -> list[str]:
    """Return the notes in the topic of an embedded log, the newest first."""
    if is_kafka(settings.log.url):
        return []
    notes: list[str] = []
    with (
        contextlib.closing(open_reader(settings.log.url, home, topic=CHECKPOINTS_TOPIC)) as reader,
        contextlib.suppress(LogError),
    ):
        while records := reader.poll(_RECORDS, 0.0):
            for record in records:
                notes += find_notes(record.value.decode("utf-8", "replace"))
    return notes[::-1]


def _verified(note: str, keyring: Callable[[], Keyring]) -> Checkpoint | None:
    try:
        return read_checkpoint(note, keyring()).checkpoint
    except CheckpointInvalid:
        return None


def _follows(store: Store, checkpoint: Checkpoint) -> bool:
    """Tell whether this log began as the successor of that one."""
    entry = start_entry(checkpoint, "", 0)
    found = store.connection.execute(
        "SELECT count(*) FROM log_entry"
        " WHERE log_index = 0 AND kind = ? AND stream = ? AND position >= ?",
        [entry.kind, entry.stream, entry.position],
    ).fetchall()
    return found == [(1,)]
