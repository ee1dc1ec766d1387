"""Splunk, Elastic and OTLP sinks keep the contract against a receiver that speaks their tongue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.sink_contract import SinkContract, SinkHarness
from tests.siem.receiver import Receiver

from lineseal.consumers.sinks.open import open_sink
from lineseal.settings import Home, SinkSettings


class HttpHarness:
    """A sink and the receiver it talks to."""

    def __init__(self, kind: str, folder: Path, *, acknowledge: bool = False) -> None:
        self.receiver = Receiver()
        self.receiver.__enter__()
        (folder / "token").write_text("secret-token\n")
        settings = SinkSettings(
            kind=kind,
            url=self.receiver.url,
            token="file:token",  # noqa: S106 - where it is, not what it is
            acknowledge=acknowledge,
        )
        self.sink = open_sink("x", settings, Home(folder))
        self._stopped = False

    def uids(self, expected: int) -> list[str]:
        """Return what was accepted; it is there at once."""
        del expected
        return list(self.receiver.accepted.elements())

    def stop(self) -> None:
        """Stop listening."""
        if not self._stopped:
            self.receiver.__exit__(None, None, None)
        self._stopped = True

    def close(self) -> None:
        """Close both."""
        self.sink.close()
        self.stop()


@pytest.mark.parametrize(
    "harness", ["splunk-hec", "splunk-hec ack", "elastic", "opensearch", "otlp"], indirect=True
)
class TestHttpSinks(SinkContract):
    """One receiver for all."""

    @pytest.fixture
    def harness(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SinkHarness]:
        """Give the sink that the parameter names."""
        kind, _, ack = str(request.param).partition(" ")
        made = HttpHarness(kind, tmp_path, acknowledge=bool(ack))
        yield made
        made.close()
