"""The pytest side: the marker ``kafka``, the session header, and the fixtures that give a broker.

A test that uses one of the fixtures is marked by itself. Without any broker those tests are
skipped with one line; with ``LINESEAL_REQUIRE_KAFKA=1`` they fail instead. Where pytest-xdist
splits the suite, each worker has a broker of its own.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Generator, Iterator
from typing import Any, NoReturn

import pytest

from tests.kafka import jars
from tests.kafka.choice import NO_BROKER, CannotStart, Server, candidates, environment_says
from tests.kafka.cluster import KafkaCluster

_FIXTURES = {"kafka_server", "kafka_classpath"}
_USED = pytest.StashKey[str]()
_WORKER_USED = "lineseal_kafka"
_NUMBERS = itertools.count(1)
# Read once: the tests themselves run without any LINESEAL_ variable.
_GIVEN, _REQUIRED = environment_says()


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", "kafka: needs a Kafka broker (see tests/kafka/choice.py)")


def pytest_report_header() -> str:
    """Say which broker Kafka tests will use."""
    reasons: list[str] = []
    for candidate in candidates(_GIVEN, require_real=_REQUIRED):
        obstacle = candidate.obstacle()
        if obstacle is None:
            return f"kafka: {candidate.kind}, started when a test needs it"
        reasons.append(f"{candidate.kind}: {obstacle}")
    return f"kafka: none ({'; '.join(reasons)})"


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over from a worker of pytest-xdist which broker it used."""
    used = getattr(node, "workeroutput", {}).get(_WORKER_USED)
    if used is not None:
        node.config.stash[_USED] = used


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say which broker Kafka tests did use."""
    if _USED in config.stash:
        terminalreporter.write_line(f"kafka tests ran against {config.stash[_USED]}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that asks for a broker."""
    for item in items:
        if _FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("kafka")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Give all tests that miss a broker the same place, so that one line names them all."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple) and NO_BROKER in report.longrepr[2]:
        report.longrepr = ("tests/kafka/choice.py", 1, report.longrepr[2])
    return report


@pytest.fixture(scope="session")
def kafka_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Give a broker that runs for the whole session; never pause or kill it."""
    reasons: list[str] = []
    with contextlib.ExitStack() as stack:
        for candidate in candidates(_GIVEN, require_real=_REQUIRED):
            obstacle = candidate.obstacle()
            if obstacle is None:
                folder = tmp_path_factory.mktemp("kafka")
                try:
                    server = stack.enter_context(candidate.start(folder))
                except CannotStart as error:
                    obstacle = str(error)
                else:
                    request.config.stash[_USED] = server.kind
                    # pytest-xdist's way home from a worker; nothing without it.
                    output: dict[str, object] = getattr(request.config, "workeroutput", {})
                    output[_WORKER_USED] = server.kind
                    yield server
                    return
            reasons.append(f"{candidate.kind}: {obstacle}")
    _no_broker(f"{NO_BROKER}: {'; '.join(reasons)}")


@pytest.fixture
def kafka_prefix() -> str:
    """Give a topic prefix no other test has."""
    return f"test-{os.getpid()}-{next(_NUMBERS)}"


@pytest.fixture(scope="session")
def kafka_classpath() -> str:
    """Give the class path of a broker the test may pause and kill."""
    obstacle = jars.possible()
    classpath = ""
    if obstacle is None:
        try:
            classpath = jars.classpath()
        except jars.NoJars as error:
            obstacle = str(error)
    if obstacle is not None:
        _no_broker(f"{NO_BROKER} that may be killed: {obstacle}")
    return classpath


@pytest.fixture(scope="module")
def own_cluster(
    kafka_classpath: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KafkaCluster]:
    """Give a broker process of the module's own, to be paused and killed; leave it running."""
    with KafkaCluster(kafka_classpath, tmp_path_factory.mktemp("kafka")) as cluster:
        yield cluster


def _no_broker(reason: str) -> NoReturn:
    if _REQUIRED:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
