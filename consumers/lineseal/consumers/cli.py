"""The command ``lineseal materialise``: the log into the store, once or for good."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, note, to_json
from lineseal.consumers.follow import counts, follow, materialise_once, stop_on_signals
from lineseal.consumers.keyring_source import KeyringSource
from lineseal.consumers.logs import configure_logs, get_logger
from lineseal.consumers.materialise import LOG_IDENTITY, Materialiser
from lineseal.consumers.publisher_source import open_publisher
from lineseal.consumers.report import StepReport
from lineseal.consumers.store import Store
from lineseal.schemas.errors import ConfigurationError
from lineseal.settings import Home, Settings, find_home, load_settings
from lineseal.transport.base import LogReader
from lineseal.transport.embedded import EmbeddedLogReader
from lineseal.transport.open import open_reader

_OWNER_ONLY = 0o077


@click.command()
@click.option(
    "--once/--follow",
    "once",
    default=True,
    show_default=True,
    help="Deal with what is in the log now, or go on until stopped.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON on stdout.")
def materialise(once: bool, as_json: bool) -> int:
    """Verify what is in the log and materialise it into the store.

    What cannot be verified is kept with its bytes and a reason: see 'lineseal rejects'.
    Exit status: 0 when everything was accepted, 1 when something was rejected in this run, or a
    file of the log is damaged or gone.
    """
    home = find_home()
    settings = load_settings(home)
    os.umask(_OWNER_ONLY)  # DuckDB makes its write-ahead log whenever it needs one
    configure_logs(as_json=not once and not sys.stderr.isatty())
    report = _run(home, settings, once=once)
    if as_json:
        warnings = [*report.warnings, *report.lost]
        answer = Answer(query="materialise", warnings=warnings, rows=[counts(report)])
        click.echo(to_json(answer.to_dict()))
    if once:
        _say(report)
    return Exit.FINDING if report.is_finding else Exit.OK


def _run(home: Home, settings: Settings, *, once: bool) -> StepReport:
    deployment = settings.deployment.name
    if not deployment:
        raise ConfigurationError(f"{home.config} names no deployment; set [deployment] name")
    keyring = KeyringSource(
        home.keyring,
        roots=settings.deployment.roots,
        threshold=settings.deployment.threshold,
    )
    store = Store(
        home.resolve(settings.store.path),
        deployment=deployment,
        memory_limit=settings.store.memory_limit,
    )
    with store:
        reader = open_reader(settings.log.url, home, identity=store.fact(LOG_IDENTITY))
        with contextlib.closing(reader):
            lost = _say_gone(reader, store.positions())
            materialiser = Materialiser(store, reader, keyring, deployment)
            with open_publisher(home, settings, store) as publisher:
                materialiser.after_step.append(publisher.after_step)
                if once:
                    report = materialise_once(materialiser)
                else:
                    report = follow(materialiser, store, stop_on_signals())
            return report + StepReport(idle=report.idle, lost=(*lost, *_damaged(reader)))


def _say_gone(reader: LogReader, positions: Mapping[str, int]) -> list[str]:
    """Warn of files that were read before and are gone: whatever was not read yet is lost."""
    if not isinstance(reader, EmbeddedLogReader):
        return []
    lost = [
        f"the log has no file {stream} any more, which was read up to position {positions[stream]};"
        " what it held behind that cannot be read: put it back, or find out who removed it"
        for stream in reader.gone(positions)
    ]
    for sentence in lost:
        get_logger().warning(sentence)
    return lost


def _damaged(reader: LogReader) -> list[str]:
    """Return what the reader has warned of already."""
    if not isinstance(reader, EmbeddedLogReader):
        return []
    return [str(error) for error in reader.damaged.values()]


def _say(report: StepReport) -> None:
    for warning in report.warnings:
        note(f"warning: {warning}")
    if report.idle:
        note("nothing new in the log")
        return
    note(
        f"batches accepted: {report.batches} (events: {report.events}), "
        f"known already: {report.duplicates}, rejected: {report.rejected}"
    )
    for code, number in report.rejects.items():
        note(f"  {code}: {number}")
    if report.rejected:
        note("see 'lineseal rejects'")
