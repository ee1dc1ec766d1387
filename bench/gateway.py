"""Measures what the gateway takes in a second, durable before it answers, and how long that is.

    .venv/bin/python bench/gateway.py [--events N] [--clients N,N] [--rounds N]

The official OpenLineage client is the load: processes that emit one event after the other over
HTTP, unchanged. Beside it the same clients send to a server that answers at once and keeps nothing:
what the client and the loopback cost. Both take turns. Writes ``bench/results/gateway.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "bench" / "results" / "gateway.md"
LINESEAL = [sys.executable, "-m", "lineseal.commandline"]

LOAD = """
import json, sys, time, uuid
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport
url, token, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
auth = ApiKeyTokenProvider({"apiKey": token})
client = OpenLineageClient(transport=HttpTransport(HttpConfig(url=url, auth=auth)))
def event(number):
    return RunEvent(
        eventType=RunState.COMPLETE, eventTime="2026-01-01T10:00:00Z", run=Run(str(uuid.uuid4())),
        job=Job("bench", "job"), inputs=[InputDataset("s3://lake", f"in-{n}") for n in range(3)],
        outputs=[OutputDataset("s3://lake", "out")],
    )
client.emit(event(0))
print("ready", flush=True)
sys.stdin.readline()
taken = []
for number in range(count):
    one = event(number)
    before = time.perf_counter()
    client.emit(one)
    taken.append(time.perf_counter() - before)
print(json.dumps(taken))
"""

IDLE = """
import asyncio, re
async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\\r\\n\\r\\n")
            length = re.search(rb"(?i)content-length: (\\d+)", head)
            await reader.readexactly(int(length[1]))
            writer.write(b"HTTP/1.1 201 Created\\r\\ncontent-length: 2\\r\\n\\r\\n{}")
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print("listening at http://127.0.0.1:%d;" % server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


def main() -> None:
    """Run both servers in turn under each number of clients, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1000, help="events of each client and round")
    parser.add_argument("--clients", default="1,4,16", help="how many at once")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    lines: list[str] = []
    with tempfile.TemporaryDirectory(prefix="gateway-") as folder:
        home = Path(folder) / "home"
        token = make_home(home)
        for clients in map(int, arguments.clients.split(",")):
            found: dict[str, list[tuple[float, list[float]]]] = {"lineseal": [], "idle": []}
            for number in range(arguments.rounds):
                for side, rounds in found.items():
                    note(f"round {number + 1} of {arguments.rounds}: {clients} clients, {side}")
                    rounds.append(measure(side, home, token, clients, arguments.events))
            lines.append(row(clients, found))
    text = report(lines)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text)
    print(text)


def make_home(home: Path) -> str:
    """Make a home that receives; return a token."""
    base = [*LINESEAL, "--home", str(home)]
    subprocess.run([*base, "init", "--producer", "jobs"], check=True, capture_output=True)
    key = ["keys", "new", "gateway", "--role", "gateway", "--enrol"]
    subprocess.run([*base, *key], check=True, capture_output=True)
    allow = ["gateway", "allow", "bench", "--namespace", "*"]
    done = subprocess.run([*base, *allow], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def measure(
    side: str, home: Path, token: str, clients: int, events: int
) -> tuple[float, list[float]]:
    """Return seconds for all, and seconds of each emit."""
    command = [sys.executable, "-c", IDLE]
    if side == "lineseal":
        command = [*LINESEAL, "--home", str(home), "gateway", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        url = ""
        while not url:
            said = re.search(r"listening at (\S+);", readable(server).readline())
            url = said[1] if said else ""
        try:
            return drive(url, token, clients, events)
        finally:
            server.terminate()


def drive(url: str, token: str, clients: int, events: int) -> tuple[float, list[float]]:
    """Let clients emit at once."""
    command = [sys.executable, "-c", LOAD, url, token, str(events)]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(clients)
    ]
    for each in running:
        readable(each).readline()
    started = time.perf_counter()
    for each in running:
        print(file=each.stdin, flush=True)
    taken: list[float] = []
    for each in running:
        said, _ = each.communicate()
        taken += json.loads(said)
    return time.perf_counter() - started, taken


def readable(process: subprocess.Popen[str]) -> IO[str]:
    """Return what a process prints."""
    if process.stdout is None:
        raise RuntimeError
    return process.stdout


def row(clients: int, found: dict[str, list[tuple[float, list[float]]]]) -> str:
    """Write a line of the table: the median of the rounds of each side."""
    cells = [str(clients)]
    rates: dict[str, float] = {}
    for side, rounds in found.items():
        rates[side] = statistics.median(len(taken) / seconds for seconds, taken in rounds)
        every = sorted(one for _, taken in rounds for one in taken)
        p50, p99 = (every[int(len(every) * share)] * 1000 for share in (0.5, 0.99))
        cells += [f"{rates[side]:,.0f}", f"{p50:.2f}", f"{p99:.2f}"]
    cells.append(f"{rates['lineseal'] / rates['idle']:.2f}")
    return "| " + " | ".join(cells) + " |"


def report(lines: list[str]) -> str:
    """Write the page."""
    command = " ".join(["bench/gateway.py", *sys.argv[1:]])
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    head = f"""# The gateway under the official OpenLineage client

`{command}` on {machine}. Clients run on the same cores. Every answer of the gateway comes after the
document and its events are synced to the disk; the idle server keeps nothing.

| clients | gateway events/s | p50 ms | p99 ms | idle events/s | p50 ms | p99 ms | ratio |
|---|---|---|---|---|---|---|---|
"""
    return head + "\n".join(lines) + "\n"


def note(text: str) -> None:
    """Say where it stands."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
