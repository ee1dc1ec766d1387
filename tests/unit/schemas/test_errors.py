"""Every error has one code that never changes, and one answer to "may I try again?".

Source: ADR-0002. The codes are listed here so that a change of one is a change of this file.
"""

from __future__ import annotations

import pytest

from lineseal.schemas import errors
from lineseal.schemas.errors import LinesealError, NotFound

CODES = {
    "POISON_SKIPPED",
    "AMBIGUOUS", "BAD_SIGNATURE", "BROKER_TRUNCATION", "CONFIGURATION", "CONTRACT", "FEED",
    "FORWARDER_BUSY", "HOME_NOT_FOUND", "IDENTIFIER", "INVALID_DOCUMENT", "INVALID_EVENT",
    "CONTAINED", "CONTAINMENT_ROLLBACK", "CONTAINMENT_UNKNOWN",
    "INVALID_REFERENCE", "KEYRING_INVALID", "KEYRING_ROLLBACK", "KEY_EXPIRED", "KEY_MISSING",
    "KEY_NOT_YET_VALID", "KEY_REVOKED", "KEY_UNUSABLE", "LINESEAL", "LOG", "LOG_DENIED",
    "LOG_GAP", "LOG_REFUSED", "MALFORMED", "MISSING_EXTRA", "NON_CANONICAL", "NOT_FOUND",
    "NAME_SCOPE", "NO_SIGNATURE", "OUTBOX_DAMAGED", "OUTBOX_FORGED",
    "OUTBOX_FULL", "QUERY", "RANGE", "RECORD_UNREADABLE",
    "RELAY_BUSY", "RELAY_CURSOR_DAMAGED", "ROOT_MISMATCH", "SCOPE", "SQL_REFUSED",
    "SPLIT_VIEW", "STORE", "STORE_BUSY", "STORE_DAMAGED", "STORE_INCOMPATIBLE", "STORE_ROLLBACK",
    "TOO_LARGE", "TOO_MANY_ITEMS", "TOPIC_MISSING", "CHECKPOINT_INVALID",
    "TOPIC_REPLACED", "TRAILING_BYTES", "UNKNOWN_KEY", "UNKNOWN_SCHEMA", "UNREADABLE",
    "WEAK_KEY", "WRONG_DEPLOYMENT", "WRONG_TYPE",
}  # fmt: skip
"""Codes that were released: none of these may go. New ones are added."""


def all_errors() -> list[type[LinesealError]]:
    """Return every error class of ours."""
    found = [value for value in vars(errors).values() if isinstance(value, type)]
    return [cls for cls in found if issubclass(cls, LinesealError)]


def test_every_error_has_its_own_code() -> None:
    """A code names one class, and no released code is gone."""
    codes = [cls.code for cls in all_errors()]

    assert len(set(codes)) == len(codes)
    assert set(codes) >= CODES


@pytest.mark.parametrize("cls", all_errors(), ids=lambda cls: cls.__name__)
def test_every_error_sets_its_code_itself(cls: type[LinesealError]) -> None:
    """No class shows its parent's code by accident; codes are plain upper-case words."""
    assert "code" in vars(cls)
    assert cls.code.replace("_", "").isalpha()
    assert cls.code.isupper()


def test_what_breaks_the_contract_is_never_retried() -> None:
    """The loops ask ``retryable`` and nothing else: bad bytes stay bad."""
    contract = [cls for cls in all_errors() if issubclass(cls, errors.ContractError)]

    assert not [cls for cls in contract if cls.retryable]


def test_not_found_carries_what_looks_alike() -> None:
    """The caller can offer the nearest names."""
    error = NotFound("no such model", ("model:r/fraud@7",))

    assert error.candidates == ("model:r/fraud@7",)
    assert str(error) == "no such model"
