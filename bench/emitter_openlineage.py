"""The OpenLineage side of ``emitter.py``: the same facts through the client's file transport.

Runs in an environment of its own, with ``openlineage-python`` and nothing of ours; ``facts`` is
shared with the other side. Prints its measurements as JSON.
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

THREADS = 4


def facts(count: int) -> list[dict[str, Any]]:
    """Make *count* facts about training runs; digests, versions and run ids are all different."""
    return [
        {
            "run_id": str(uuid.UUID(int=number, version=4)),
            "reads": [artifact(f"transactions-{number % 7}", number), artifact("partner", -number)],
            "writes": [artifact("fraud", number + 1)],
            "parameters": [(f"p{n}", str((number + n) / 8)) for n in range(4)],
            "metrics": [(f"m{n}", 1 / (number + n + 1)) for n in range(3)],
        }
        for number in range(count)
    ]


def artifact(name: str, number: int) -> dict[str, Any]:
    """Make one artifact of its own version, digest and size."""
    digest = f"sha256:{hashlib.sha256(f'{name} {number}'.encode()).hexdigest()}"
    return {
        "name": name,
        "version": str(number),
        "digest": digest,
        "rows": 1000 + number,
        "size": 123_456 + number,
    }


def main() -> None:
    """Emit in one way, and print how long it took."""
    from openlineage.client import OpenLineageClient
    from openlineage.client.transport.file import FileConfig, FileTransport

    way, count, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    config = FileConfig(log_file_path=str(folder / f"{way}.ndjson"), append=True)
    client = OpenLineageClient(transport=FileTransport(config))
    events = [to_event(fact) for fact in facts(count)]
    client.emit(events[0])
    times: list[float] = []
    started = time.perf_counter()
    if way == "threads":
        shares = [events[n::THREADS] for n in range(THREADS)]
        threads = [threading.Thread(target=emit_all, args=(client, s, [])) for s in shares]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    else:
        emit_all(client, events, times)
    print(json.dumps({"seconds": time.perf_counter() - started, "times": times}))


def emit_all(client: Any, events: list[Any], times: list[float]) -> None:
    """Emit *events*, and note how long each took."""
    for event in events:
        before = time.perf_counter()
        client.emit(event)
        times.append(time.perf_counter() - before)


def to_event(fact: dict[str, Any]) -> Any:
    """Say a fact as OpenLineage does, with the fewest facets that hold it.

    There is no facet for digests: they are a part of the version.
    """
    from openlineage.client import event_v2
    from openlineage.client.generated.dataset_version_dataset import DatasetVersionDatasetFacet
    from openlineage.client.generated.execution_parameters_run import (
        ExecutionParameter,
        ExecutionParametersRunFacet,
    )
    from openlineage.client.generated.input_statistics_input_dataset import (
        InputStatisticsInputDatasetFacet,
    )
    from openlineage.client.generated.output_statistics_output_dataset import (
        OutputStatisticsOutputDatasetFacet,
    )

    def version(one: dict[str, Any]) -> dict[str, Any]:
        full = f"{one['version']}@{one['digest']}"
        return {"version": DatasetVersionDatasetFacet(datasetVersion=full)}

    inputs = [
        event_v2.InputDataset(
            "lake",
            one["name"],
            facets=version(one),
            inputFacets={
                "s": InputStatisticsInputDatasetFacet(rowCount=one["rows"], size=one["size"])
            },
        )
        for one in fact["reads"]
    ]
    outputs = [
        event_v2.OutputDataset(
            "lake",
            one["name"],
            facets=version(one),
            outputFacets={
                "s": OutputStatisticsOutputDatasetFacet(rowCount=one["rows"], size=one["size"])
            },
        )
        for one in fact["writes"]
    ]
    pairs = [*fact["parameters"], *fact["metrics"]]
    parameters = [ExecutionParameter(key=k, name=k, value=str(v)) for k, v in pairs]
    return event_v2.RunEvent(
        eventType=event_v2.RunState.COMPLETE,
        eventTime="2026-01-01T00:00:00.000000+00:00",
        run=event_v2.Run(
            fact["run_id"], facets={"p": ExecutionParametersRunFacet(parameters=parameters)}
        ),
        job=event_v2.Job("fraud", "train"),
        inputs=inputs,
        outputs=outputs,
        producer="https://example.org/bench",
    )


if __name__ == "__main__":
    main()
