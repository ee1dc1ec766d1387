"""What the tests of ``init`` and ``keys`` share: the program, and the consumer's judgement."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineseal.schemas.errors import ContractError
from lineseal.schemas.ids import now_us
from lineseal.settings import Home, load_settings
from lineseal.signing.keyring import KeyEntry, Keyring
from lineseal.signing.keyring_file import load_keyring
from lineseal.signing.sealer import Sealer
from lineseal.signing.signers import file_uri, load_signer
from lineseal.signing.verify import VerifiedBatch, verify_batch

HOUR = 3_600_000_000
PRODUCER = "fraud-train"


@dataclass(frozen=True)
class Result:
    """What one run of the program gave."""

    status: int
    out: str
    err: str


Run = Callable[..., Result]


def keyring_of(home: Home) -> Keyring:
    """Load the keyring as a consumer does."""
    deployment = load_settings(home, {}).deployment
    return load_keyring(home.keyring, roots=deployment.roots, threshold=deployment.threshold)


def sealed_by(home: Home, key: str = PRODUCER, producer: str = PRODUCER) -> bytes:
    """Seal a batch with the private key ``keys/KEY.pem``."""
    signer = load_signer(file_uri(home.keys / f"{key}.pem"))
    sealer = Sealer(signer, deployment="lab", producer=producer)
    return sealer.seal(sealer.open_epoch(None), [b"event"])[0]


def judge(
    home: Home, value: bytes, *, at: int | None = None, producer: str = PRODUCER
) -> VerifiedBatch | type[ContractError]:
    """Verify *value* with the keyring on disk; give the batch or the kind of error."""
    moment = now_us() if at is None else at
    try:
        return verify_batch(value, keyring_of(home), deployment="lab", at=moment, log_key=producer)
    except ContractError as error:
        return type(error)


def entries_of(home: Home, producer: str = PRODUCER) -> list[KeyEntry]:
    """Return what the keyring says of a producer's keys; Lineseal's own have entries besides."""
    return [entry for entry in keyring_of(home).entries if entry.producer == producer]


def accepted(home: Home, value: bytes, producer: str = PRODUCER) -> bool:
    """Tell whether *value* is believed now."""
    return isinstance(judge(home, value, producer=producer), VerifiedBatch)


def listed(run: Run) -> dict[str, Any]:
    """Return what ``keys list --json`` says."""
    answer: dict[str, Any] = json.loads(run("keys", "list", "--json").out)
    return answer


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return every file below *folder* with its bytes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
