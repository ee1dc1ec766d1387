"""Says single facts in the log of events, as a producer or person of this home.

For commands that record what they decided: a gate's verdict, an order of containment, an incident.
The events are sealed and durable on return; the materialiser reads them like any other. Jobs use
the emitter instead, which never raises and seals in the background.
"""

from __future__ import annotations

from lineseal.schemas.codec import encode_event
from lineseal.schemas.errors import KeyMissing
from lineseal.schemas.ids import new_uuid7, now_us
from lineseal.schemas.model import Actor, ActorKind, AnyBody, Event, Origin, body_of
from lineseal.settings import Home, Settings
from lineseal.signing.holder import Holder
from lineseal.signing.sealer import Sealer
from lineseal.signing.signers import KeySigner, file_uri, load_signer
from lineseal.transport.embedded import Outbox, open_log_folder


def say(home: Home, settings: Settings, holder: Holder, *bodies: AnyBody) -> list[str]:
    """Seal one event for each body as *holder*, and return their ids.

    Raises:
        KeyMissing: There is no private key of *holder* here.
        ContractError: A body breaks the contract.
        LogError: The log cannot be written.

    """
    signer = _signer(home, settings, holder)
    kind = ActorKind.HUMAN if holder.person else ActorKind.SERVICE
    events: list[Event] = []
    for body in bodies:
        at = now_us()
        events.append(
            Event(
                event_id=new_uuid7(at),
                event_time=at,
                producer=holder.producer,
                actor=Actor(kind=kind, id=holder.name),
                origin=Origin.EMITTER,
                body=body_of(body),
            )
        )
    sealer = Sealer(signer, deployment=settings.deployment.name, producer=holder.producer)
    encoded = [encode_event(event) for event in events]
    folder = open_log_folder(settings, home)
    most = settings.emitter.max_bytes
    with Outbox.open(folder, holder.producer, sealer, max_bytes=most) as outbox:
        outbox.accept(encoded)
    return [event.event_id for event in events]


def _signer(home: Home, settings: Settings, holder: Holder) -> KeySigner:
    configured = settings.emitter.key if holder.producer == settings.emitter.producer else ""
    if configured:
        return load_signer(configured if ":" in configured else file_uri(home.resolve(configured)))
    try:
        return load_signer(file_uri(home.keys / f"{holder.stem}.pem"))
    except KeyMissing as error:
        raise KeyMissing(f"{error}; run 'lineseal keys new {holder.words} --enrol'") from error
