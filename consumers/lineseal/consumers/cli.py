"""The command ``lineseal materialise``: the log into the store, once or for good."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Mapping

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, note, to_json
from lineseal.consumers.detect.detector import Detection
from lineseal.consumers.follow import counts, follow, materialise_once, stop_on_signals
from lineseal.consumers.logs import configure_logs, get_logger
from lineseal.consumers.report import StepReport
from lineseal.consumers.running import opened, serving
from lineseal.schemas.errors import LogError
from lineseal.settings import Home, Settings, find_home, load_settings
from lineseal.transport.embedded import open_log_folder
from lineseal.transport.relay.pruning import prune_now, pruning
from lineseal.transport.unread import asked_unread_by_stream

_OWNER_ONLY = 0o077
_UNNOTICED_SECONDS = 2.0


@click.command()
@click.option(
    "--once/--follow",
    "once",
    default=True,
    show_default=True,
    help="Deal with what is in the log now, or go on until stopped.",
)
@click.option(
    "--detect/--no-detect",
    "detect",
    default=True,
    show_default=True,
    help="Run the detections after each commit.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON on stdout.")
@click.option(
    "--new-log",
    metavar="REASON",
    help="The store was removed on purpose: begin a new one, and say in it why.",
)
def materialise(once: bool, detect: bool, as_json: bool, new_log: str | None) -> int:
    """Verify what is in the log and materialise it into the store.

    What cannot be verified is kept with its bytes and a reason: see 'lineseal rejects'.
    Exit status: 0 when everything was accepted, 1 when something was rejected or found wrong in
    this run, a file of the log is damaged or gone, or the store is not the one that signed
    checkpoints outside it are about: then nothing is written.
    """
    home = find_home()
    settings = load_settings(home)
    os.umask(_OWNER_ONLY)  # DuckDB makes its write-ahead log whenever it needs one
    configure_logs(as_json=not once and not sys.stderr.isatty())
    report, found = _run(home, settings, once=once, detect=detect, new_log=new_log)
    if as_json:
        warnings = [*report.warnings, *report.lost]
        answer = Answer(query="materialise", warnings=warnings, rows=[counts(report)])
        click.echo(to_json(answer.to_dict()))
    if once:
        _say(report)
        _say_alerts(found)
    return Exit.FINDING if report.is_finding else Exit.OK


def _run(
    home: Home, settings: Settings, *, once: bool, detect: bool, new_log: str | None
) -> tuple[StepReport, Detection]:
    outboxes = open_log_folder(settings, home)
    with opened(home, settings, detect=detect, new_log=new_log) as work:
        # A short run is over before anybody has waited for the store.
        with serving(home, settings, work.store, after=_UNNOTICED_SECONDS if once else 0.0):
            if once:
                ends = _ends(home, settings, work.store.positions())
                report = materialise_once(work.materialiser, ends)
            else:
                with pruning(home, settings, outboxes, get_logger("prune").info):
                    report = follow(work.materialiser, work.store, stop_on_signals())
        found = work.detections.total if work.detections is not None else Detection()
        report += StepReport(idle=report.idle, lost=(*work.lost, *work.damaged()))
    if once:
        prune_now(home, settings, outboxes, note)
    return report, found


def _ends(home: Home, settings: Settings, positions: Mapping[str, int]) -> dict[str, int] | None:
    """Return where each stream ends now; None when the brokers do not say."""
    try:
        unread = asked_unread_by_stream(home, settings, positions)
    except LogError:
        return None
    if unread is None:
        return None
    return {stream: positions.get(stream, 0) + count for stream, count in unread.items()}


def _say_alerts(found: Detection) -> None:
    if found.opened or found.updated or found.closed:
        note(
            f"alerts opened: {found.opened}, updated: {found.updated}, closed: {found.closed}; "
            "see 'lineseal alerts'"
        )


def _say(report: StepReport) -> None:
    for warning in report.warnings:
        note(f"warning: {warning}")
    if report.idle:
        note("nothing new in the log")
    else:
        _say_counts(report)
    if report.rejected:
        note("see 'lineseal rejects'")
    if report.opened:
        found = Counter(report.opened.values())
        note("found: " + ", ".join(f"{code}: {number}" for code, number in sorted(found.items())))
        note("see 'lineseal producers'")


def _say_counts(report: StepReport) -> None:
    note(
        f"batches accepted: {report.batches} (events: {report.events}), "
        f"known already: {report.duplicates}, rejected: {report.rejected}"
    )
    for code, number in report.rejects.items():
        note(f"  {code}: {number}")
