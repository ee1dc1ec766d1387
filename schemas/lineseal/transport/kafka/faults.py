"""Says what a failure of kafka-python means for the caller.

One table: every exception of the client becomes one error of our tree with the right answer to
"try again?". What the table does not know is worth another try.
"""

from __future__ import annotations

import re

from kafka import errors as kafka_errors

from lineseal.schemas.errors import LogDenied, LogError, LogRefused, TopicMissing
from lineseal.transport.kafka.trouble import Cause, newest_trouble

_REFUSED = (
    kafka_errors.MessageSizeTooLargeError,
    kafka_errors.RecordListTooLargeError,
    kafka_errors.InvalidRecordError,
    kafka_errors.InvalidTimestampError,
    kafka_errors.InvalidTopicError,
    kafka_errors.InvalidConfigurationError,
    kafka_errors.InvalidReplicationFactorError,
    kafka_errors.InvalidPartitionsError,
    kafka_errors.PolicyViolationError,
    kafka_errors.UnsupportedVersionError,
    kafka_errors.UnsupportedForMessageFormatError,
    kafka_errors.UnsupportedCompressionTypeError,
    kafka_errors.KafkaConfigurationError,
)
_OWN_NAME = re.compile(r"^(\[Error -?\d+\] )?(\w+Error(: |$))*")
_LARGEST = (kafka_errors.MessageSizeTooLargeError, kafka_errors.RecordListTooLargeError)


def to_log_error(
    error: BaseException, where: object, client_id: str, *, secured: bool = False
) -> LogError:
    """Make our error from the client's; raise it ``from`` the original.

    Args:
        error: What the client raised, or what a delivery failed with.
        where: Names cluster or topic in the message.
        client_id: The client it happened to: asked for the cause when only time ran out.
        secured: We said who we are. A broker that refuses us says so and hangs up; when both
            arrive at once, kafka-python sees only the second.

    """
    if isinstance(error, LogError):
        return error
    cause = Cause.of(error)
    if cause.is_vague:
        cause = newest_trouble(client_id) or cause
    text = f"{where}: {_describe(cause)}"
    # What a refused TLS handshake looks like differs between OpenSSL and Python versions.
    if (secured and cause.is_hang_up) or "Handshake failed" in cause.text:
        text += "; it may have refused our certificate, password or token"
    if cause.is_denial:
        return LogDenied(text)
    if issubclass(cause.kind, _LARGEST):
        return LogRefused(f"{text}; raise the topic's max.message.bytes")
    if issubclass(cause.kind, _REFUSED):
        return LogRefused(text)
    if issubclass(cause.kind, kafka_errors.UnknownTopicOrPartitionError):
        return TopicMissing(f"{where} does not exist; run 'lineseal topics create'")
    return LogError(text)


def _describe(cause: Cause) -> str:
    # The client begins its texts with the error's number and name.
    detail = _OWN_NAME.sub("", " ".join(cause.text.split()))
    name = cause.kind.__name__
    return f"{detail} ({name})" if detail else name
