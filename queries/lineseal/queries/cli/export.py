"""``lineseal export openlineage``: the runs of this store for Marquez, DataHub and others."""

from __future__ import annotations

from pathlib import Path

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import note, to_json
from lineseal.queries.cli.common import home_store
from lineseal.queries.export.answer import openlineage_events
from lineseal.queries.times import parse_time


@click.group()
def export() -> None:
    """Write what the store has in the form of another system."""


@export.command("openlineage")
@click.option("--since", metavar="TIME", help="Event time, included.")
@click.option("--until", metavar="TIME", help="Event time, included.")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write there instead of to stdout.",
)
def export_openlineage(since: str | None, until: str | None, out: Path | None) -> int:
    """Export runs, checks and registrations as OpenLineage events, one per line.

    They are valid under OpenLineage 2-0-2 and can be sent to any of its receivers. Digests,
    signatures and what proves them travel in the facet 'lineseal'. Approvals, overrides and the
    like have no place in OpenLineage and stay here.
    """
    count = 0
    with home_store() as connection:
        events = openlineage_events(connection, since=parse_time(since), until=parse_time(until))
        if out is None:
            for event in events:
                click.echo(to_json(event, indent=None))
                count += 1
        else:
            with out.open("w", encoding="ascii") as file:
                for event in events:
                    file.write(to_json(event, indent=None) + "\n")
                    count += 1
    note(f"exported {count} {'event' if count == 1 else 'events'}")
    return Exit.OK
