"""Says which decoded events their batch's key may send, and which prove who acted.

The rules are those of ``signing.verify.check_event_scope``. What depends on the key is asked of
the very functions it uses, once for each key instead of once for each event.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from lineseal.consumers.columnar.codec import Decoded, Mask
from lineseal.consumers.columnar.guard import BODY_NAMES, fields
from lineseal.consumers.columnar.libraries import compute
from lineseal.consumers.columnar.one_body import Index
from lineseal.schemas.model import DECIDED_BY, ActorKind, Origin
from lineseal.signing.keyring import KeyEntry
from lineseal.signing.verify import VerifiedBatch, may_originate, may_send

_ORIGINS = tuple(Origin)


def in_scope(decoded: Decoded, batches: Sequence[VerifiedBatch], batch_of: Index) -> Mask:
    """Tell which events are their producer's own and of a kind and origin its key may send.

    Args:
        decoded: Events of one body.
        batches: Verified batches.
        batch_of: Place in *batches* of each event's batch.

    """
    columns = decoded.columns
    producers = pa.array([batch.header.producer for batch in batches]).take(pa.array(batch_of))
    own = _mask(compute.equal(columns.column("producer"), producers))
    entries = {id(batch.entry): batch.entry for batch in batches}
    tables = {number: _allowed(entry) for number, entry in entries.items()}
    allowed = np.stack([tables[id(batch.entry)] for batch in batches])
    origin_of = compute.index_in(columns.column("origin"), pa.array(map(str, _ORIGINS))).to_numpy()
    good: Mask = own & allowed[batch_of, origin_of, BODY_NAMES.index(decoded.name)]
    return good


def proves_actor(decoded: Decoded, batches: Sequence[VerifiedBatch], batch_of: Index) -> Mask:
    """Tell which events, of one body, prove who acted."""
    columns, at = decoded.columns, pa.array(batch_of)
    kind, actor = (columns.column("actor").field(name) for name in ("kind", "id"))
    human = _mask(compute.equal(kind, ActorKind.HUMAN.value))
    bound = [b.entry.actor if "override" in b.entry.roles else None for b in batches]
    persons = pa.array(bound, pa.string()).take(at)
    in_person = _mask(compute.fill_null(compute.equal(actor, persons), fill_value=False))
    producers = pa.array([batch.header.producer for batch in batches]).take(at)
    itself = _mask(compute.equal(actor, producers))
    proven: Mask = np.where(human, in_person, itself)
    if decoded.name in DECIDED_BY:
        decider = fields(decoded.body)[DECIDED_BY[decoded.name]]
        proven &= human & _mask(compute.equal(decider, actor))
    return proven


def _allowed(entry: KeyEntry) -> Mask:
    """Return for each origin and body whether the key may send it."""
    return np.array(
        [
            [
                # names are matched one by one
                not entry.writes
                and may_send(entry, body)
                and may_originate(entry.roles, origin, body)
                for body in BODY_NAMES
            ]
            for origin in _ORIGINS
        ]
    )


def _mask(values: Any) -> Mask:
    mask: Mask = values.to_numpy(zero_copy_only=False)
    return mask
