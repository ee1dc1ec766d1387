"""``lineseal outbox``: what waits on this machine, what the store confirmed, sealing, pruning."""

from __future__ import annotations

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, note, output_options, print_answer
from lineseal.producers.cli.outbox_rows import COLUMNS, outbox_rows
from lineseal.producers.identity import identify
from lineseal.schemas.errors import LinesealError, LogError
from lineseal.settings import find_home, load_settings
from lineseal.transport.embedded import open_log_folder
from lineseal.transport.embedded.survey import survey
from lineseal.transport.open import is_kafka
from lineseal.transport.relay.cursor import acknowledged_positions
from lineseal.transport.relay.prune import confirmed_now, prune
from lineseal.transport.relay.receipts import ReceiptBook


@click.group()
def outbox() -> None:
    """See, seal and prune what jobs have emitted on this machine."""


@outbox.command()
@click.option(
    "--offline", is_flag=True, help="Do not ask the log for receipts; use what was read before."
)
@click.option(
    "--max-age",
    type=click.FloatRange(min=0),
    default=3600.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a batch the broker took may be unconfirmed before that is a finding.",
)
@output_options
def status(*, offline: bool, max_age: float, output: str) -> int:
    """Show each outbox file: what is pending, shipped to Kafka, and confirmed by the store.

    Pending events are durable and wait to be sealed. Those in a file that no process has open
    were left by a crash: the producer's next job seals them, or 'lineseal outbox seal' now.

    Confirmed batches are covered by a receipt: signed by the materialiser, it says that the store
    has them. Batches that the broker took and no store confirmed within --max-age give status 1.
    """
    home = find_home()
    settings = load_settings(home)
    folder = open_log_folder(settings, home)
    states = survey(folder)
    warnings = [f"{state.stream}: {state.problem}" for state in states if state.problem]
    book = ReceiptBook(home, settings, folder)
    if not offline:
        try:
            book.update()
        except LinesealError as error:
            warnings.append(f"no new receipts: {error} [{error.code}]")
    shipped = acknowledged_positions(folder.parent) if is_kafka(settings.log.url) else None
    rows, findings = outbox_rows(states, book.confirmations(), shipped, max_age)
    answer = Answer(
        query="outbox status",
        subject=str(folder),
        complete=not warnings,
        warnings=[*warnings, *findings],
        rows=rows,
        extra={
            "pending": sum(state.pending or 0 for state in states),
            "batches": sum(state.batches or 0 for state in states),
        },
    )
    print_answer(answer, output, columns=COLUMNS)
    if findings:
        return Exit.FINDING
    return Exit.INCOMPLETE if warnings else Exit.OK


@outbox.command()
@click.option("--producer", metavar="NAME", help="Whose files; [emitter] producer by default.")
@click.option("--as", "person", metavar="PERSON", help="The files of this person.")
def seal(producer: str | None, person: str | None) -> int:
    """Seal now what crashed jobs of the producer left; files in use are left alone."""
    home = find_home()
    identity = identify(home, load_settings(home), producer=producer, person=person)
    batches = identity.adopt_orphans()
    note(f"sealed {batches} {'batch' if batches == 1 else 'batches'} of {identity.producer}")
    return Exit.OK


@outbox.command("prune")
@click.option("--dry-run", is_flag=True, help="Only say up to where each file could be pruned.")
def prune_command(*, dry_run: bool) -> int:
    """Remove batches that a signed receipt confirms; with Kafka, only once they were shipped too.

    Each file keeps its last batch. A file that a process has open is left alone until it is
    closed. With [emitter] prune = true 'lineseal up', 'relay' and 'materialise' do this too.
    """
    home = find_home()
    settings = load_settings(home)
    folder = open_log_folder(settings, home)
    book = ReceiptBook(home, settings, folder)
    try:
        book.update()
    except LogError as error:
        note(f"warning: no new receipts: {error} [{error.code}]")
    positions = confirmed_now(book, settings, folder)
    if dry_run:
        for name, position in sorted(positions.items()):
            note(f"{name}: everything before batch {position}")
        return Exit.OK
    total = 0
    for each in prune(folder, positions):
        total += each.batches or 0
        if each.batches is None:
            note(f"{each.stream}: in use, left as it is")
    note(f"pruned {total} {'batch' if total == 1 else 'batches'}")
    return Exit.OK
