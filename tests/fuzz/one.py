"""Runs one fuzzer in this process: ``python -m tests.fuzz.one TARGET [libFuzzer's options]``."""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
from typing import Any


def main(name: str, options: list[str]) -> None:
    """Fuzz the target *name*; libFuzzer ends the process."""
    atheris: Any = importlib.import_module("atheris")
    # fastavro's compiled reader shows the fuzzer nothing; the same in Python shows it the way.
    with atheris.instrument_imports(include=["lineseal", "fastavro._read_py"]):
        targets = importlib.import_module("tests.fuzz.targets")
        reader = importlib.import_module("fastavro._read_py")
    codec = importlib.import_module("lineseal.schemas.codec")
    columnar: Any = importlib.import_module("lineseal.consumers.columnar.judge")
    columnar.WORTHWHILE = 1
    schema = codec._parsed(codec.EVENT_SCHEMA)
    call = targets.TARGETS[name].call

    def guided(data: bytes) -> None:
        if name == "event":
            _show_the_way(reader, schema, data)
        call(data)

    atheris.Setup([sys.argv[0], *options], guided)
    atheris.Fuzz()


def _show_the_way(reader: Any, schema: Any, data: bytes) -> None:
    with contextlib.suppress(Exception):  # only its branches matter
        reader.schemaless_reader(io.BytesIO(data), schema, None)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
