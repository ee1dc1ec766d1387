"""Every error Lineseal raises on purpose: one tree, one stable code each, one retry answer each.

Rules: a name says what is wrong, not where it was noticed. ``code`` is public and never
changes its meaning; it is what rejects, logs and metrics show. ``retryable`` answers the one
question the loops ask: may the same call succeed later without anybody changing anything?
A message holds identifiers, limits and what to do next, never payload bytes or secrets.
"""

# ruff: noqa: PLC0414 - the whole tree is imported from here
from __future__ import annotations

from lineseal.schemas.error_base import LinesealError as LinesealError
from lineseal.schemas.store_errors import FeedError as FeedError
from lineseal.schemas.store_errors import ForwarderBusy as ForwarderBusy
from lineseal.schemas.store_errors import SplitView as SplitView
from lineseal.schemas.store_errors import StoreBusy as StoreBusy
from lineseal.schemas.store_errors import StoreDamaged as StoreDamaged
from lineseal.schemas.store_errors import StoreError as StoreError
from lineseal.schemas.store_errors import StoreIncompatible as StoreIncompatible
from lineseal.schemas.store_errors import StoreRollback as StoreRollback

# --- the caller's configuration or request -------------------------------------------------


class ConfigurationError(LinesealError):
    """A setting is missing, unknown or has a value that cannot work."""

    code = "CONFIGURATION"


class HomeNotFound(ConfigurationError):
    """No Lineseal home here or in a folder above."""

    code = "HOME_NOT_FOUND"


class InvalidReference(LinesealError):
    """A REF on the command line or in a call cannot be parsed."""

    code = "INVALID_REFERENCE"


class InvalidEvent(LinesealError):
    """The producer built an event that breaks the contract; nothing was emitted."""

    code = "INVALID_EVENT"


class InvalidDocument(LinesealError):
    """A document of another system is not what it should be; nothing of it was recorded."""

    code = "INVALID_DOCUMENT"


class KeyUnusable(LinesealError):
    """A private key or signer cannot be loaded or may not be used."""

    code = "KEY_UNUSABLE"


class KeyMissing(KeyUnusable):
    """The signing key is not where the configuration says."""

    code = "KEY_MISSING"


class Unreadable(LinesealError):
    """A file or folder to be hashed cannot be read, or changed while it was being read."""

    code = "UNREADABLE"


class MissingExtra(LinesealError):
    """The command needs an optional dependency that is not installed."""

    code = "MISSING_EXTRA"


# --- containment: what a job must not read -------------------------------------------------------


class Contained(LinesealError):
    """The run must not read this: it is frozen, held or in quarantine."""

    code = "CONTAINED"


class ContainmentUnknown(Contained):
    """A containment list is required, and there is none, an old one, or one that is not genuine."""

    code = "CONTAINMENT_UNKNOWN"


class ContainmentRollback(LinesealError):
    """The containment list is older than the one in use."""

    code = "CONTAINMENT_ROLLBACK"


# --- bytes that break the contract: kept as rejects, never retried by a loop ------------------


class ContractError(LinesealError):
    """Bytes from the log that cannot be accepted: the record becomes a reject."""

    code = "CONTRACT"


class Malformed(ContractError):
    """The bytes are not a well-formed frame, header or event."""

    code = "MALFORMED"


class TrailingBytes(ContractError):
    """Bytes follow the end of the value."""

    code = "TRAILING_BYTES"


class NonCanonical(ContractError):
    """Decoding and encoding again gives other bytes."""

    code = "NON_CANONICAL"


class TooLarge(ContractError):
    """A record, batch, event or string is over its limit."""

    code = "TOO_LARGE"


class TooManyItems(ContractError):
    """A batch or a list holds more items than allowed."""

    code = "TOO_MANY_ITEMS"


class WrongType(ContractError):
    """The envelope's payload type is not the one this topic carries."""

    code = "WRONG_TYPE"


class UnknownSchema(ContractError):
    """The schema digest in the signed header is not on the allow-list."""

    code = "UNKNOWN_SCHEMA"


class OutOfRange(ContractError):
    """A value lies outside what its field allows (infinite, negative, unknown symbol)."""

    code = "RANGE"


class BadIdentifier(ContractError):
    """An identifier is empty, not NFC, or holds control, bidi or invisible characters."""

    code = "IDENTIFIER"


class RootMismatch(ContractError):
    """The events do not hash to the Merkle root in the signed header."""

    code = "ROOT_MISMATCH"


class NoSignature(ContractError):
    """The envelope carries no signature."""

    code = "NO_SIGNATURE"


