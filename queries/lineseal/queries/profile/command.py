"""``lineseal profile``: what a data set looks like, ready to be registered with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from lineseal.commandline.escape import visible
from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, output_options, print_answer
from lineseal.commandline.progress import Progress
from lineseal.queries.profile.measure import SKETCH_SIZE, Measure
from lineseal.queries.profile.overlap import COMPARE_SIZE, estimate
from lineseal.queries.profile.source import (
    FORMATS,
    data_file,
    make_view,
    open_files,
    rejected_rows,
)
from lineseal.schemas.errors import InvalidDocument

_STEPS = 6


@click.command("profile")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--label", metavar="COLUMN", help="Column of the label: its values are counted.")
@click.option("--source", metavar="COLUMN", help="Column of the source: its values are counted.")
@click.option(
    "--ignore",
    "ignored",
    multiple=True,
    metavar="COLUMN",
    help="A column that is no content, such as a row number; may be repeated.",
)
@click.option(
    "--compare",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Estimate how much of this file, such as a holdout, stands in the other.",
)
@click.option("--format", "format_", type=click.Choice(FORMATS), help="Default: by the name.")
@click.option(
    "--memory-limit", metavar="SIZE", default="2GB", show_default=True, help="Memory to use."
)
@output_options
def profile(
    file: Path,
    label: str | None,
    source: str | None,
    ignored: tuple[str, ...],
    compare: Path | None,
    format_: str | None,
    memory_limit: str,
    output: str,
) -> int:
    """Measure a data set in a local CSV, Parquet or JSON file; nothing else is opened.

    Counts rows, missing cells, outliers, near-duplicates, invisible characters, labels and sources,
    and makes a sketch of the rows that shows later which data set holds them. Hand it on with:
    lineseal profile FILE --json > p.json; lineseal emit registration --profile-file p.json ...

    Exit status: 0 measured; 6 lines of the file were no rows and are not counted.
    """
    files = [data_file(path, format_) for path in (file, compare) if path is not None]
    apart = [name for name in (label, source, *ignored) if name is not None]
    warnings: list[str] = []
    with Progress("profiling", _STEPS) as progress, open_files(files, memory_limit) as connection:
        columns = make_view(connection, "data", files[0])
        for name in apart:
            if name not in columns:
                raise InvalidDocument(f"there is no column {visible(name)!r}")
        content = [name for name in columns if name not in apart]
        measure = Measure(connection, "data", content)
        found = _profile(measure, columns, label, source, progress)
        warnings += _rejected(rejected_rows(connection, "data"), file)
        extra: dict[str, Any] = {"profile": found}
        if compare is not None:
            others = make_view(connection, "other", files[1])
            shared = [name for name in others if name in content]
            extra["overlap"] = _overlap(connection, shared)
            warnings += _rejected(rejected_rows(connection, "other"), compare)
        progress.advance(1)
    print_answer(
        Answer(
            query="profile",
            subject=str(file),
            complete=not warnings,
            warnings=warnings,
            rows=_rows(extra),
            extra=extra,
        ),
        output,
        columns=("measure", "value"),
    )
    return Exit.INCOMPLETE if warnings else Exit.OK


def _profile(
    measure: Measure,
    names: Sequence[str],
    label: str | None,
    source: str | None,
    progress: Progress,
) -> dict[str, Any]:
    rows, columns = measure.columns(names)
    progress.advance(1)
    outliers = measure.outliers(columns)
    progress.advance(1)
    exact, near = measure.distinct()
    progress.advance(1)
    label_counts = {} if label is None else measure.counts(label)
    source_counts = {} if source is None else measure.counts(source)
    progress.advance(1)
    sketch = measure.sketch(SKETCH_SIZE, exact)
    progress.advance(1)
    return {
        "rows": rows,
        "missing": sum(column.missing for column in columns),
        "outliers": outliers,
        "near_duplicates": rows - near,
        "suspicious_characters": sum(column.suspicious for column in columns),
        "label_counts": label_counts,
        "source_counts": source_counts,
        "metrics": {"columns": len(names), "duplicates": rows - exact},
        "row_sketch": sketch,
    }


def _overlap(connection: Any, shared: Sequence[str]) -> dict[str, Any]:
    if not shared:
        raise InvalidDocument("the two files have no column in common")
    sketches: list[list[str]] = []
    sizes: list[int] = []
    for view in ("data", "other"):
        measure = Measure(connection, view, shared)
        distinct, _ = measure.distinct()
        sizes.append(distinct)
        sketches.append(measure.sketch(COMPARE_SIZE, distinct))
    found = estimate(sketches[0], sketches[1], COMPARE_SIZE)
    share = None if found.share is None else round(found.share, 6)
    return {
        "share": share,
        "rows": None if found.share is None else round(found.share * sizes[1]),
        "distinct_rows": sizes[1],
        "compared": found.compared,
        "exact": found.exact,
    }


def _rejected(number: int, file: Path) -> list[str]:
    return [f"{number} lines of {file} are no rows and were not counted"] if number else []


def _rows(extra: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what people see: no sketch, one line for each measure."""
    found = extra["profile"]
    rows: list[dict[str, Any]] = []
    for name, value in found.items():
        if name == "row_sketch":
            rows.append({"measure": "row_sketch", "value": f"{len(value)} digests"})
        elif isinstance(value, dict):
            prefix = name.removesuffix("_counts").removesuffix("s")
            one = "" if name == "metrics" else f"{prefix} "
            rows += [{"measure": f"{one}{key}", "value": number} for key, number in value.items()]  # pyright: ignore[reportUnknownVariableType]
        else:
            rows.append({"measure": name, "value": value})
    overlap = extra.get("overlap")
    if overlap is not None:
        rows += [{"measure": f"overlap {key}", "value": value} for key, value in overlap.items()]
    return rows
