"""What arrived, and what did not? The commands ``rejects``, ``producers`` and ``status``."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.hooks import find_hook
from lineseal.commandline.output import Answer, note, output_options, print_answer
from lineseal.queries import state
from lineseal.queries.cli.common import ask
from lineseal.queries.questions import (
    PRODUCERS,
    REJECT,
    REJECTS,
    STATUS,
    NoParams,
    RejectParams,
    RejectsParams,
)
from lineseal.queries.render import print_record
from lineseal.schemas.errors import MissingExtra, NotFound
from lineseal.settings import Home, Settings, find_home, load_settings

RETRY_REJECTS = "retry-rejects"
"""Hook: home, settings, reason code or None; returns an Answer of one row."""
RetryRejects = Callable[[Home, Settings, str | None], Answer]
REFUSED_DOCUMENTS = "refused-documents"
"""Hook: what the gateway refused; home, settings, code, prefix of the id, most; returns rows."""
RefusedDocuments = Callable[..., list[dict[str, Any]]]
REJECT_COLUMNS = (
    "id",
    "code",
    "detail",
    "producer",
    "log_key",
    "event_index",
    "ingest_time",
    "outcome",
)
PRODUCER_COLUMNS = (
    "producer",
    "epoch",
    "state",
    "alive",
    "batches",
    "events",
    "gaps",
    "findings",
    "lost_events",
    "rejected",
    "last_created_at",
    "head_sha256",
)


@click.group(
    short_help="List what was refused, and why.",
    invoke_without_command=True,
)
@click.option("--code", metavar="CODE", help="Only this reason, for instance BAD_SIGNATURE.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=state.DEFAULT_LIMIT,
    show_default=True,
    help="Rows to print at most, the newest first.",
)
@output_options
@click.pass_context
def rejects(ctx: click.Context, code: str | None, limit: int, output: str) -> int:
    """List what was refused, and why, by the store and by the gateway of this home.

    'rejects show ID' has the bytes.

    Exit status: 0 answered; 6 there are more rows.
    """
    if ctx.invoked_subcommand is not None:
        return Exit.OK
    answer = ask(REJECTS, RejectsParams(code=code, limit=limit))
    rows = [*answer.rows, *_refused_documents(code=code, most=limit + 1)]
    if len(rows) > limit and answer.complete:
        answer = replace(answer, complete=False, warnings=[state.MORE_REJECTS])
    newest_first = sorted(rows, key=lambda row: row["ingest_time"], reverse=True)
    answer = replace(answer, rows=newest_first[:limit])
    print_answer(answer, output, columns=None if output == "csv" else REJECT_COLUMNS)
    return Exit.OK if answer.complete else Exit.INCOMPLETE


@rejects.command(short_help="Show one refused record with its bytes.")
@click.argument("identity", metavar="ID")
@click.option(
    "--raw",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Save the bytes to a new file.",
)
@output_options
def show(identity: str, raw: Path | None, output: str) -> int:
    """Show the refused record whose id starts with ID, its bytes in hex."""
    try:
        answer = ask(REJECT, RejectParams(identity=identity))
    except NotFound:
        prefix = identity.lower().removeprefix("sha256:")
        rows = _refused_documents(prefix=prefix, most=1)
        if not rows:
            raise
        answer = Answer(query="rejects show", subject=rows[0]["id"], rows=rows)
    if raw is not None:
        _save(raw, bytes.fromhex(answer.rows[0]["raw"]))
    print_answer(answer, output, table=print_record)
    return Exit.OK


@rejects.command(short_help="Judge refused records again.")
@click.option("--code", metavar="CODE", help="Only this reason, for instance UNKNOWN_KEY.")
@output_options
def retry(code: str | None, output: str) -> int:
    """Judge refused records again, for instance after enrolling a missing key.

    What verifies now comes into the store at this moment; each reject stays, with what became
    of it. A record is judged at the moment it first came, so a key that was revoked or expired
    by then stays refused. Single events refused in a good batch are not judged again.

    No other process may have the store open: stop 'lineseal up' first. Exit status: 0 nothing
    is refused any more; 1 something still is; 5 the store is in use.
    """
    hook: RetryRejects | None = find_hook(RETRY_REJECTS)
    if hook is None:
        raise MissingExtra("this needs what writes the store: pip install 'lineseal[consumers]'")
    home = find_home()
    answer = hook(home, load_settings(home), code)
    print_answer(answer, output, table=print_record)
    (row,) = answer.rows
    return Exit.FINDING if row["refused_again"] or row["refused_events"] else Exit.OK


@click.command(short_help="List producers, their epochs and gaps.")
@output_options
def producers(output: str) -> int:
    """List each producer's epochs: chain head, batches, events, gaps, findings, losses.

    What the findings mean stands in docs/findings.md. Exit status: 0 nothing is missing; 1
    batches are missing, or there are findings; 6 a producer reported a loss.
    """
    answer = ask(PRODUCERS, NoParams())
    print_answer(answer, output, columns=PRODUCER_COLUMNS)
    if any(row["gaps"] or row["findings"] for row in answer.rows):
        return Exit.FINDING
    return Exit.OK if answer.complete else Exit.INCOMPLETE


@click.command(short_help="Sum up what the store holds.")
@output_options
def status(output: str) -> int:
    """Sum up the store: size, counts, newest event, keyring version, positions in the log.

    Also says how much of the log is not in the store yet; brokers are asked for some seconds.
    """
    answer = ask(STATUS, NoParams(), unread=True, asking=True)
    print_answer(answer, output, table=print_record)
    return Exit.OK


def _refused_documents(
    *, code: str | None = None, prefix: str = "", most: int
) -> list[dict[str, Any]]:
    hook: RefusedDocuments | None = find_hook(REFUSED_DOCUMENTS)
    if hook is None:
        return []
    home = find_home()
    return hook(home, load_settings(home), code=code, prefix=prefix, most=most)


def _save(path: Path, content: bytes) -> None:
    # Hostile bytes: for the owner only, and never over something that is there.
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise click.BadParameter(f"cannot write {path}: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    note(f"wrote {len(content)} bytes to {path}")
