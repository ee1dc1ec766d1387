"""A process that materialises a frozen log, made to be killed or starved of disk.

Usage: ``python -m tests.integration.materialise_child FOLDER LIMIT FILE_SIZE_LIMIT``, or call
``run_child`` in a process of its own. FOLDER holds what ``freeze`` wrote. No file can grow over
FILE_SIZE_LIMIT bytes until the store failed once: what a full disk does, without needing one.
"""

from __future__ import annotations

import pickle
import resource
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from tests.simulator import MemoryReader, Pipeline

from lineseal.consumers.materialise import Materialiser
from lineseal.schemas.errors import StoreError

FROZEN = "frozen.pickle"


def freeze(pipeline: Pipeline) -> None:
    """Write the log and the keys of a pipeline into its folder for a child."""
    (pipeline.folder / FROZEN).write_bytes(pickle.dumps((pipeline.log, pipeline.entries)))


def thaw(folder: Path) -> Pipeline:
    """Read back what ``freeze`` wrote."""
    pipeline = Pipeline(folder)
    pipeline.log, pipeline.entries = pickle.loads((folder / FROZEN).read_bytes())  # noqa: S301
    return pipeline


def run_child(
    folder: Path, limit: int, file_size_limit: int | None, progress: Connection | None
) -> None:
    """Materialise everything, *limit* records in a step.

    Args:
        folder: Where ``freeze`` wrote.
        limit: Records in a step.
        file_size_limit: Bytes a file may have until the first failure, or None.
        progress: Told how many records were committed: 0 at the start, then after each step.

    """
    pipeline = thaw(folder)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    done = 0
    with pipeline.open_store() as store:
        materialiser = Materialiser(
            store, MemoryReader(pipeline.log), pipeline.keyring, pipeline.deployment, pipeline.clock
        )
        if file_size_limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_size_limit, hard))
        while True:
            if progress is not None:
                progress.send(done)
            try:
                report = materialiser.step(limit)
            except StoreError as error:
                sys.stdout.write(f"{error.code}\n")
                resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
                continue
            if report.idle:
                return
            done += report.records


if __name__ == "__main__":
    run_child(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), None)
