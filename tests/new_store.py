"""New stores for tests: made once for each deployment, then copied.

DuckDB takes longer to make the tables than most tests take to fill them. How a store is made is
the promise of ``tests/unit/consumers/test_store.py``, which makes each of its own.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from lineseal.consumers.store import Store


def put_new_store(path: Path, deployment: str) -> None:
    """Put at *path* what ``Store`` would make there: a store that nothing was written to."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(_new_store(deployment))


@cache
def _new_store(deployment: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.duckdb"
        with Store(path, deployment=deployment):
            pass
        assert [file.name for file in Path(folder).iterdir()] == [path.name]
        return path.read_bytes()
