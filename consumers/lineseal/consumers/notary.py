"""Signs what the log of the store is, every few seconds, and hands it outside.

A checkpoint is signed only when the log still begins with what the newest one outside covers, is
written to the file outside first and to the table ``checkpoint`` then; from there it goes to the
topic ``checkpoints`` (``publishing``) and to a SIEM. So whoever holds one checkpoint can tell
whether the store was rolled back or rewritten since. Without a key with the role ``log`` there are
none. Source: DESIGN 7; C2SP tlog-checkpoint.
"""

from __future__ import annotations

import datetime as dt
import secrets
import time
from collections.abc import Callable

import duckdb

from lineseal.consumers.checkpoint_file import CheckpointFile
from lineseal.consumers.logs import get_logger
from lineseal.consumers.merkle_log import StoredTree
from lineseal.consumers.outside import require_covered
from lineseal.consumers.report import StepReport
from lineseal.consumers.store import Store, write_fact
from lineseal.schemas.errors import KeyUnusable, SplitView, StoreError, StoreRollback
from lineseal.schemas.ids import now_us
from lineseal.signing.checkpoint import Checkpoint, log_origin, sign_checkpoint
from lineseal.signing.signers import KeySigner

LOG_ID = "log_id"
"""Store fact: names this very log among those its deployment had."""
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - the store's times are UTC without zone


class Notary:
    """Signs for one store. Not safe to share between threads."""

    def __init__(
        self,
        store: Store,
        deployment: str,
        file: CheckpointFile,
        signer: KeySigner | None,
        *,
        newest: Checkpoint | None,
        interval: float,
        after_signing: Callable[[], None] | None = None,
        clock: Callable[[], int] = now_us,
    ) -> None:
        """Sign for *store*.

        Args:
            store: The materialiser's.
            deployment: Whose store it is.
            file: Where checkpoints go outside.
            signer: Has the role log; None signs nothing.
            newest: The newest checkpoint of this log outside; the store was compared with it.
            interval: Seconds between two checkpoints.
            after_signing: Called after each checkpoint.
            clock: Gives microseconds UTC.

        """
        self._store = store
        self._deployment = deployment
        self._file = file
        self._signer = signer
        self._newest = newest
        self._interval = interval
        self._after_signing = after_signing or (lambda: None)
        self._clock = clock
        self._not_before = 0.0

    def after_step(self, report: StepReport) -> None:
        """Sign when it is time."""
        del report
        if time.monotonic() >= self._not_before:
            self._not_before = time.monotonic() + self._interval
            self.sign()

    def sign(self) -> Checkpoint | None:
        """Sign the log as it is now, unless nothing is new.

        What fails for a reason that passes is a warning: the next turn tries again.

        Raises:
            StoreRollback, SplitView: The log does not begin with what was signed before; it
                is not signed.

        """
        if self._signer is None:
            return None
        try:
            _ = self._store.connection  # opened again where it was released
            with self._store.transaction() as connection:
                signed = self._sign(connection, self._signer)
        except (StoreRollback, SplitView):
            raise
        except (StoreError, KeyUnusable) as error:
            get_logger().warning("no checkpoint yet", code=error.code, reason=str(error))
            return None
        if signed is not None:
            self._after_signing()
        return signed

    def _sign(self, connection: duckdb.DuckDBPyConnection, signer: KeySigner) -> Checkpoint | None:
        tree = StoredTree(connection)
        before = self._newest
        if tree.size == (0 if before is None else before.size):
            return None
        if before is not None:
            require_covered(tree, before, str(self._store.path))
        origin = log_origin(self._deployment, _log_id(connection))
        checkpoint = Checkpoint(origin, tree.size, tree.root())
        note = sign_checkpoint(checkpoint, signer)
        now = self._clock()
        self._file.append(note, now)
        self._newest = checkpoint
        row = {
            "tree_size": checkpoint.size,
            "root_sha256": checkpoint.root.hex(),
            "origin": origin,
            "keyid": signer.keyid,
            "note": note,
            "signed_at": _EPOCH + dt.timedelta(microseconds=now),
        }
        columns, values = ", ".join(row), ", ".join(f"${name}" for name in row)
        connection.execute(f"INSERT INTO checkpoint ({columns}) VALUES ({values})", row)  # noqa: S608
        return checkpoint


def _log_id(connection: duckdb.DuckDBPyConnection) -> str:
    rows = connection.execute("SELECT value FROM store_fact WHERE name = ?", [LOG_ID]).fetchall()
    if rows:
        return str(rows[0][0])
    log_id = secrets.token_hex(8)
    write_fact(connection, LOG_ID, log_id)
    return log_id
