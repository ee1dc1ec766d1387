"""The group of commands ``lineseal import``."""

from __future__ import annotations

import click

from lineseal.producers.adapters.importing.access import import_access
from lineseal.producers.adapters.importing.dvc import import_dvc
from lineseal.producers.adapters.importing.openlineage import import_openlineage


@click.group("import")
def import_group() -> None:
    """Import what other systems recorded. Importing twice changes nothing."""


import_group.add_command(import_openlineage)
import_group.add_command(import_dvc)
import_group.add_command(import_access)
