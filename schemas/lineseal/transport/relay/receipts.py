"""Remembers which batches of this home's outboxes the store has confirmed under signature.

``receipts.json`` lies beside the outboxes' folder. It holds what was read from the topic
``receipts`` and verified, and for each outbox file the position up to which every batch is
confirmed. It can be removed: it is made again from the topic and the outboxes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineseal.schemas.codec import decode_header
from lineseal.schemas.errors import ContractError, LogError, LogGap, TopicReplaced
from lineseal.settings import Home, Settings
from lineseal.signing.frame import decode_frame
from lineseal.signing.keyring import Keyring
from lineseal.signing.keyring_file import load_keyring
from lineseal.signing.receipt import EpochHead, read_receipt
from lineseal.transport.base import RECEIPTS_TOPIC, LogReader
from lineseal.transport.embedded.atomic import replace_file
from lineseal.transport.embedded.names import OutboxFile, stream_names
from lineseal.transport.embedded.reading import Want, read_batches
from lineseal.transport.open import open_reader

FILE_NAME = "receipts.json"
_FORMAT = 1
_POLL = 500
_WANT = Want(64, 16 * 1024 * 1024)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """Say how much of one outbox file is in the store.

    Attributes:
        position: Every batch before this position is; as far as is known, the one at it is not.
        oldest_at: When the batch at *position* was sealed, by its own word, microseconds UTC; None
            when there is none.
        conflict: The store has another batch in the place of one of these: somebody else signs with
            this key, or the file is an old copy.

    """

    position: int
    oldest_at: int | None = None
    conflict: bool = False


class ReceiptBook:
    """Reads receipts and compares the outboxes of one home with them."""

    def __init__(self, home: Home, settings: Settings, outboxes: Path) -> None:
        """Take up what was remembered beside *outboxes*; damage means to begin anew."""
        self._home = home
        self._settings = settings
        self._outboxes = outboxes
        self._path = outboxes.parent / FILE_NAME
        self._identity: str | None = None
        self._positions: dict[str, int] = {}
        self._heads: dict[tuple[str, str], EpochHead] = {}
        self._confirmed: dict[str, int] = {}
        self._load()

    def update(self) -> int:
        """Read the receipts that are new, keep what verifies, and return how many did.

        Raises:
            LogError: The log cannot be read now.
            KeyringError: There are some, and no keyring here to verify them with.

        """
        try:
            return self._read_on()
        except (TopicReplaced, LogGap):
            # What was verified stays true.
            self._identity, self._positions = None, {}
            return self._read_on()

    def confirmations(self) -> dict[str, Confirmation]:
        """Compare every outbox file with the receipts, from where the last comparison ended.

        A file that cannot be read now is left out.
        """
        found: dict[str, Confirmation] = {}
        for name in sorted(stream_names(self._outboxes)):
            try:
                found[name] = self._confirm(OutboxFile(self._outboxes / name))
            except (LogError, ContractError):
                continue
        self._confirmed = {name: each.position for name, each in found.items()}
        return found

    def save(self) -> None:
        """Remember durably.

        Raises:
            LogError: The file cannot be written; the old one stands.

        """
        document = {
            "format": _FORMAT,
            "deployment": self._settings.deployment.name,
            "topic": self._identity,
            "positions": self._positions,
            "heads": [
                [head.producer, head.epoch, head.batch_seq, head.header_sha256]
                for head in self._heads.values()
            ],
            "confirmed": self._confirmed,
        }
        replace_file(self._path, json.dumps(document).encode())

    def _keyring(self) -> Keyring:
        deployment = self._settings.deployment
        return load_keyring(
            self._home.keyring, roots=deployment.roots, threshold=deployment.threshold
        )

    def _read_on(self) -> int:
        reader = open_reader(
            self._settings.log.url, self._home, topic=RECEIPTS_TOPIC, identity=self._identity
        )
        with closing(reader):
            reader.seek(self._positions)
            count = 0
            while records := reader.poll(_POLL, 0.0):
                keyring = self._keyring()
                for record in records:
                    count += self._take(record.value, keyring)
                    self._positions[record.stream] = record.next_position
            self._identity = _identity_of(reader)
        return count

    def _take(self, value: bytes, keyring: Keyring) -> int:
        try:
            receipt = read_receipt(value, keyring, deployment=self._settings.deployment.name)
        except ContractError:
            # Anybody who may write the topic can put anything there; it just confirms nothing.
            return 0
        for head in receipt.heads:
            before = self._heads.get((head.producer, head.epoch))
            if before is None or head.batch_seq > before.batch_seq:
                self._heads[head.producer, head.epoch] = head
        return 1

    def _confirm(self, file: OutboxFile) -> Confirmation:
        position = reached = self._confirmed.get(file.stream, 0)
        while True:
            records, end = read_batches(file, reached, _WANT)
            if end < position:
                # An old copy came back under the same name.
                self._confirmed.pop(file.stream, None)
                return self._confirm(file)
            if not records:
                return Confirmation(position=position)
            for record in records:
                header_bytes = decode_frame(record.value).header
                header = decode_header(header_bytes)
                head = self._heads.get((header.producer, header.epoch))
                if head is None or header.batch_seq > head.batch_seq:
                    return Confirmation(position=position, oldest_at=header.created_at)
                reached = record.next_position
                if header.batch_seq == head.batch_seq:
                    if hashlib.sha256(header_bytes).hexdigest() != head.header_sha256:
                        return Confirmation(
                            position=position, oldest_at=header.created_at, conflict=True
                        )
                    position = reached

    def _load(self) -> None:
        try:
            document: Mapping[str, Any] = json.loads(self._path.read_bytes())
            ours = (_FORMAT, self._settings.deployment.name)
            if (document["format"], document["deployment"]) != ours:
                return
            heads = [EpochHead(*item) for item in document["heads"]]
            self._identity = document["topic"]
            self._positions = {name: int(n) for name, n in document["positions"].items()}
            self._confirmed = {name: int(n) for name, n in document["confirmed"].items()}
            self._heads = {(head.producer, head.epoch): head for head in heads}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self._identity, self._positions, self._confirmed, self._heads = None, {}, {}, {}


def confirmed_positions(outboxes: Path) -> dict[str, int]:
    """Return what a book remembered last for each file in *outboxes*, without asking anybody."""
    try:
        document = json.loads((outboxes.parent / FILE_NAME).read_bytes())
        return {str(name): int(n) for name, n in document["confirmed"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _identity_of(reader: LogReader) -> str | None:
    identity = getattr(reader, "identity", None)
    return identity if isinstance(identity, str) else None
