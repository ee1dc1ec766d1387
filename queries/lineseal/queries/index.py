"""Renders ``queries/README.md``: every SQL file with its question, from the heads.

Run ``python -m lineseal.queries.index`` to print it; a test compares.
"""

from __future__ import annotations

from itertools import groupby

import click

from lineseal.queries.catalog import Field, Query, load_catalog

_INTRODUCTION = """\
# Queries

Every question to the store is one SQL file under `lineseal/queries/sql/`, in the folder of its
kind. The head of a file says what it takes and returns; `lineseal.queries.catalog` loads them and
refuses a head that is wrong. Adding a question is adding a file.

Rendered from the heads by `python -m lineseal.queries.index`; a test compares.
"""


def render_index() -> str:
    """Return the text of the index."""
    queries = sorted(load_catalog().values(), key=lambda query: (query.kind, query.name))
    parts = [_INTRODUCTION]
    for kind, group in groupby(queries, key=lambda query: query.kind):
        parts.append(f"\n## {kind}\n")
        parts += [_section(query) for query in group]
    return "".join(parts)


def _section(query: Query) -> str:
    return (
        f"\n### [{query.name}](lineseal/queries/sql/{query.kind}/{query.name}.sql)\n\n"
        f"{query.title}\n\n"
        f"- takes: {_names(query.params)}\n"
        f"- returns: {_names(query.returns)}\n"
        f"- reads: {', '.join(f'`{table}`' for table in query.reads)}\n"
        f"- order: {query.order}\n\n"
        f"{query.why}\n"
    )


def _names(fields: tuple[Field, ...]) -> str:
    return ", ".join(f"`{field.name}`" for field in fields) or "nothing"


if __name__ == "__main__":
    click.echo(render_index(), nl=False)
