"""Starts Apache Kafka in KRaft mode on loopback, and treats it as badly as a test needs.

Every node is one process, broker and controller in one, with a folder and ports of its own. A
node can be stopped with SIGSTOP, killed with SIGKILL and started again on the same data and
ports. Processes are ended by their own id, and die with the test process where the system can do
that.
"""

from __future__ import annotations

import base64
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

_START_SECONDS = 90
_HOST = "127.0.0.1"
_JAVA = (
    "java",
    "-Xms128m",
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)
_TAIL = 2000


class BrokerFailed(Exception):
    """A node did not come up; the message ends with its log."""


@dataclass(slots=True)
class Node:
    """One broker process and what it needs to start again."""

    number: int
    folder: Path
    port: int
    controller_port: int
    extra_ports: dict[str, int]
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Return ``host:port`` of the plain-text listener."""
        return f"{_HOST}:{self.port}"

    @property
    def log(self) -> Path:
        """Return the file that takes the broker's own log."""
        return self.folder / "broker.log"


@dataclass(frozen=True, slots=True)
class Listener:
    """Name one more listener: its protocol and the settings that belong to it."""

    protocol: str
    settings: Mapping[str, str] = field(default_factory=dict[str, str])


class KafkaCluster:
    """Runs one or more nodes until ``stop``.

    >>> with KafkaCluster(classpath(), folder) as cluster:
    ...     cluster.pause()
    """

    def __init__(
        self,
        classpath: str,
        folder: Path,
        *,
        nodes: int = 1,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
        listeners: Mapping[str, Listener] | None = None,
        scram: tuple[str, ...] = (),
    ) -> None:
        """Prepare *nodes* nodes below *folder*; nothing runs yet.

        Args:
            classpath: What ``jars.classpath`` gives.
            folder: An empty folder.
            nodes: How many processes.
            port: Of the first node; a free one by default.
            settings: Broker settings on top of the ones for tests.
            listeners: More listeners by name, beside the plain-text one.
            scram: SCRAM credentials as ``kafka-storage format --add-scram`` takes them.

        """
        self._classpath = classpath
        self._settings = dict(settings or {})
        self._listeners = dict(listeners or {})
        self._scram = scram
        self._cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        if self._cluster_id.startswith("-"):
            self._cluster_id = "a" + self._cluster_id[1:]  # the format tool takes it for an option
        ports = _free_ports(nodes * (2 + len(self._listeners)))
        self.nodes = [
            Node(
                number,
                folder / f"node-{number}",
                port if number == 1 and port else ports.pop(),
                ports.pop(),
                {name: ports.pop() for name in self._listeners},
            )
            for number in range(1, nodes + 1)
        ]

    @property
    def bootstrap(self) -> str:
        """Return the plain-text listeners as ``host:port,host:port``."""
        return ",".join(node.address for node in self.nodes)

    def listener(self, name: str) -> str:
        """Return the addresses of one of the additional listeners."""
        return ",".join(f"{_HOST}:{node.extra_ports[name]}" for node in self.nodes)

    def start(self) -> None:
        """Format the data folders and start all nodes.

        Raises:
            BrokerFailed: A node ended or did not answer in time.

        """
        for node in self.nodes:
            self._format(node)
            self._launch(node)
        for node in self.nodes:
            _wait_until_up(node)

    def stop(self) -> None:
        """End all nodes at once; their data is thrown away with the folder."""
        for node in self.nodes:
            _kill(node)

    def pause(self, number: int = 1) -> None:
        """Stop a node as a debugger does: connections stay open, nothing answers."""
        self._process(number).send_signal(signal.SIGSTOP)

    def resume(self, number: int = 1) -> None:
        """Let a paused node go on."""
        self._process(number).send_signal(signal.SIGCONT)

    def kill(self, number: int = 1) -> None:
        """Kill a node with SIGKILL."""
        _kill(self.nodes[number - 1])

    def restart(self, number: int = 1) -> None:
        """Start a killed node again, on its own data and ports."""
        node = self.nodes[number - 1]
        self._launch(node)
        _wait_until_up(node)

    def __enter__(self) -> Self:
        """Start all nodes."""
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all nodes."""
        self.stop()

    def _process(self, number: int) -> subprocess.Popen[bytes]:
        process = self.nodes[number - 1].process
        assert process is not None, f"node {number} is not running"
        return process

    def _format(self, node: Node) -> None:
        node.folder.mkdir(parents=True)
        properties = node.folder / "server.properties"
        lines = [f"{key}={value}" for key, value in self._properties(node).items()]
        properties.write_text("\n".join(lines) + "\n", "utf-8")
        command = [*_JAVA, "-cp", self._classpath, "kafka.tools.StorageTool", "format"]
        command += ["-t", self._cluster_id, "-c", str(properties)]
        for credential in self._scram:
            command += ["--add-scram", credential]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        if done.returncode:
            raise BrokerFailed(f"format failed: {(done.stdout + done.stderr)[-_TAIL:]}")

    def _properties(self, node: Node) -> dict[str, str]:
        names = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT"}
        names |= {name: listener.protocol for name, listener in self._listeners.items()}
        ports = {"PLAINTEXT": node.port, **node.extra_ports}
        addresses = [f"{name}://{_HOST}:{port}" for name, port in ports.items()]
        copies = str(min(3, len(self.nodes)))
        properties = {
            "process.roles": "broker,controller",
            "node.id": str(node.number),
            "controller.quorum.voters": ",".join(
                f"{other.number}@{_HOST}:{other.controller_port}" for other in self.nodes
            ),
            "listeners": ",".join([*addresses, f"CONTROLLER://{_HOST}:{node.controller_port}"]),
            "advertised.listeners": ",".join(addresses),
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": ",".join(f"{k}:{v}" for k, v in names.items()),
            "log.dirs": str(node.folder / "data"),
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": "1",
            "num.partitions": "1",
            "num.network.threads": "2",
            "num.io.threads": "2",
            "group.initial.rebalance.delay.ms": "0",
            # A killed node may come back as soon as its old session has expired.
            "broker.session.timeout.ms": "2000",
            "broker.heartbeat.interval.ms": "400",
        }
        for name, listener in self._listeners.items():
            prefix = f"listener.name.{name.lower()}."
            properties |= {prefix + key: value for key, value in listener.settings.items()}
        return properties | self._settings

    def _launch(self, node: Node) -> None:
        command = [*_JAVA, "-cp", self._classpath, "kafka.Kafka"]
        if shutil.which("setpriv"):  # Linux: no broker outlives a killed test process
            command = ["setpriv", "--pdeathsig", "KILL", *command]
        with node.log.open("ab") as log:
            node.process = subprocess.Popen(
                [*command, str(node.folder / "server.properties")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )


def _wait_until_up(node: Node) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        process = node.process
        if process is None or process.poll() is not None:
            break
        try:
            socket.create_connection((_HOST, node.port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    _kill(node)
    log = node.log.read_text("utf-8", "replace")
    raise BrokerFailed(f"node {node.number} did not come up: {log[-_TAIL:]}")


def _kill(node: Node) -> None:
    if node.process is not None:
        node.process.kill()
        node.process.wait()
        node.process = None


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((_HOST, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
