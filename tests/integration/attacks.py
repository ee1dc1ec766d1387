"""Ways to be wrong, one for each code: bytes that the materialiser must refuse.

``ATTACKS`` make a whole record, ``BAD_EVENTS`` one event for an otherwise good batch.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable
from typing import Any

import fastavro
from tests.simulator import SECOND, START, Producer

from lineseal.schemas.codec import (
    EVENT_SCHEMA,
    decode_header,
    encode_event,
    encode_header,
    schema_bytes,
)
from lineseal.schemas.limits import MAX_RECORD_BYTES, MAX_TIME
from lineseal.schemas.model import (
    BATCH_PAYLOAD_TYPE,
    BatchHeader,
    BatchSignature,
    RunEvent,
    RunState,
    SignedBatch,
)
from lineseal.schemas.record import to_record
from lineseal.signing.envelope import pae
from lineseal.signing.frame import decode_frame, encode_frame
from lineseal.signing.sealer import Sealer
from lineseal.signing.signers import KeySigner

RUNNING = RunEvent(state=RunState.RUNNING)


def parts(value: bytes) -> tuple[SignedBatch, BatchHeader]:
    """Take a sealed batch apart."""
    batch = decode_frame(value)
    return batch, decode_header(batch.header)


def signed(
    signer: KeySigner, header: bytes, events: tuple[bytes, ...], kind: str = BATCH_PAYLOAD_TYPE
) -> bytes:
    """Sign a header of one's own making, as a hostile producer can."""
    signature = BatchSignature(keyid=signer.keyid, sig=signer.sign(pae(kind, header)))
    return encode_frame(
        SignedBatch(payload_type=kind, header=header, signatures=(signature,), events=events)
    )


def resealed(producer: Producer, value: bytes, **changes: Any) -> bytes:
    """Change fields of a batch's header and sign it again with the producer's own key."""
    batch, header = parts(value)
    data = encode_header(dataclasses.replace(header, **changes))
    return signed(producer.signer, data, batch.events)


def one_batch(producer: Producer) -> bytes:
    """Seal a batch of one event."""
    return producer.seal(producer.event(RUNNING, run_id="run-1"))


# --- one attack for each code: gives the bytes that must be refused ---------------------------


def garbage(producer: Producer) -> bytes:
    """Give bytes that are no batch at all."""
    return b"not a batch"


def cut_short(producer: Producer) -> bytes:
    """Lose the last byte."""
    return one_batch(producer)[:-1]


def trailing(producer: Producer) -> bytes:
    """Add a byte after the end."""
    return one_batch(producer) + b"\0"


def padded_length(producer: Producer) -> bytes:
    """Write the first length in two bytes instead of one."""
    value = one_batch(producer)
    return value[:2] + bytes([value[2] | 0x80, 0]) + value[3:]


def too_large(producer: Producer) -> bytes:
    """Grow over one MiB."""
    return one_batch(producer) + bytes(MAX_RECORD_BYTES)


def too_many_events(producer: Producer) -> bytes:
    """Hold one event more than a batch may."""
    batch, _ = parts(one_batch(producer))
    return encode_frame(dataclasses.replace(batch, events=batch.events * 1025))


def other_payload_type(producer: Producer) -> bytes:
    """Sign the header as another type of payload."""
    batch, _ = parts(one_batch(producer))
    return signed(producer.signer, batch.header, batch.events, "application/vnd.other+avro")


def header_with_impossible_time(producer: Producer) -> bytes:
    """Claim to be sealed after the year 9999."""
    return resealed(producer, one_batch(producer), created_at=MAX_TIME + 1)


def unknown_schema(producer: Producer) -> bytes:
    """Name a schema that is not on the allow-list."""
    return resealed(producer, one_batch(producer), schema_sha256="ab" * 32)


def swapped_event(producer: Producer) -> bytes:
    """Put another event in the place of the sealed one."""
    batch, _ = parts(one_batch(producer))
    other = encode_event(producer.event(RUNNING, run_id="run-2"))
    return encode_frame(dataclasses.replace(batch, events=(other,)))


def dropped_event(producer: Producer) -> bytes:
    """Leave the sealed event out."""
    batch, _ = parts(one_batch(producer))
    return encode_frame(dataclasses.replace(batch, events=()))


def stripped_signature(producer: Producer) -> bytes:
    """Take the signature away."""
    batch, _ = parts(one_batch(producer))
    return encode_frame(dataclasses.replace(batch, signatures=()))


def unknown_key(producer: Producer) -> bytes:
    """Sign with a key that nobody enrolled."""
    batch, _ = parts(one_batch(producer))
    return signed(producer.pipeline.new_key(), batch.header, batch.events)


def key_of_another_under_own_name(producer: Producer) -> bytes:
    """Sign with an enrolled key, but name the key of the victim."""
    other = producer.pipeline.producer("other")
    batch, _ = parts(one_batch(producer))
    forged = other.signer.sign(pae(BATCH_PAYLOAD_TYPE, batch.header))
    signature = BatchSignature(keyid=producer.signer.keyid, sig=forged)
    return encode_frame(dataclasses.replace(batch, signatures=(signature,)))


