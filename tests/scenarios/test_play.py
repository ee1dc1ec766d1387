"""A story that is played goes through keys, log, verification, store and rules."""

from __future__ import annotations

from pathlib import Path

from tests.scenarios.play import Stage, act, digest, play, step


def test_a_story_says_which_rules_it_raised(tmp_path: Path) -> None:
    """An external model taken at a branch; its approval is bob's own."""
    story = [
        step(
            "0h",
            "ingest",
            "register",
            "dataset:lake/tx@1",
            owner="data-team",
            source={"uri": "https://data.example.com/tx", "revision": "main"},
        ),
        step(
            "1h",
            "trainer",
            "run",
            "fraud/train",
            stage="train",
            reads=["dataset:lake/tx@1"],
            writes=["model:registry/fraud@7"],
        ),
        step("2h", "person:bob", "approve", "model:registry/fraud@7", gate="promotion"),
    ]

    played = play(story, tmp_path)

    assert played.rules == {"DP-007"}
    assert [alert["subject"] for alert in played.alerts] == ["dataset:lake/tx@1"]
    assert played.rejects == []


def test_an_act_may_attack_the_log(tmp_path: Path) -> None:
    """A key that nobody enrolled seals as the trainer."""

    def forge(stage: Stage) -> None:
        trainer = stage.speaker("trainer").producer
        thief = type(trainer)(stage.pipeline, "trainer", stage.pipeline.new_key())
        thief.send()

    story = [
        step("0h", "ingest", "register", "dataset:lake/tx@1", manifest_root=digest("a")),
        act("1h", forge),
    ]

    played = play(story, tmp_path)

    assert (played.rules, played.rejects) == ({"DP-002"}, ["UNKNOWN_KEY"])
