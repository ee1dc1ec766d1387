"""Runs a private PostgreSQL with the edges of a store, for ``bench/queries.py``.

Its cluster lives in a temporary folder, listens on a socket in it and nowhere else, and is stopped
by its own control program. Started as root it runs as the user ``postgres``, who must exist.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb

_HOPS = {
    "trace": ("output", "input"),
    "impact": ("input", "output"),
}
_CLOSURE = """
WITH RECURSIVE visited(id) AS (
  SELECT id FROM node WHERE reference = '{reference}'
  UNION
  SELECT far.node FROM visited
  JOIN edge near ON near.node = visited.id AND near.direction = '{near}'
  JOIN edge far ON far.run = near.run AND far.direction = '{far}'
) SELECT id FROM visited;
"""
_TIME = re.compile(r"Time: ([0-9.]+) ms")


class Absent(Exception):
    """PostgreSQL cannot be run here; the message says why."""


class Server:
    """One running cluster; leaving the context stops it."""

    def __init__(self, folder: Path, binaries: Path, prefix: list[str]) -> None:
        """Remember where it lives."""
        self._folder = folder
        self._binaries = binaries
        self._prefix = prefix

    def run(self, name: str, *arguments: str, text: str | None = None) -> str:
        """Run one of its programs and return what it printed."""
        done = subprocess.run(
            [*self._prefix, str(self._binaries / name), *arguments],
            input=text,
            check=True,
            capture_output=True,
            text=True,
            cwd=self._folder,
        )
        return done.stdout

    def psql(self, text: str) -> str:
        """Run SQL in one session."""
        where = [
            "-h",
            str(self._folder),
            "-U",
            "postgres",
            "-d",
            "postgres",
            "-v",
            "ON_ERROR_STOP=1",
            "-q",
        ]
        return self.run("psql", *where, "-o", "/dev/null", text=text)

    def load(self, store: Path) -> None:
        """Copy nodes and edges of *store*, and index them both ways."""
        nodes, edges = self._folder / "nodes.csv", self._folder / "edges.csv"
        with duckdb.connect(str(store), read_only=True) as connection:
            connection.execute(
                "COPY (SELECT artifact_version_id, kind || ':' || namespace || '/' || name || '@'"  # noqa: S608
                f" || version FROM artifact_version) TO '{nodes}'"
            )
            for mode, (copy, direction) in enumerate(
                (("run_input", "input"), ("run_output", "output"))
            ):
                part = edges.with_suffix(f".{mode}")
                connection.execute(
                    f"COPY (SELECT run, '{direction}', artifact_version_id FROM {copy})"  # noqa: S608
                    f" TO '{part}' (FORMAT csv, HEADER)"
                )
                part.chmod(0o644)
        nodes.chmod(0o644)
        self.psql(
            "CREATE TABLE node (id bigint, reference text);"
            "CREATE TABLE edge (run bigint, direction text, node bigint);\n"
            f"\\copy node FROM '{nodes}' CSV HEADER\n"
            f"\\copy edge FROM '{edges.with_suffix('.0')}' CSV HEADER\n"
            f"\\copy edge FROM '{edges.with_suffix('.1')}' CSV HEADER\n"
            "CREATE INDEX ON edge (node, direction, run);"
            "CREATE INDEX ON edge (run, direction, node);"
            "CREATE INDEX ON node (reference); VACUUM ANALYZE;"
        )

    def closures(self, verb: str, references: list[str]) -> list[float]:
        """Return the seconds that each closure takes in one warm session."""
        near, far = _HOPS[verb]
        asked = [_CLOSURE.format(reference=ref, near=near, far=far) for ref in references]
        text = asked[0] + "\\timing on\n" + "".join(asked)
        where = ["-h", str(self._folder), "-U", "postgres", "-d", "postgres", "-q", "-At"]
        printed = self.run("psql", *where, text=text)
        return [float(found) / 1000 for found in _TIME.findall(printed)]

    def __enter__(self) -> Self:
        """Return itself, already running."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.run("pg_ctl", "-D", str(self._folder / "data"), "-m", "fast", "stop")


def start(parent: Path) -> Server:
    """Start a cluster under *parent*.

    Raises:
        Absent: The programs or the user to run them as are missing.

    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        raise Absent("no initdb; install the package postgresql")
    binaries = found[-1].parent if found else Path(on_path or "").parent
    folder = parent / "postgres"
    folder.mkdir()
    prefix: list[str] = []
    if os.geteuid() == 0:
        prefix = ["runuser", "-u", "postgres", "--"]
        parent.chmod(0o755)
        try:
            shutil.chown(folder, "postgres")
        except LookupError as error:
            raise Absent("root must not run it, and there is no user postgres") from error
    server = Server(folder, binaries, prefix)
    data = str(folder / "data")
    server.run("initdb", "-D", data, "-A", "trust", "-U", "postgres")
    options = f"-c listen_addresses='' -k {folder} -c shared_buffers=512MB -c work_mem=256MB"
    log = str(folder / "server.log")
    server.run("pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start")
    return server
