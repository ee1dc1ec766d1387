"""What ``[policy]`` says is read, or refused by name; nothing is taken that no rule can read.

Source: docs/configuration.md, the table of ``[policy]``.
"""

from __future__ import annotations

import pytest

from lineseal.consumers.detect.policy import make_policy
from lineseal.queries.rules import shipped_rules
from lineseal.schemas.errors import ConfigurationError
from lineseal.settings import PolicySettings


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("training_hours", "weekdays"),
        ("training_hours", "mon-fry 06:00-20:00"),
        ("training_hours", "mon 6-20"),
        ("training_hours", "mon 06:00-25:00"),
        ("training_hours", "mon 22:00-06:00"),
        ("freeze_windows", "2026-12-20"),
        ("freeze_windows", "2026-12-20/christmas"),
        ("freeze_windows", "2026-12-27/2026-12-20"),
        ("approvers", "alice"),
        ("approvers", "datasets=alice"),
        ("data_writers", "svc-etl"),
        ("expected_producers", "etl=hourly"),
        ("expected_producers", "etl=0"),
    ],
)
def test_a_text_that_cannot_be_read_is_a_configuration_error(setting: str, text: str) -> None:
    """The message names the setting and quotes the text."""
    with pytest.raises(ConfigurationError) as caught:
        make_policy(PolicySettings(**{setting: (text,)}), shipped_rules())

    assert f"[policy] {setting}: {text!r}" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("mon 06:00-20:00", ["mon 06:00-20:00"]),
        ("Sat-Mon 06:00-20:00", [f"{day} 06:00-20:00" for day in ("sat", "sun", "mon")]),
        ("wed 00:00-24:00", ["wed 00:00-24:00"]),
    ],
)
def test_hours_are_written_out_for_each_day(text: str, read: list[str]) -> None:
    """Ranges of days may run over the weekend."""
    policy = make_policy(PolicySettings(training_hours=(text,)), shipped_rules())

    assert policy.parameters["DP-024"]["training_hours"] == read


def test_a_freeze_may_be_given_with_an_offset() -> None:
    """Rules get UTC."""
    window = "2026-12-20T00:00:00+01:00/2026-12-27T00:00:00Z"
    policy = make_policy(PolicySettings(freeze_windows=(window,)), shipped_rules())

    assert policy.parameters["DP-024"]["freeze_windows"] == [
        "2026-12-19T23:00:00/2026-12-27T00:00:00"
    ]
