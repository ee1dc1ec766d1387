"""``lineseal gateway``: receive OpenLineage events; say who may send; show what was received."""

from __future__ import annotations

import dataclasses
import sys
import threading
import time
from typing import Any

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, note, output_options, print_answer
from lineseal.producers.adapters.gateway.console import PlainLog
from lineseal.producers.adapters.gateway.tokens import TokenBook
from lineseal.producers.adapters.gateway.topic import POLL_SECONDS, TopicIntake, follow
from lineseal.producers.adapters.reception import open_ledger
from lineseal.schemas.errors import MissingExtra, NotFound
from lineseal.services.stopping import stop_on_signals
from lineseal.settings import Settings, find_home, load_settings
from lineseal.signing.times import format_time

_DIGEST_CHARACTERS = 71
_SAY_SECONDS = 2.0
DEFAULT_LISTEN = "127.0.0.1:5000"
"""Marquez's own port, so that OPENLINEAGE_URL need not change."""


@click.group(invoke_without_command=True)
@click.option(
    "--listen", metavar="HOST:PORT", help=f"Default: [gateway] listen, else {DEFAULT_LISTEN}."
)
@click.pass_context
def gateway(context: click.Context, listen: str | None) -> int:
    """Receive OpenLineage events over HTTP until SIGTERM or SIGINT; also a part of 'lineseal up'.

    Point a client at it with OPENLINEAGE_URL and OPENLINEAGE_API_KEY, the token that 'lineseal
    gateway allow NAME' prints. Each event is kept byte for byte, mapped, and sealed under the
    gateway's own key with origin 'gateway'; the client is answered once that is on disk.
    """
    if context.invoked_subcommand is not None:
        return Exit.OK
    try:
        from lineseal.producers.adapters.gateway.server import GatewayServer  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise MissingExtra("the gateway needs: pip install 'lineseal[gateway]'") from error
    home = find_home()
    settings = load_settings(home)
    address = listen or settings.gateway.listen or DEFAULT_LISTEN
    stop = stop_on_signals()
    with GatewayServer(home, _listening(settings, address), PlainLog()) as server:
        host = address.rpartition(":")[0]
        scheme = "https" if settings.gateway.cert_file else "http"
        note(f"listening at {scheme}://{host}:{server.port}; stop with Ctrl-C")
        stop.wait()
    return Exit.OK


@gateway.command("follow")
@click.argument("url", required=False, metavar="[kafka://HOST:PORT/TOPIC]")
@click.option("--once", is_flag=True, help="Stop at the end of the topic.")
@output_options
def follow_topic(url: str | None, output: str, *, once: bool) -> int:
    """Read OpenLineage events from a topic of Kafka until SIGTERM or SIGINT.

    The topic that the client's Kafka transport writes to; by default [gateway] topic, which
    'lineseal up' reads by itself. Each event is taken once, however often it is read; where to
    read on is kept in the home. What is no event goes to the rejects.

    Exit status: 0 everything is recorded; 1 some events were refused; 5 Kafka cannot be reached.
    """
    home = find_home()
    settings = load_settings(home)
    if url is not None:
        settings = dataclasses.replace(
            settings, gateway=dataclasses.replace(settings.gateway, topic=url)
        )
    stop = stop_on_signals()
    with TopicIntake(home, settings, PlainLog()) as intake:
        if once:
            _read_to_end(intake, stop)
        else:
            note("reading the topic; stop with Ctrl-C")
            follow(intake, stop, PlainLog())
    print_answer(Answer(query="gateway follow", rows=[dict(intake.counts)]), output)
    return Exit.FINDING if intake.counts["refused"] else Exit.OK


@gateway.command()
@click.argument("name")
@click.option(
    "--namespace",
    "namespaces",
    multiple=True,
    required=True,
    metavar="PATTERN",
    help="Namespace of jobs it may speak for, such as airflow-*; may be repeated; '*' is any.",
)
@click.option(
    "--writes",
    multiple=True,
    metavar="PATTERN",
    help="namespace/name its runs may write, such as s3://lake/*; may be repeated; default: any.",
)
def allow(name: str, namespaces: tuple[str, ...], writes: tuple[str, ...]) -> int:
    """Make a token for the client NAME and print it; only its hash is kept.

    What the client sends is recorded as said by NAME. A run belongs to the first token that speaks
    of it: no other one may add to it.
    """
    home = find_home()
    settings = load_settings(home)
    text = _book(settings).add(name, namespaces, writes or ("*",))
    click.echo(text)
    note(f"{name} may send: set OPENLINEAGE_API_KEY to the token; it is not shown again")
    return Exit.OK


@gateway.command()
@click.argument("name")
def revoke(name: str) -> int:
    """Remove the token of the client NAME; a running gateway notices within a second."""
    if not _book(load_settings(find_home())).remove(name):
        raise NotFound(f"{name!r} has no token; 'lineseal gateway tokens' lists them")
    note(f"{name} may not send any more")
    return Exit.OK


@gateway.command()
@output_options
def tokens(output: str) -> int:
    """List who may send, and what about."""
    rows: list[dict[str, Any]] = [
        {
            "name": token.name,
            "namespaces": list(token.namespaces),
            "writes": list(token.writes),
            "created_at": format_time(token.created_at),
        }
        for token in _book(load_settings(find_home())).all()
    ]
    print_answer(Answer(query="gateway tokens", rows=rows), output)
    return Exit.OK


@gateway.command()
@click.argument("digest")
def document(digest: str) -> int:
    """Print a received or imported event byte for byte, by the digest that was sealed with it.

    Events name it as the parameter openlineage.document.
    """
    if len(digest) != _DIGEST_CHARACTERS or not digest.startswith("sha256:"):
        raise click.BadParameter("write sha256: and 64 hex characters")
    home = find_home()
    with open_ledger(home, load_settings(home)) as ledger:
        try:
            text = ledger.read(digest)
        except ValueError as error:
            raise click.BadParameter("write sha256: and 64 hex characters") from error
    if text is None:
        raise NotFound(f"no document {digest} is kept here")
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()
    return Exit.OK


def _read_to_end(intake: TopicIntake, stop: threading.Event) -> None:
    shown, said = 0, time.monotonic()
    while not stop.is_set() and (count := intake.step(POLL_SECONDS)):
        shown += count
        if time.monotonic() - said > _SAY_SECONDS:
            said = time.monotonic()
            note(f"{shown} records so far")


def _book(settings: Settings) -> TokenBook:
    return TokenBook(find_home().resolve(settings.gateway.tokens_file))


def _listening(settings: Settings, address: str) -> Settings:
    return dataclasses.replace(
        settings, gateway=dataclasses.replace(settings.gateway, listen=address)
    )
