"""Finds the jars of Apache Kafka that ``pom.xml`` names.

Maven fetches them once (about a minute); afterwards a file in the user's cache folder, named
after the digest of ``pom.xml``, says where they lie, and no network is needed.
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

POM = Path(__file__).with_name("pom.xml")
_NAMESPACE = {"m": "http://maven.apache.org/POM/4.0.0"}
_RESOLVE_SECONDS = 280
_TAIL = 600


class NoJars(Exception):
    """The jars cannot be had; the message says why."""


def kafka_version() -> str:
    """Return the version of Apache Kafka that ``pom.xml`` names."""
    for dependency in ET.parse(POM).getroot().iterfind(".//m:dependency", _NAMESPACE):  # noqa: S314
        if dependency.findtext("m:artifactId", None, _NAMESPACE) == "kafka_2.13":
            return dependency.findtext("m:version", "", _NAMESPACE)
    raise NoJars(f"{POM} names no kafka_2.13")


def possible() -> str | None:
    """Return None when the jars may be had, else the reason why not; fetches nothing."""
    if shutil.which("java") is None:
        return "there is no java on the PATH"
    if _cached() is None and shutil.which("mvn") is None:
        return "there is no mvn on the PATH"
    return None


def classpath() -> str:
    """Return the class path of the broker, fetched by Maven when it is not cached yet.

    Raises:
        NoJars: Maven could not resolve it.

    """
    with _alone():
        return _cached() or _resolved()


def _resolved() -> str:
    target = _cache_file()
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    command = ["mvn", "-q", "-B", "-ntp", "-f", str(POM), "dependency:build-classpath"]
    try:
        done = subprocess.run(
            [*command, f"-Dmdep.outputFile={fresh}"],
            capture_output=True,
            text=True,
            check=False,
            timeout=_RESOLVE_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoJars(f"Maven did not resolve {POM.name}: {error}") from error
    if done.returncode or not fresh.is_file():
        raise NoJars(f"Maven did not resolve {POM.name}: {done.stdout[-_TAIL:]}")
    fresh.replace(target)
    return target.read_text("utf-8").strip()


@contextlib.contextmanager
def _alone() -> Generator[None]:
    """Let one process at a time ask Maven: its local repository does not bear two."""
    lock = _cache_file().with_suffix(".lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _cached() -> str | None:
    try:
        text = _cache_file().read_text("utf-8").strip()
    except OSError:
        return None
    return text if all(Path(jar).is_file() for jar in text.split(os.pathsep)) else None


def _cache_file() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:16]
    return cache / "lineseal" / "kafka" / f"classpath-{digest}"
