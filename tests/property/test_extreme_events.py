"""What the contract lets through cannot stop a rule, a question or the materialiser.

What is promised: whoever has an enrolled key may say anything that the contract allows, also the
first and the last moment, the largest numbers and no name where one is expected, and everything
behind the guard goes on: no rule fails, no command crashes. A rule that one event makes fail would
be a rule that an attacker switches off. Source: attack table A23, A37, A38.
"""

from __future__ import annotations

import datetime as dt
import sys

import pytest
from tests.property.extreme_events import Extremes
from tests.simulator import Pipeline, Producer

from lineseal.commandline.program import main
from lineseal.consumers.detect.detector import Detector
from lineseal.consumers.detect.policy import make_policy
from lineseal.queries.rules import shipped_rules
from lineseal.settings import PolicySettings

EVENTS, PER_BATCH = 800, 100
TICKS = (None, dt.datetime(2026, 1, 2), dt.datetime(9999, 12, 31))  # noqa: DTZ001 - naive UTC
COMMANDS = (
    *("status", "producers", "overrides", "access", "inventory", "containment", "alerts"),
    *("impact dataset:n/a@1 --all-models", "trace model:n/a@2", "timeline model:n/a@1"),
    *("who model:n/a@1", "last-good model:n/b@2", "feedback model:n/a@1", "forward --once"),
    *("diff model:n/a@1 model:n/a@2", "trace model:n/b@1 --as-of 9999-12-31T23:59:59Z"),
)
ANSWERED = {0, 1, 3, 6}


@pytest.fixture(scope="module", params=[11, 12])
def pipeline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Materialise what a service and a person said at every end of the contract."""
    folder = tmp_path_factory.mktemp("extreme")
    pipeline, extremes = Pipeline(folder), Extremes(request.param)
    producers: list[Producer] = [pipeline.producer("trainer"), pipeline.person("alice")]
    for producer in producers:
        for _ in range(EVENTS // PER_BATCH // len(producers)):
            producer.send(*(extremes.event(producer) for _ in range(PER_BATCH)))
    report = pipeline.materialise()
    assert report.events > EVENTS // 2
    assert set(report.rejects) <= {"SCOPE"}
    (folder / "lineseal.toml").write_text('[deployment]\nname = "simulation"\n', "utf-8")
    return pipeline


def test_no_rule_fails_whatever_the_facts(pipeline: Pipeline) -> None:
    """At every commit and every tick; and many find something."""
    with pipeline.open_store() as store:
        detector = Detector(make_policy(PolicySettings(), shipped_rules()))
        rounds = [
            detector.run(store.connection, None if tick is None else {"tick_time": tick})
            for tick in TICKS
        ]
        found = store.connection.execute("SELECT count(DISTINCT rule_id) FROM alert").fetchall()

    assert [failure for done in rounds for failure in done.failures] == []
    assert found[0][0] > 10


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_crashes_whatever_the_facts(
    command: str,
    pipeline: Pipeline,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It answers, finds nothing, or says what is missing; and what it prints can be printed."""
    monkeypatch.setenv("LINESEAL_HOME", str(pipeline.folder))
    monkeypatch.setattr(sys, "argv", ["lineseal", *command.split()])

    with pytest.raises(SystemExit) as ended:
        main()

    shown = capsys.readouterr()
    assert ended.value.code in ANSWERED, shown.err
    assert not {"\0", "\u202e", "\x1b"} & set(shown.out)
