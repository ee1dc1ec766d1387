"""A job that speaks OpenLineage seals in its own process, by an environment variable.

What is promised: origin ``emitter``, under the job's own key, mapped as the gateway maps; the
document is kept; forks emit; nothing is raised into the job whatever is missing. Source:
docs/openlineage.md.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.openlineage.gateway import lineseal, stored

CLASS = "lineseal.producers.adapters.openlineage.transport.LinesealTransport"
JOB = """
import os, sys
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import *
client = OpenLineageClient()
def emit(number, state):
    client.emit(RunEvent(
        eventType=state, eventTime="2026-01-01T10:00:00Z",
        run=Run("0190b0a0-0000-7000-8000-00000000000" + number), job=Job("ns", "job"),
        inputs=[InputDataset("s3://lake", "a")], outputs=[OutputDataset("s3://lake", "b")],
    ))
emit("1", RunState.START)
child = os.fork()
if child == 0:
    emit("2", RunState.COMPLETE)
    client.close()
    os._exit(0)
os.waitpid(child, 0)
emit("1", RunState.COMPLETE)
client.close()
print("the job ends")
"""


def job(folder: Path, **environment: str) -> str:
    """Run the job in a folder; return what it says and what is logged."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith("LINESEAL_")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", JOB],
        cwd=folder,
        env={**variables, "OPENLINEAGE__TRANSPORT__TYPE": CLASS, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "the job ends\n"
    return done.stderr


def test_a_job_seals_its_own_events(tmp_path: Path) -> None:
    """In the process and in a fork of it; each document is kept."""
    home = tmp_path / ".lineseal"
    lineseal(home, "init", "--producer", "jobs")

    said = job(tmp_path)

    rows = stored(
        home,
        "SELECT right(run_id, 1) AS run, state, origin, producer, p.value AS document"
        " FROM (SELECT *, unnest(parameters) AS p FROM run_event)"
        " WHERE p.key = 'openlineage.document' ORDER BY run, state",
    )
    assert [(row["run"], row["state"]) for row in rows] == [
        ("1", "COMPLETE"), ("1", "START"), ("2", "COMPLETE"),
    ]  # fmt: skip
    assert {(row["origin"], row["producer"]) for row in rows} == {("emitter", "jobs")}
    assert '"inputs"' in lineseal(home, "gateway", "document", rows[0]["document"])
    assert "dropped" not in said


def test_without_a_home_the_job_goes_on(tmp_path: Path) -> None:
    """It is told once what is missing."""
    said = job(tmp_path)

    assert said.count("HOME_NOT_FOUND") == 1
