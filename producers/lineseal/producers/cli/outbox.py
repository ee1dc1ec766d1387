"""``lineseal outbox``: what waits on this machine, and sealing what crashed jobs left."""

from __future__ import annotations

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, note, output_options, print_answer
from lineseal.producers.identity import identify
from lineseal.settings import find_home, load_settings
from lineseal.transport.embedded import open_log_folder
from lineseal.transport.embedded.survey import OutboxState, survey

_COLUMNS = ("stream", "producer", "pending", "batches", "size_bytes", "state")


@click.group()
def outbox() -> None:
    """See and seal what jobs have emitted on this machine."""


@outbox.command()
@output_options
def status(output: str) -> int:
    """Show each outbox file: its pending events and its sealed batches.

    Pending events are durable and wait to be sealed. Those in a file that no process has open
    were left by a crash: the producer's next job seals them, or 'lineseal outbox seal' now.
    """
    home = find_home()
    folder = open_log_folder(load_settings(home), home)
    states = survey(folder)
    warnings = [f"{state.stream}: {state.problem}" for state in states if state.problem]
    answer = Answer(
        query="outbox status",
        subject=str(folder),
        complete=not warnings,
        warnings=warnings,
        rows=[_row(state) for state in states],
        extra={
            "pending": sum(state.pending or 0 for state in states),
            "batches": sum(state.batches or 0 for state in states),
        },
    )
    print_answer(answer, output, columns=_COLUMNS)
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


def _row(state: OutboxState) -> dict[str, object]:
    condition = "in use" if state.in_use else "left behind" if state.pending else "closed"
    return {
        "stream": state.stream,
        "producer": state.producer,
        "pending": state.pending,
        "batches": state.batches,
        "size_bytes": state.size_bytes,
        "state": "unreadable" if state.problem else condition,
    }
