"""Finds the jars of Apache Kafka that ``pom.xml`` names."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.jars import Jars, NoJars

__all__ = ["NoJars", "classpath", "kafka_version", "possible"]

_JARS = Jars(Path(__file__).with_name("pom.xml"), "kafka")


def kafka_version() -> str:
    """Return the version of Apache Kafka that ``pom.xml`` names."""
    return _JARS.version("kafka_2.13")


def possible() -> str | None:
    """Return None when the jars may be had, else the reason why not; fetches nothing."""
    return "there is no java on the PATH" if shutil.which("java") is None else _JARS.possible()


def classpath() -> str:
    """Return the class path of the broker; raises ``NoJars``."""
    return _JARS.classpath()
