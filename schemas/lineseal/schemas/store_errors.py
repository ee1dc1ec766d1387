"""Errors of the store and of what ships from it: a part of the tree in ``errors``.

Everybody imports them from there; the rules stand there too.
"""

from __future__ import annotations

from lineseal.schemas.error_base import LinesealError


class StoreError(LinesealError):
    """The store could not be opened, read or written."""

    code = "STORE"


class StoreBusy(StoreError):
    """Another process holds the store open for writing."""

    code = "STORE_BUSY"
    retryable = True


class StoreDamaged(StoreError):
    """The store's file is there and cannot be read: it has to be made anew from the log."""

    code = "STORE_DAMAGED"


class StoreIncompatible(StoreError):
    """The store was written by a newer Lineseal, or belongs to another deployment."""

    code = "STORE_INCOMPATIBLE"


class StoreRollback(StoreError):
    """The store holds less than a signed checkpoint outside it says it held."""

    code = "STORE_ROLLBACK"


class SplitView(StoreError):
    """The store's log is not the one that a signed checkpoint is about: two histories exist."""

    code = "SPLIT_VIEW"


class FeedError(LinesealError):
    """The forwarder's own file could not be opened, read or written."""

    code = "FEED"


class ForwarderBusy(FeedError):
    """Another forwarder ships from the same home."""

    code = "FORWARDER_BUSY"
    retryable = True
