"""Makes documents durable: kept, mapped, sealed; each of them once.

``take`` returns only when what it accepted is on disk. Documents that were recorded before are
accepted and change nothing. A document may be refused for what it says (``InvalidDocument``) or for
who says it; the others of the same call are not affected. The gateway and imports share this.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Self

from lineseal.producers.adapters.openlineage import names
from lineseal.producers.adapters.openlineage.document import Document
from lineseal.producers.adapters.openlineage.encoding import Sender
from lineseal.producers.adapters.openlineage.kept import Entry
from lineseal.producers.adapters.openlineage.ledger import Ledger
from lineseal.producers.adapters.openlineage.mapping import Mapped, map_document
from lineseal.producers.identity import Identity
from lineseal.producers.sealing import Sealing
from lineseal.producers.tally import Tally
from lineseal.schemas.errors import InvalidDocument
from lineseal.schemas.ids import now_us

CLOSE_SECONDS = 10.0
FORBIDDEN = "FORBIDDEN"
"""Code of what a sender may not speak about."""
_FUTURE_US = 24 * 3600 * 1_000_000
"""How far ahead of ours a sender's clock may be."""


class Taken(StrEnum):
    """What became of a document."""

    RECORDED = "recorded"
    REPEATED = "repeated"
    INVALID = "invalid"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class Rights:
    """Say what a sender may speak about, in patterns of names; see ``fnmatch``.

    Attributes:
        owner: Whose its runs are: nobody else may add to them.
        namespaces: Namespaces of its jobs.
        writes: ``namespace/name`` of what its runs write and of data sets it describes.

    """

    owner: str
    namespaces: tuple[str, ...]
    writes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Say what became of one document.

    Attributes:
        taken: What became of it.
        digest: Its digest.
        events: How many events of ours it gave.
        notes: What was not as the specification wants it.
        reason: Why it was refused.

    """

    taken: Taken
    digest: str
    events: int = 0
    notes: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def is_accepted(self) -> bool:
        """Tell whether it is durable."""
        return self.reason is None

    @property
    def code(self) -> str:
        """Return why it was refused, as a code."""
        return FORBIDDEN if self.taken is Taken.FORBIDDEN else InvalidDocument.code


@dataclass(frozen=True, slots=True)
class Submission:
    """One document with who sent it and what they may say."""

    document: Document
    sender: Sender
    rights: Rights | None = None


class Intake:
    """Takes documents for one producer. Call ``take`` from one thread at a time."""

    def __init__(self, identity: Identity, ledger: Ledger) -> None:
        """Seal as *identity*, whose outbox is opened now, and keep documents in *ledger*.

        Raises:
            KeyUnusable, ConfigurationError, LogError: The outbox cannot be opened.

        """
        self._ledger = ledger
        self._tally = Tally()
        self._sealing: Sealing = identity.open_sealing(self._tally)
        self._sealing.start()

    def take(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """Make documents durable and say, in the same order, what became of each.

        Raises:
            OutboxFull: Nothing was taken; the outbox or the ledger is over its cap.
            LogError: Nothing was taken, or it is unknown; sending the same again is safe.

        """
        return self.record([judge(submission) for submission in submissions])

    def record(self, judged: Sequence[Outcome | Ready]) -> list[Outcome]:
        """Make durable what is ready; what was refused already stays so. See ``take``."""
        fresh = self._unrecorded([one for one in judged if isinstance(one, Ready)])
        foreign = self._foreign(fresh)
        chosen = [one for one in fresh if one.entry.identity not in foreign]
        if chosen:
            events = [event for one in chosen for event in one.mapped.events]
            entries = [one.entry for one in chosen]
            self._ledger.keep(entries)
            self._sealing.outbox.accept(events)
            self._sealing.notify(len(events))
            self._ledger.mark(entries)
        first = {id(one) for one in fresh}
        return [
            one
            if isinstance(one, Outcome)
            else one.outcome(is_new=id(one) in first, is_foreign=one.entry.identity in foreign)
            for one in judged
        ]

    def close(self) -> None:
        """Seal everything and end the epoch."""
        self._sealing.stop(CLOSE_SECONDS)

    def __enter__(self) -> Self:
        """Return the intake itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def _unrecorded(self, fits: Sequence[Ready]) -> list[Ready]:
        """Return what is new, each identity once."""
        repeated = self._ledger.recorded([one.entry.identity for one in fits])
        fresh: dict[bytes, Ready] = {}
        for one in fits:
            if one.entry.identity not in repeated:
                fresh.setdefault(one.entry.identity, one)
        return list(fresh.values())

    def _foreign(self, fits: Sequence[Ready]) -> set[bytes]:
        """Return the identities of what speaks about somebody else's run."""
        owned = [
            (entry.run_id, entry.owner, entry.identity)
            for entry in (one.entry for one in fits)
            if entry.run_id is not None and entry.owner is not None
        ]
        owners = self._ledger.owners([run_id for run_id, _, _ in owned])
        return {
            identity
            for run_id, owner, identity in owned
            if owners.setdefault(run_id, owner) != owner
        }


@dataclass(frozen=True, slots=True)
class Ready:
    """A document that may be recorded."""

    digest: str
    mapped: Mapped
    entry: Entry

    def outcome(self, *, is_new: bool, is_foreign: bool) -> Outcome:
        """Say what became of it."""
        if is_foreign:
            reason = f"the run {self.mapped.run_id} belongs to another sender"
            return Outcome(Taken.FORBIDDEN, self.digest, reason=reason)
        taken = Taken.RECORDED if is_new else Taken.REPEATED
        return Outcome(taken, self.digest, len(self.mapped.events), self.mapped.notes)


def _denied(mapped: Mapped, rights: Rights) -> str | None:
    """Say what a sender may not speak about, or None."""
    if mapped.job is not None:
        namespace = mapped.job.namespace
        if not any(names.fits_text(namespace, pattern) for pattern in rights.namespaces):
            return f"{rights.owner} may not speak for jobs of the namespace {namespace!r}"
    for artifact in mapped.written:
        if not names.fits(artifact.namespace, artifact.name, rights.writes):
            return f"{rights.owner} may not write {artifact.namespace}/{artifact.name}"
    return None


def judge(submission: Submission) -> Outcome | Ready:
    """Map a document, and check what its sender may say. Pure, but for the clock."""
    document, rights = submission.document, submission.rights
    try:
        mapped = map_document(document, submission.sender)
    except InvalidDocument as error:
        return Outcome(Taken.INVALID, document.digest, reason=str(error))
    if mapped.event_time > now_us() + _FUTURE_US:
        reason = "eventTime lies more than a day in the future"
        return Outcome(Taken.INVALID, document.digest, reason=reason)
    denied = None if rights is None else _denied(mapped, rights)
    if denied is not None:
        return Outcome(Taken.FORBIDDEN, document.digest, reason=denied)
    owner = None if rights is None else rights.owner
    return ready(document.text, document.identity, mapped, submission.sender, owner)


def ready(
    text: bytes, identity: bytes, mapped: Mapped, sender: Sender, owner: str | None = None
) -> Ready:
    """Prepare a document that may be recorded; *identity* is what it is in any spelling."""
    seed = f"{sender.producer}\n{sender.origin.value}\n".encode()
    entry = Entry(
        identity=hashlib.sha256(seed + identity).digest(),
        text=text,
        run_id=mapped.run_id,
        owner=owner,
    )
    return Ready(f"sha256:{hashlib.sha256(text).hexdigest()}", mapped, entry)