def key_of_another(producer: Producer) -> bytes:
    """Sign with the key of another producer."""
    other = producer.pipeline.producer("other")
    batch, _ = parts(one_batch(producer))
    return signed(other.signer, batch.header, batch.events)


def producer_the_log_does_not_name(producer: Producer) -> bytes:
    """Append a batch under the name of another producer."""
    other = producer.pipeline.producer("other")
    return one_batch(other)


def other_deployment(producer: Producer) -> bytes:
    """Seal for another deployment."""
    sealer = Sealer(producer.signer, deployment="elsewhere", producer=producer.name)
    return sealer.seal(sealer.open_epoch(None), [])[0]


def revoked_key(producer: Producer) -> bytes:
    """Sign with a key that was revoked."""
    return with_key_changed(producer, revoked_at=START)


def expired_key(producer: Producer) -> bytes:
    """Sign with a key whose window is over."""
    return with_key_changed(producer, not_after=START)


def early_key(producer: Producer) -> bytes:
    """Sign with a key whose window has not begun."""
    return with_key_changed(producer, not_before=START + 1000 * SECOND)


def with_key_changed(producer: Producer, **changes: Any) -> bytes:
    """Seal with a second key of the same producer that must not count."""
    signer = producer.pipeline.new_key()
    producer.pipeline.enrol(signer, producer.name, **changes)
    batch, _ = parts(one_batch(producer))
    return signed(signer, batch.header, batch.events)


def forked(producer: Producer) -> bytes:
    """Seal another batch with the number of one that was sent."""
    before = producer.chain
    producer.send(producer.event(RUNNING, run_id="run-1"))
    after, producer.chain = producer.chain, before
    value = producer.seal(producer.event(RUNNING, run_id="run-2"))
    producer.chain = after
    return value


def replayed(producer: Producer) -> bytes:
    """Seal one more batch after the final one."""
    producer.finish()
    value = one_batch(producer)
    producer.chain = producer.sealer.open_epoch(None)
    return value


ATTACKS: list[tuple[str, Callable[[Producer], bytes]]] = [
    ("MALFORMED", garbage),
    ("MALFORMED", cut_short),
    ("TRAILING_BYTES", trailing),
    ("NON_CANONICAL", padded_length),
    ("TOO_LARGE", too_large),
    ("TOO_MANY_ITEMS", too_many_events),
    ("WRONG_TYPE", other_payload_type),
    ("RANGE", header_with_impossible_time),
    ("UNKNOWN_SCHEMA", unknown_schema),
    ("ROOT_MISMATCH", swapped_event),
    ("ROOT_MISMATCH", dropped_event),
    ("NO_SIGNATURE", stripped_signature),
    ("UNKNOWN_KEY", unknown_key),
    ("BAD_SIGNATURE", key_of_another_under_own_name),
    ("SCOPE", key_of_another),
    ("SCOPE", producer_the_log_does_not_name),
    ("WRONG_DEPLOYMENT", other_deployment),
    ("KEY_REVOKED", revoked_key),
    ("KEY_EXPIRED", expired_key),
    ("KEY_NOT_YET_VALID", early_key),
]


# --- single events --------------------------------------------------------------------------


def raw_event(producer: Producer, **changes: Any) -> bytes:
    """Encode an event that our own encoder would refuse."""
    record = to_record(producer.event(RUNNING, run_id="run-1")) | changes
    buffer = io.BytesIO()
    schema = fastavro.parse_schema(json.loads(schema_bytes(EVENT_SCHEMA)))
    fastavro.schemaless_writer(buffer, schema, record)
    return buffer.getvalue()


def other_producers_event(producer: Producer) -> bytes:
    """Name another producer in the event."""
    return encode_event(producer.event(RUNNING, run_id="run-1", producer="other"))


def event_without_run(producer: Producer) -> bytes:
    """Leave out the run of a run event."""
    return raw_event(producer, run_id=None)


def event_after_all_calendars(producer: Producer) -> bytes:
    """Claim the last moment a long can hold."""
    return raw_event(producer, event_time=2**63 - 1)


def event_with_hidden_name(producer: Producer) -> bytes:
    """Hide a bidirectional override in a name."""
    return raw_event(producer, stage="train\u202e")


def event_with_trailing_bytes(producer: Producer) -> bytes:
    """Add a byte after the event."""
    return raw_event(producer) + b"\0"


def event_of_garbage(producer: Producer) -> bytes:
    """Seal bytes that are no event."""
    return b"\xff" * 20


BAD_EVENTS: list[tuple[str, Callable[[Producer], bytes]]] = [
    ("SCOPE", other_producers_event),
    ("RANGE", event_without_run),
    ("RANGE", event_after_all_calendars),
    ("IDENTIFIER", event_with_hidden_name),
    ("TRAILING_BYTES", event_with_trailing_bytes),
    ("MALFORMED", event_of_garbage),
]
