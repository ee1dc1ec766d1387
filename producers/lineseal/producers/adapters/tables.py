"""Names the version of a table as its own library tells it: Delta, Iceberg, lakeFS.

``run.reads(versioned(DeltaTable("s3://lake/transactions")))`` records the version that was opened,
so that an answer is about that snapshot and not about whatever was newest. A version is a name and
no digest: who can write the bucket can rewrite it. None of the libraries is imported here.

Sources: the objects of deltalake 1.6, pyiceberg 0.12 and the lakeFS SDK 0.16. A lakeFS commit is
asked of its server, since a branch does not know its own.
"""

from __future__ import annotations

from typing import Any

from lineseal.producers.adapters.origins import named_by
from lineseal.producers.artifacts import ArtifactSpec, artifact, dataset


def versioned(
    table: Any,
    *,
    snapshot: int | None = None,
    path: str | None = None,
    rows: int | None = None,
    role: str | None = None,
) -> ArtifactSpec:
    """Name a table and its version.

    What is no such table, or cannot say its version, becomes a REF that the run refuses and counts:
    nothing is raised into the job.

    Args:
        table: A ``deltalake.DeltaTable``, a ``pyiceberg.table.Table``, a ``lakefs`` reference or
            branch.
        snapshot: The Iceberg snapshot that was scanned; the current one by default.
        path: What is read below a lakeFS reference; by default all of it.
        rows: How many rows were used.
        role: What for, such as ``training``.

    """
    try:
        namespace, name, version, claim = _told(table, snapshot, path)
    except Exception as error:  # noqa: BLE001 - the run refuses it, and says so
        kind = f"{type(table).__module__}.{type(table).__qualname__}"
        return artifact(f"no version of a {kind}: {type(error).__name__}: {error}")
    return dataset(namespace, name, version=version, rows=rows, role=role, reported_digest=claim)


def _told(table: Any, snapshot: int | None, path: str | None) -> tuple[str, str, str, str]:
    library = type(table).__module__.partition(".")[0]
    if library == "deltalake":
        return _delta(table)
    if library == "pyiceberg":
        return _iceberg(table, snapshot)
    if library == "lakefs":
        return _lakefs(table, path)
    raise TypeError("no Delta, Iceberg or lakeFS object")


def _delta(table: Any) -> tuple[str, str, str, str]:
    origin = named_by(str(table.table_uri).rstrip("/"))
    # A table that is dropped and made anew counts from 0 again; only its id differs.
    return origin.namespace, origin.name, str(table.version()), f"delta:{table.metadata().id}"


def _iceberg(table: Any, snapshot: int | None) -> tuple[str, str, str, str]:
    found = table.current_snapshot() if snapshot is None else table.snapshot_by_id(snapshot)
    if found is None:
        raise LookupError("it has no such snapshot")
    name = ".".join(table.name())
    claim = f"iceberg:{table.metadata.table_uuid}"
    return f"iceberg://{table.catalog.name}", name, str(found.snapshot_id), claim


def _lakefs(reference: Any, path: str | None) -> tuple[str, str, str, str]:
    """Resolve a branch or tag to the commit it stands at; what is uncommitted is not seen."""
    commit = str(reference.get_commit().id)
    return f"lakefs://{reference.repo_id}", path or "/", commit, f"lakefs:{commit}"
