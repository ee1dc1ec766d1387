"""Finds the jars that a ``pom.xml`` names, for servers that tests start.

Maven fetches them once (about a minute); afterwards a file in the user's cache folder, named
after the digest of the ``pom.xml``, says where they lie, and no network is needed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Generator
from pathlib import Path

_NAMESPACE = {"m": "http://maven.apache.org/POM/4.0.0"}
_RESOLVE_SECONDS = 280
_TAIL = 600


class NoJars(Exception):
    """The jars cannot be had; the message says why."""


class Jars:
    """The jars of one ``pom.xml``, cached in a folder *name* of the user's cache."""

    def __init__(self, pom: Path, name: str) -> None:
        """Find the jars later; nothing is fetched."""
        self._pom = pom
        self._name = name

    def version(self, artifact: str) -> str:
        """Return the version of *artifact* that the file names."""
        for dependency in ET.parse(self._pom).getroot().iterfind(".//m:dependency", _NAMESPACE):  # noqa: S314
            if dependency.findtext("m:artifactId", None, _NAMESPACE) == artifact:
                return dependency.findtext("m:version", "", _NAMESPACE)
        raise NoJars(f"{self._pom} names no {artifact}")

    def possible(self) -> str | None:
        """Return None when the jars may be had, else the reason why not; fetches nothing."""
        if self._cached() is None and shutil.which("mvn") is None:
            return "there is no mvn on the PATH"
        return None

    def classpath(self) -> str:
        """Return the class path, fetched by Maven when it is not cached yet.

        Raises:
            NoJars: Maven could not resolve it.

        """
        with self._alone():
            return self._cached() or self._resolved()

    def _resolved(self) -> str:
        target = self._cache_file()
        fresh = target.with_name(f"{target.name}.{os.getpid()}")
        command = ["mvn", "-q", "-B", "-ntp", "-f", str(self._pom), "dependency:build-classpath"]
        try:
            done = subprocess.run(
                [*command, f"-Dmdep.outputFile={fresh}"],
                capture_output=True,
                text=True,
                check=False,
                timeout=_RESOLVE_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoJars(f"Maven did not resolve {self._pom.name}: {error}") from error
        if done.returncode or not fresh.is_file():
            raise NoJars(f"Maven did not resolve {self._pom.name}: {done.stdout[-_TAIL:]}")
        fresh.replace(target)
        return target.read_text("utf-8").strip()

    @contextlib.contextmanager
    def _alone(self) -> Generator[None]:
        """Let one process at a time ask Maven: its local repository does not bear two."""
        lock = self._cache_file().parent.parent / "maven.lock"
        self._cache_file().parent.mkdir(parents=True, exist_ok=True)
        with lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield

    def _cached(self) -> str | None:
        try:
            text = self._cache_file().read_text("utf-8").strip()
        except OSError:
            return None
        return text if all(Path(jar).is_file() for jar in text.split(os.pathsep)) else None

    def _cache_file(self) -> Path:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        digest = hashlib.sha256(self._pom.read_bytes()).hexdigest()[:16]
        return cache / "lineseal" / self._name / f"classpath-{digest}"
