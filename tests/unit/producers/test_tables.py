"""The version of a table is what its own library says; lakeFS by its documented object model.

Evidence: real Delta and Iceberg tables on disk. No lakeFS server runs here: objects with the
attributes of the SDK 0.16 stand in for it.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from lineseal.producers import Emitter
from lineseal.producers.adapters.tables import versioned
from lineseal.producers.artifacts import use_without_hashing
from lineseal.schemas.errors import InvalidReference
from lineseal.schemas.model import ArtifactUse
from lineseal.settings import Home

from .world import told_by

ROWS: Any = pa.table({"amount": [1, 2]})
library = importlib.import_module


def named(table: Any, **more: Any) -> ArtifactUse:
    """Return what a run would record."""
    return use_without_hashing(versioned(table, **more))


def test_a_delta_table_is_the_version_that_was_opened(tmp_path: Path) -> None:
    """Not the newest one; a table that was made anew has another id."""
    delta: Any = library("deltalake")
    path = tmp_path / "transactions"
    delta.write_deltalake(path, ROWS)
    opened = delta.DeltaTable(path)
    delta.write_deltalake(path, ROWS, mode="append")

    old, new = named(opened), named(delta.DeltaTable(path), rows=4, role="training")

    assert (old.artifact.version, new.artifact.version) == ("0", "1")
    assert (old.artifact.namespace, old.artifact.name) == ("file", str(path))
    assert old.reported_digest == new.reported_digest == f"delta:{opened.metadata().id}"
    assert (new.rows, new.role) == (4, "training")


def test_an_iceberg_table_is_its_snapshot(tmp_path: Path) -> None:
    """The current one, or the one that was scanned; a table without data has none."""
    sql: Any = library("pyiceberg.catalog.sql")
    catalog = sql.SqlCatalog(
        "lake", uri=f"sqlite:///{tmp_path}/c.db", warehouse=f"file://{tmp_path}"
    )
    catalog.create_namespace("shop")
    table = catalog.create_table("shop.transactions", schema=ROWS.schema)
    with pytest.raises(InvalidReference):
        named(table)
    table.append(ROWS)
    first = table.current_snapshot().snapshot_id
    table.append(ROWS)

    current, scanned = named(table), named(table, snapshot=first)

    assert scanned.artifact.version == str(first) != current.artifact.version
    assert current.artifact.version == str(table.current_snapshot().snapshot_id)
    assert (current.artifact.namespace, current.artifact.name) == (
        "iceberg://lake",
        "shop.transactions",
    )
    catalog.engine.dispose()


def test_a_branch_of_lakefs_is_the_commit_it_stands_at() -> None:
    """Whatever the branch will mean tomorrow."""
    branch: Any = type("Branch", (SimpleNamespace,), {"__module__": "lakefs.branch"})
    main = branch(repo_id="shop", get_commit=lambda: SimpleNamespace(id="c0ffee"))

    use = named(main, path="tx.parquet")

    assert (use.artifact.namespace, use.artifact.name) == ("lakefs://shop", "tx.parquet")
    assert use.artifact.version == "c0ffee"


def test_what_is_no_table_is_refused_by_the_run_and_not_raised(
    home: Home, emitter: Emitter
) -> None:
    """One lost fact, with a warning that names the class."""
    with emitter.run("fraud/train") as run:
        run.reads(versioned({"no": "table"}))

    assert [one.body["state"] for one in told_by(emitter, home)] == ["START", "COMPLETE"]
    assert emitter.stats.dropped == 1
