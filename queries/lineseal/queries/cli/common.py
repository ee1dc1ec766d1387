"""What the asking commands share: where the store is, and which moment is asked about."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import duckdb

from lineseal.queries.database import open_store
from lineseal.settings import find_home, load_settings


def store_of_home() -> tuple[Path, str]:
    """Return the path of the store and the memory DuckDB may use, from home and settings.

    Raises:
        HomeNotFound, ConfigurationError: There is no home, or its settings are wrong.

    """
    home = find_home()
    settings = load_settings(home)
    return home.resolve(settings.store.path), settings.store.memory_limit


@contextmanager
def home_store() -> Generator[duckdb.DuckDBPyConnection]:
    """Open the store of this home to be read; errors as for ``open_store``."""
    path, memory_limit = store_of_home()
    with open_store(path, memory_limit=memory_limit) as connection:
        yield connection


def moment_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--as-of``, ``--known-at`` and ``--max-depth``."""
    command = click.option(
        "--max-depth",
        type=click.IntRange(min=0),
        metavar="N",
        help="Walk at most N hops; an answer that is cut short says so.",
    )(command)
    command = click.option(
        "--known-at",
        metavar="TIME",
        help="Answer with what had been ingested by TIME, included.",
    )(command)
    return click.option(
        "--as-of",
        metavar="TIME",
        help="Look at what had happened by TIME, included: 2026-11-03T14:00:00Z, or 2026-11-03 "
        "for the first moment of that day in UTC. Without it nothing is left out.",
    )(command)
