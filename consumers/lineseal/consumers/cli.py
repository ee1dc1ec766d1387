"""The command ``lineseal materialise``: the log into the store, once or for good."""

from __future__ import annotations

import contextlib
import os
import sys

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, note, to_json
from lineseal.consumers.follow import counts, follow, materialise_once, stop_on_signals
from lineseal.consumers.keyring_source import KeyringSource
from lineseal.consumers.logs import configure_logs
from lineseal.consumers.materialise import LOG_IDENTITY, Materialiser
from lineseal.consumers.report import StepReport
from lineseal.consumers.store import Store
from lineseal.schemas.errors import ConfigurationError
from lineseal.settings import Home, Settings, find_home, load_settings
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
    Exit status: 0 when everything was accepted, 1 when something was rejected in this run.
    """
    home = find_home()
    settings = load_settings(home)
    os.umask(_OWNER_ONLY)  # DuckDB makes its write-ahead log whenever it needs one
    configure_logs(as_json=not once and not sys.stderr.isatty())
    report = _run(home, settings, once=once)
    if as_json:
        answer = Answer(query="materialise", warnings=report.warnings, rows=[counts(report)])
        click.echo(to_json(answer.to_dict()))
    if once:
        _say(report)
    return Exit.FINDING if report.rejected else Exit.OK


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
            materialiser = Materialiser(store, reader, keyring, deployment)
            if once:
                return materialise_once(materialiser)
            return follow(materialiser, store, stop_on_signals())


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