class BadSignature(ContractError):
    """No signature verifies under the key it names."""

    code = "BAD_SIGNATURE"


class UnknownKey(ContractError):
    """No signature names a key of the keyring."""

    code = "UNKNOWN_KEY"


class KeyNotYetValid(ContractError):
    """The key's window starts after the moment of judgement."""

    code = "KEY_NOT_YET_VALID"


class KeyExpired(ContractError):
    """The key's window ended before the moment of judgement."""

    code = "KEY_EXPIRED"


class KeyRevoked(ContractError):
    """The key was revoked."""

    code = "KEY_REVOKED"


class OutOfScope(ContractError):
    """The key may not speak for this producer, role, event kind or actor."""

    code = "SCOPE"


class OutOfNameScope(OutOfScope):
    """The key may not write, register or decide about this artifact."""

    code = "NAME_SCOPE"


class WrongDeployment(ContractError):
    """The batch was sealed for another deployment."""

    code = "WRONG_DEPLOYMENT"


class CheckpointInvalid(ContractError):
    """A checkpoint is none, or no key with the role log signed it."""

    code = "CHECKPOINT_INVALID"


# --- keyring ------------------------------------------------------------------------------


class KeyringError(LinesealError):
    """The keyring file cannot be trusted."""

    code = "KEYRING_INVALID"


class KeyringRollback(KeyringError):
    """The keyring's version is lower than one that was already used."""

    code = "KEYRING_ROLLBACK"


class WeakKey(KeyringError):
    """The public key is one of the weak encodings and must not be enrolled."""

    code = "WEAK_KEY"


# --- log and store ---------------------------------------------------------------------------


class LogError(LinesealError):
    """The log could not take or give a record."""

    code = "LOG"
    retryable = True


class OutboxFull(LogError):
    """The outbox reached its byte cap or the disk is full."""

    code = "OUTBOX_FULL"


class OutboxDamaged(LogError):
    """An outbox file cannot be read as one."""

    code = "OUTBOX_DAMAGED"
    retryable = False


class OutboxForged(LogError):
    """An outbox file holds what its producer never wrote."""

    code = "OUTBOX_FORGED"
    retryable = False


class LogDenied(LogError):
    """The log's server refused who we are, or we refused who it is; a person has to look."""

    code = "LOG_DENIED"
    retryable = False


class LogRefused(LogError):
    """The log's server will not take this record or request as it is configured."""

    code = "LOG_REFUSED"
    retryable = False


class TopicMissing(LogError):
    """The topic does not exist."""

    code = "TOPIC_MISSING"
    retryable = False


class TopicReplaced(LogError):
    """A topic of the same name is not the one positions were kept for; they mean nothing in it."""

    code = "TOPIC_REPLACED"
    retryable = False


class RelayBusy(LogError):
    """Another relay ships from the same outboxes."""

    code = "RELAY_BUSY"


class RelayCursorDamaged(LogError):
    """The file that says what was shipped cannot be understood."""

    code = "RELAY_CURSOR_DAMAGED"
    retryable = False


class LogGap(LogError):
    """Records of one stream cannot be had any more.

    Attributes:
        stream: The stream they were in.
        first: Position of the first of them.
        last: Position of the last of them, included.
        resume: The position to seek to once the gap is recorded.

    """

    code = "LOG_GAP"
    retryable = False

    def __init__(self, message: str, *, stream: str, first: int, last: int, resume: int) -> None:
        super().__init__(message)
        self.stream = stream
        self.first = first
        self.last = last
        self.resume = resume


class BrokerTruncation(LogGap):
    """The broker no longer has records that were not read yet, or that were read before."""

    code = "BROKER_TRUNCATION"


class RecordUnreadable(LogGap):
    """The client cannot take a record apart: damaged, or compressed in a way it does not know."""

    code = "RECORD_UNREADABLE"


class PoisonSkipped(LogError):
    """A record was not judged, since three processes died over it; its bytes are kept."""

    code = "POISON_SKIPPED"
    retryable = False


# --- queries ------------------------------------------------------------------------------------


class QueryError(LinesealError):
    """A query cannot be answered as asked."""

    code = "QUERY"


class NotFound(QueryError):
    """Nothing in the store matches the reference.

    Attributes:
        candidates: References that look alike, best first; may be empty.

    """

    code = "NOT_FOUND"

    def __init__(self, message: str, candidates: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.candidates = candidates


class Ambiguous(NotFound):
    """More than one artifact version matches the reference; ``candidates`` lists them."""

    code = "AMBIGUOUS"


class SqlRefused(QueryError):
    """The statement is not one read-only statement, or ran over its limits."""

    code = "SQL_REFUSED"
