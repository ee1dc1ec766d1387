"""May this SQL be run, and what does it return? One read-only statement, in a process of its own.

The guard has layers, and each is tested without the others: one statement of a type that only
reads; a read-only file in a read-only transaction; no external access, no extensions, a locked
configuration; a time limit that interrupts; and a child process with a memory limit of its own
that is killed when all else fails, since DuckDB neither counts nor interrupts
``repeat('x', 2000000000)`` (attack A31).
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from lineseal.commandline.output import Answer
from lineseal.queries.database import WAIT_SECONDS
from lineseal.queries.sql_worker import Reply, Request
from lineseal.schemas import errors

DEFAULT_LIMIT = 10_000
"""Rows."""
DEFAULT_TIMEOUT = 30.0
"""Seconds."""
_LOOK_SECONDS = 0.25
GRACE_SECONDS = 5.0
"""How long the child may take to start and, once interrupted, to give up."""

SQL = "sql"
"""The name under which a service runs statements."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlParams:
    """Say what to run; see ``run_sql``."""

    statement: str
    limit: int = DEFAULT_LIMIT
    timeout: float = DEFAULT_TIMEOUT


_ERRORS: dict[str, type[errors.LinesealError]] = {
    cls.code: cls
    for cls in (
        errors.QueryError,
        errors.SqlRefused,
        errors.NotFound,
        errors.StoreBusy,
        errors.StoreError,
        errors.StoreIncompatible,
    )
}


def run_sql(
    store: Path,
    text: str,
    *,
    limit: int = DEFAULT_LIMIT,
    timeout: float = DEFAULT_TIMEOUT,
    memory_limit: str = "2GB",
    wait: float = WAIT_SECONDS,
    given_up: threading.Event | None = None,
) -> Answer:
    """Run one statement that only reads, and return its rows as plain JSON values.

    Args:
        store: The DuckDB file.
        text: One SELECT (or FROM, VALUES, WITH, SHOW, DESCRIBE, SUMMARIZE, EXPLAIN) statement.
        limit: Rows at most; when there are more the answer says so.
        timeout: Seconds the statement may run.
        memory_limit: As DuckDB takes it, for instance ``2GB``.
        wait: Seconds to wait while another process writes.
        given_up: Ends the statement when set.

    Raises:
        SqlRefused: It is anything else, touches something outside the store, or ran over its
            limits.
        QueryError: DuckDB cannot make sense of it.
        NotFound, StoreBusy, StoreError, StoreIncompatible: As for ``open_store``.

    """
    check_text(text)
    request = Request(
        store=str(store),
        text=text,
        limit=limit,
        timeout=timeout,
        memory_limit=memory_limit,
        wait=wait,
    )
    reply = _ask_child(request, timeout, given_up or threading.Event())
    if reply["error"] is not None:
        code, message = reply["error"]
        raise _ERRORS[code](message)
    rows = [dict(zip(reply["columns"], row, strict=True)) for row in reply["rows"]]
    return Answer(
        query="sql",
        subject=text,
        complete=not reply["warnings"],
        warnings=reply["warnings"],
        rows=rows,
        extra={"columns": reply["columns"]},
    )


def _ask_child(request: Request, timeout: float, given_up: threading.Event) -> Reply:
    # -P: a file of the working folder must not pass for a module.
    command = [sys.executable, "-P", "-m", "lineseal.queries.sql_worker"]
    deadline = time.monotonic() + timeout + 2 * GRACE_SECONDS
    question: bytes | None = json.dumps(request).encode()
    with subprocess.Popen(  # noqa: S603 - our own module, nothing of the caller's in it
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        try:
            while True:
                try:
                    out, complaint = child.communicate(question, timeout=_LOOK_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    question = None
                    if given_up.is_set():
                        raise errors.SqlRefused("the statement was given up") from None
                    if time.monotonic() >= deadline:
                        raise errors.SqlRefused(
                            f"the statement ran over its {timeout:g} seconds and could not be "
                            "interrupted"
                        ) from None
        finally:
            child.kill()
    if child.returncode < 0:
        raise errors.SqlRefused("the statement took more memory than it may, and was ended")
    if child.returncode > 0:
        raise RuntimeError(complaint.decode(errors="replace"))
    return cast("Reply", json.loads(out))


def check_text(text: str) -> None:
    """Check that *text* can be a statement at all.

    Raises:
        QueryError: It is not text.

    """
    # A shell argument that is not UTF-8 arrives with lone surrogates.
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise errors.QueryError("the statement is not valid UTF-8 text") from error
