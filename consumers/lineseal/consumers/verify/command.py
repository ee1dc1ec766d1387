"""The command ``lineseal verify``."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, note, output_options, print_answer
from lineseal.consumers.verify.check import Report, verify_store
from lineseal.queries.cli.common import home_store_path

_COLUMNS = ("code", "subject", "detail")


@click.command()
@click.option(
    "--checkpoints",
    "copies",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with checkpoints kept elsewhere: a copy, an export of a SIEM. May be repeated.",
)
@click.option(
    "--quick",
    is_flag=True,
    help="Signatures, roots, log and checkpoints only, not what the tables say. Never status 0.",
)
@output_options
def verify(copies: tuple[Path, ...], quick: bool, output: str | None) -> int:
    """Verify the store against its signed bytes, and against every checkpoint there is.

    Every batch is verified and decoded again; every row of facts, graph and findings is compared
    with what follows from the signed bytes, every entry with its leaf, every checkpoint (in the
    store, the file outside, the topic, the files given) with the log's root, and the log with what
    the store took of it. Whoever holds the key that signs checkpoints can sign another history:
    only a checkpoint kept where they cannot write shows that.

    Exit status: 0 all of it verified; 1 something is wrong, listed; 6 nothing is wrong, but not all
    could be verified.
    """
    with home_store_path() as (store, path):
        report = verify_store(path, store.home, store.settings, quick=quick, copies=copies)
    if report.problems.rows or output not in (None, "table"):
        print_answer(_answer(report), output or "table", columns=_COLUMNS)
    else:
        for sentence in report.problems.left_out:
            note(f"warning: {sentence}")
    _say(report)
    if report.problems.total:
        return Exit.FINDING
    return Exit.INCOMPLETE if report.problems.left_out else Exit.OK


def _answer(report: Report) -> Answer:
    problems = report.problems
    return Answer(
        query="verify",
        complete=not problems.left_out,
        warnings=problems.left_out,
        rows=problems.rows,
        extra={
            "entries": report.entries,
            "covered": report.covered,
            "batches": report.batches,
            "events": report.events,
            "checkpoints": report.checkpoints,
            "records": report.records,
            "problems": dict(problems.counts),
            "seconds": round(report.seconds, 3),
        },
    )


def _say(report: Report) -> None:
    with contextlib.suppress(ZeroDivisionError):
        rate = report.events / report.seconds
        note(
            f"verified {report.events:,} events in {report.batches:,} batches"
            f" ({rate:,.0f} events/s)"
        )
    note(
        f"{report.entries:,} log entries, {report.covered:,} of them covered by a checkpoint "
        f"outside the store; {report.checkpoints:,} checkpoints, {report.records:,} records of the "
        "log compared"
    )
    total = report.problems.total
    note(f"{total:,} problems" if total else "nothing is wrong with what was verified")
