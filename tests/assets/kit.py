"""What hostile records are made with: one asset, the key of a hostile producer, sealing.

Everything is fixed (keys, times, ids), so the same code always makes the same bytes. The hostile
producer is enrolled: signatures verify, and what is wrong is wrong behind them.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lineseal.schemas.codec import EVENT_SCHEMA_SHA256
from lineseal.schemas.model import (
    BATCH_PAYLOAD_TYPE,
    Actor,
    ActorKind,
    AnyBody,
    Artifact,
    ArtifactUse,
    BatchHeader,
    BatchSignature,
    Event,
    Genesis,
    Kind,
    Metric,
    Origin,
    Pair,
    Profile,
    Registration,
    RunEvent,
    RunState,
    SignedBatch,
    Subject,
    Workload,
    body_of,
)
from lineseal.schemas.record import to_record
from lineseal.signing.envelope import pae
from lineseal.signing.frame import encode_frame
from lineseal.signing.merkle import leaf_hash, merkle_root
from lineseal.signing.signers import KeySigner
from tests.assets.wire import Piece, joined, to_pieces
from tests.simulator import START

DEPLOYMENT = "simulation"
MALLORY = "mallory"
"""The enrolled, hostile producer."""
_NAMESPACE = uuid.UUID("0190f0a0-0000-7000-8000-00000000a55e")


@dataclass(frozen=True)
class Asset:
    """Hold one hostile record of the log.

    Attributes:
        defect: The way it is wrong: the folder it lies in.
        name: Its name there.
        code: The code of the one error it ends in.
        value: The record.
        in_event: Whether one event of a good batch is wrong; else the whole record is.

    """

    defect: str
    name: str
    code: str
    value: bytes
    in_event: bool = False


def key_of(owner: str) -> KeySigner:
    """Make the key of *owner*, always the same one. For tests and nothing else."""
    seed = hashlib.sha256(b"hostile assets: " + owner.encode()).digest()
    return KeySigner.from_private_key(Ed25519PrivateKey.from_private_bytes(seed))


SIGNER = key_of(MALLORY)
STRANGER = key_of("nobody")


def event(body: AnyBody | None = None, **fields: Any) -> Event:
    """Make a good event of mallory's; *fields* replace its own."""
    values: dict[str, Any] = {
        "event_id": "01900000-0000-7000-8000-000000000001",
        "event_time": START,
        "producer": MALLORY,
        "actor": Actor(kind=ActorKind.SERVICE, id=MALLORY),
        "origin": Origin.EMITTER,
        "run_id": "run-1",
        "workload": Workload(host="host-1", identity="job"),
        "body": body_of(body or run()),
    }
    return Event(**(values | fields))


def run() -> RunEvent:
    """Make a run that has one of everything."""
    data = Artifact(
        kind=Kind.DATASET, namespace="lake", name="tx", version="3", digest="sha256:" + "0" * 64
    )
    return RunEvent(
        state=RunState.COMPLETE,
        inputs=(ArtifactUse(artifact=data, rows=10),),
        parameters=(Pair(key="lr", value="0.1"),),
        metrics=(Metric(name="auc", value=0.93),),
        message="done",
    )


def registration() -> Registration:
    """Make a registration with a truth value and lists of texts."""
    return Registration(
        subject=Subject(type="source", name="feed"),
        opaque=True,
        profile=Profile(rows=3, row_sketch=("ab", "cd")),
    )


def pieces_of(body: AnyBody | None = None, **fields: Any) -> list[Piece]:
    """Return the encoding of a good event in pieces."""
    return to_pieces(Event, to_record(event(body, **fields)))


def header_record(events: tuple[bytes, ...], name: str, **changes: Any) -> dict[str, Any]:
    """Make the header of a first batch that holds *events*; *name* gives its epoch."""
    values: dict[str, Any] = {
        "format": 1,
        "deployment": DEPLOYMENT,
        "producer": MALLORY,
        "epoch": str(uuid.uuid5(_NAMESPACE, name)),
        "batch_seq": 0,
        "first_seq": 0,
        "count": len(events),
        "prev_header_sha256": "0" * 64,
        "merkle_root": merkle_root([leaf_hash(data) for data in events]).hex(),
        "schema_sha256": EVENT_SCHEMA_SHA256,
        "created_at": START,
        "flags": 1 if events else 3,
        "genesis": to_record(Genesis()),
        "loss": None,
    }
    return values | changes


def sealed(events: tuple[bytes, ...], name: str, **changes: Any) -> bytes:
    """Seal *events* as mallory; *changes* replace fields of the header."""
    record = header_record(events, name, **changes)
    return signed(joined(to_pieces(BatchHeader, record)), events)


def signed(header: bytes, events: tuple[bytes, ...], kind: str = BATCH_PAYLOAD_TYPE) -> bytes:
    """Sign the bytes of a header, whatever they are, and frame them with *events*."""
    return framed(header, events, (signature_of(header, kind),), kind)


def signature_of(
    header: bytes, kind: str = BATCH_PAYLOAD_TYPE, signer: KeySigner = SIGNER
) -> BatchSignature:
    """Sign the bytes of a header."""
    return BatchSignature(keyid=signer.keyid, sig=signer.sign(pae(kind, header)))


def framed(
    header: bytes,
    events: tuple[bytes, ...],
    signatures: tuple[BatchSignature, ...],
    kind: str = BATCH_PAYLOAD_TYPE,
) -> bytes:
    """Frame a batch with any signatures."""
    return encode_frame(
        SignedBatch(payload_type=kind, header=header, signatures=signatures, events=events)
    )
