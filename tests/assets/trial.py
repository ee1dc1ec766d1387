"""Gives hostile assets to a real materialiser in this process: ``python -m tests.assets.trial``.

The first argument says how events are decoded (``columns`` or ``reference``). For each defect one
line of JSON on stdout: what became of each asset, whether an honest batch behind them was stored,
and how much memory the whole took beyond what the process had. A line that is not there means that
the process died over that defect. The address space is limited, so that a bomb ends this process
and not the machine.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from itertools import groupby
from pathlib import Path
from typing import Any

from lineseal.consumers.columnar import judge, libraries
from lineseal.consumers.materialise import Materialiser
from lineseal.schemas.model import RunEvent, RunState
from tests.assets.generate import assets
from tests.assets.kit import DEPLOYMENT, MALLORY, SIGNER, Asset
from tests.simulator import MemoryReader, Pipeline, Producer

COLUMNS, REFERENCE = "columns", "reference"
_HEADROOM = 1 << 30
"""Address space beyond that of the warm process, bytes; libraries map far more than they use."""
_WARM_EVENTS = 200


def main(way: str) -> None:
    """Try every asset on one of the two ways."""
    if way == REFERENCE:
        libraries.avro = None
    elif libraries.avro is None:
        raise SystemExit("pyruhvro is not installed: there is nothing to compare")
    judge.WORTHWHILE = 1
    with tempfile.TemporaryDirectory() as folder:
        _try_all(Pipeline(Path(folder), deployment=DEPLOYMENT))


def _try_all(pipeline: Pipeline) -> None:
    pipeline.enrol(SIGNER, MALLORY)
    honest = pipeline.producer("honest")
    with pipeline.open_store() as store:
        reader = MemoryReader(pipeline.log)
        clock, deployment = pipeline.clock, pipeline.deployment
        materialiser = Materialiser(store, reader, pipeline.keyring, deployment, clock)

        def step() -> None:
            while not materialiser.step().idle:
                pass

        def ask(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
            return store.connection.execute(sql, list(parameters)).fetchall()

        honest.send(*(_event(honest, f"warm-{n}") for n in range(_WARM_EVENTS)))
        step()
        most = status("VmSize") + _HEADROOM
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        for defect, group in groupby(sorted(assets(), key=_defect), key=_defect):
            members = list(group)
            start = len(pipeline.log.entries)
            for asset in members:
                pipeline.log.append(MALLORY, asset.value)
            honest.send(_event(honest, f"after {defect}"))
            before, began = forget_peak(), time.monotonic()
            step()
            said = {
                "defect": defect,
                "bytes": status("VmHWM") - before,
                "seconds": round(time.monotonic() - began, 3),
                "followed": ask("SELECT count(*) FROM event WHERE run_id = ?", f"after {defect}"),
                "verdicts": _verdicts(ask, members, start),
            }
            sys.stdout.write(json.dumps(said) + "\n")
            sys.stdout.flush()


def _verdicts(ask: Any, members: list[Asset], start: int) -> dict[str, Any]:
    """Return for each asset its errors, each with its place in the batch, and what was stored."""
    verdicts: dict[str, Any] = {}
    for number, asset in enumerate(members, start):
        errors = ask(
            "SELECT code, event_index, detail FROM reject WHERE position = ? ORDER BY ALL", number
        )
        stored = ask(
            "SELECT count(*) FROM event JOIN batch USING (producer, epoch, batch_seq)"
            " WHERE batch.position = ?",
            number,
        )
        verdicts[asset.name] = {"errors": errors, "stored": stored[0][0]}
    return verdicts


def _event(honest: Producer, run: str) -> Any:
    return honest.event(RunEvent(state=RunState.RUNNING), run_id=run)


def _defect(asset: Asset) -> str:
    return asset.defect


def forget_peak() -> int:
    """Forget the highest memory use so far; return the use of now, bytes."""
    Path("/proc/self/clear_refs").write_text("5")
    return status("VmRSS")


def status(name: str) -> int:
    """Return one of the sizes in ``/proc/self/status``, bytes."""
    text = Path(f"/proc/{os.getpid()}/status").read_text("ascii")
    return int(text.partition(f"{name}:")[2].split()[0]) * 1024


if __name__ == "__main__":
    main(sys.argv[1])
