"""The command ``lineseal up``: every service of this installation in one supervised process.

SIGTERM or SIGINT stops it in order, in less than ten seconds; a second one ends it at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, output_options, print_answer
from lineseal.consumers.gauges import observe_everything
from lineseal.consumers.logs import configure_logs, get_logger
from lineseal.consumers.telemetry import configure_telemetry
from lineseal.schemas.errors import MissingExtra
from lineseal.services import FoundService, Service, Supervisor, find_services
from lineseal.services.stopping import stop_on_signals
from lineseal.settings import find_home, load_settings

STOP_SECONDS = 8.0
"""How long services may take to stop; what is left of ten seconds flushes metrics."""
_OWNER_ONLY = 0o077
_LOOK_SECONDS = 0.2


@click.command()
@click.option("--only", metavar="NAME", multiple=True, help="Run this service; may be repeated.")
@click.option("--list", "listing", is_flag=True, help="List the services and run none.")
@output_options
def up(only: tuple[str, ...], listing: bool, output: str) -> int:
    """Run every service of this installation until SIGTERM or SIGINT; a second one ends it at once.

    A service that fails is reported and started again after a pause. Logs are JSON on stderr, plain
    lines on a terminal. 'curl --unix-socket .lineseal/run/api.sock http://lineseal/ready' tells
    whether all are ready.

    Exit status: 0 stopped in order; 2 the configuration cannot work; 70 a service did not stop.
    """
    found = find_services()
    if listing:
        rows = [{"name": each.name, "summary": each.summary} for each in found]
        print_answer(Answer(query="up --list", rows=rows), output)
        return Exit.OK
    services = _chosen(found, only)
    home = find_home()
    settings = load_settings(home)
    os.umask(_OWNER_ONLY)
    configure_logs(as_json=not sys.stderr.isatty(), libraries=True)
    log = get_logger("up")
    flush = configure_telemetry(settings, "lineseal")
    stop = stop_on_signals()
    supervisor = Supervisor(services, home=home, settings=settings, log_for=get_logger, stop=stop)
    observe_everything(supervisor, home, settings)
    log.info("starting", services=sorted(services), metrics=flush is not None)
    supervisor.start()
    while not stop.wait(_LOOK_SECONDS):
        if supervisor.is_over:
            break
    return _end(supervisor, flush)


def _end(supervisor: Supervisor, flush: Callable[[], None] | None) -> int:
    log = get_logger("up")
    log.info("stopping")
    left = supervisor.stop(STOP_SECONDS)
    if flush is not None:
        flush()
    if left:
        log.error("services did not stop in time", services=left)
        sys.stderr.flush()
        # Their threads cannot be ended, and would run on while the interpreter is taken down.
        os._exit(Exit.CRASH)
    if supervisor.fatal is not None:
        raise supervisor.fatal
    log.info("stopped")
    return Exit.OK


def _chosen(found: Iterable[FoundService], only: tuple[str, ...]) -> dict[str, Service]:
    services = {each.name: each.service for each in found if each.service is not None}
    if not only:
        return services
    missing = {each.name: each.summary for each in found if each.service is None}
    for name in only:
        if name in missing:
            raise MissingExtra(f"the service {name!r} {missing[name]}")
        if name not in services:
            known = ", ".join(sorted(services))
            raise click.BadParameter(f"there is no service {name!r}; there are {known}")
    return {name: services[name] for name in only}
