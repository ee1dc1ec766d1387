"""Says a single fact in the log of events, as a producer or person of this home.

For what detections and people who triage have to record: a change of the policy, a decision about
an alert. The event is sealed and durable on return; the materialiser reads it like any other.
"""

from __future__ import annotations

from lineseal.schemas.codec import encode_event
from lineseal.schemas.errors import KeyMissing
from lineseal.schemas.ids import new_uuid7, now_us
from lineseal.schemas.model import Actor, ActorKind, AnyBody, Event, Origin, body_of
from lineseal.settings import Home, Settings
from lineseal.signing.holder import Holder
from lineseal.signing.sealer import Sealer
from lineseal.signing.signers import file_uri, load_signer
from lineseal.transport.embedded import Outbox, open_log_folder


def say(home: Home, settings: Settings, holder: Holder, body: AnyBody) -> str:
    """Seal one event as *holder*, and return its id.

    Raises:
        KeyMissing: There is no private key of *holder* here.
        InvalidEvent: The body breaks the contract.
        LogError: The log cannot be written.

    """
    try:
        signer = load_signer(file_uri(home.keys / f"{holder.stem}.pem"))
    except KeyMissing as error:
        raise KeyMissing(f"{error}; run 'lineseal keys new {holder.words} --enrol'") from error
    kind = ActorKind.HUMAN if holder.person else ActorKind.SERVICE
    at = now_us()
    event = Event(
        event_id=new_uuid7(at),
        event_time=at,
        producer=holder.producer,
        actor=Actor(kind=kind, id=holder.name),
        origin=Origin.EMITTER,
        body=body_of(body),
    )
    sealer = Sealer(signer, deployment=settings.deployment.name, producer=holder.producer)
    with Outbox.open(
        open_log_folder(settings, home),
        holder.producer,
        sealer,
        max_bytes=settings.emitter.max_bytes,
    ) as outbox:
        outbox.accept([encode_event(event)])
    return event.event_id
