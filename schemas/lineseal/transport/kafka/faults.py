"""Says what a failure of kafka-python means for the caller.

One table: every exception of the client becomes one error of our tree with the right answer to
"try again?". What the table does not know is worth another try.
"""

from __future__ import annotations

import re

from kafka import errors as kafka_errors

from lineseal.schemas.errors import LogDenied, LogError, LogRefused, TopicMissing
from lineseal.transport.kafka.trouble import is_denial, is_vague, newest_trouble

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
_HUNG_UP = "socket disconnected"
_OWN_NAME = re.compile(r"^(\[Error -?\d+\] )?(\w+Error(: |$))*")
_LARGEST = (kafka_errors.MessageSizeTooLargeError, kafka_errors.RecordListTooLargeError)


def to_log_error(
    error: BaseException, where: object, client_id: str, *, sasl: bool = False
) -> LogError:
    """Make our error from the client's; raise it ``from`` the original.

    Args:
        error: What the client raised, or what a delivery failed with.
        where: Names cluster or topic in the message.
        client_id: The client it happened to: asked for the cause when only time ran out.
        sasl: We gave a password or token. A broker that refuses it says so and hangs up; when
            both arrive at once, kafka-python sees only the second.

    """
    if isinstance(error, LogError):
        return error
    cause = _cause(error, client_id)
    text = f"{where}: {_describe(cause)}"
    if sasl and _HUNG_UP in str(cause):
        text += "; it may have refused our user and password, or token"
    if is_denial(cause):
        return LogDenied(text)
    if isinstance(cause, _LARGEST):
        return LogRefused(f"{text}; raise the topic's max.message.bytes")
    if isinstance(cause, _REFUSED):
        return LogRefused(text)
    if isinstance(cause, kafka_errors.UnknownTopicOrPartitionError):
        return TopicMissing(f"{where} does not exist; run 'lineseal topics create'")
    return LogError(text)


def _cause(error: BaseException, client_id: str) -> BaseException:
    """Return what stands behind a timeout, if the client logged it."""
    return (newest_trouble(client_id) if is_vague(error) else None) or error


def _describe(error: BaseException) -> str:
    name = type(error).__name__
    # The client begins its texts with the error's number and name.
    detail = _OWN_NAME.sub("", " ".join(str(error).split()))
    return f"{detail} ({name})" if detail else name
