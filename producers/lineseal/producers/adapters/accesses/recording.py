"""Makes a record of an audit log ready to be recorded, with ids that follow from what it says.

Two records are one when they have the same id *and* say the same: several trails deliver one
event, and each stage of a request repeats it. A record that reuses the id of another and says
something else is kept as well, or a planted one could hide the true one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lineseal.producers.adapters.accesses.cloudtrail import (
    is_beside_cloudtrail,
    is_cloudtrail,
    read_cloudtrail,
)
from lineseal.producers.adapters.accesses.kubernetes import KubernetesReader, is_kubernetes
from lineseal.producers.adapters.accesses.mapping import AccessMapping
from lineseal.producers.adapters.accesses.told import Renaming, Told, renamed
from lineseal.producers.adapters.openlineage.document import Document
from lineseal.producers.adapters.openlineage.encoding import Occasion, Sender, encode_bodies
from lineseal.producers.adapters.openlineage.intake import Ready, ready
from lineseal.producers.adapters.openlineage.mapping import Mapped
from lineseal.producers.adapters.openlineage.reading import Notes
from lineseal.schemas.errors import InvalidDocument
from lineseal.schemas.ids import now_us
from lineseal.schemas.record import to_record

_FUTURE_US = 24 * 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class AccessReader:
    """Reads records of audit logs for one sender.

    Attributes:
        sender: Whom the events are sealed under.
        kubernetes: Reads audit events of the cluster.
        mapping: Reads every record, if given.
        renamings: Which names of the log are data sets of ours.

    """

    sender: Sender
    kubernetes: KubernetesReader
    mapping: AccessMapping | None = None
    renamings: Sequence[Renaming] = ()

    def read(self, document: Document) -> Ready | None:
        """Return what is to be recorded; None when the record is about no access that is kept.

        Raises:
            InvalidDocument: It is no record of a known format, or says too little.

        """
        notes = Notes()
        told = self._told(document, notes)
        if told is None:
            return None
        if told.event_time > now_us() + _FUTURE_US:
            raise InvalidDocument("its time lies more than a day in the future")
        told = renamed(told, self.renamings)
        identity = _identity(document, told)
        occasion = Occasion(event_time=told.event_time, identity=identity)
        events = encode_bodies(told.accesses, self.sender, occasion)
        mapped = Mapped(events, told.event_time, None, None, (), tuple(notes))
        return ready(document.text, identity, mapped, self.sender)

    def _told(self, document: Document, notes: Notes) -> Told | None:
        if self.mapping is not None:
            return self.mapping(document, notes)
        if is_cloudtrail(document.value):
            return read_cloudtrail(document, notes)
        if is_kubernetes(document.value):
            return self.kubernetes(document, notes)
        if is_beside_cloudtrail(document.value):
            return None
        raise InvalidDocument(
            "neither a record of CloudTrail nor an audit event of Kubernetes; "
            "describe other records with --mapping"
        )


def _identity(document: Document, told: Told) -> bytes:
    """Return what the record is, whatever its spelling."""
    said = [to_record(replace(access, reason=None)) for access in told.accesses]
    own = told.record_id or document.identity.hex()
    text = json.dumps([told.format, own, told.event_time, said], sort_keys=True)
    return hashlib.sha256(text.encode()).digest()
