"""A gate's policy is what its file says, and nothing that is misspelt is taken for no rule.

Source: ``lineseal.queries.gate.policy``.
"""

from __future__ import annotations

import pytest

from lineseal.queries.gate.policy import default_text, parse_policies
from lineseal.schemas.errors import ConfigurationError


def test_the_default_policy_is_what_is_printed() -> None:
    """Saving it changes nothing, not even the digest."""
    assert parse_policies(default_text()) == parse_policies(None)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("people = ", "is no TOML"),
        ("persons = 2", "knows no 'persons'"),
        ("people = -1", "a whole number from 0"),
        ("people = true", "a whole number from 0"),
        ("require_file = 1", "true or false"),
        ("approvers = 'alice'", "a list of texts"),
        ("alert_severities = ['grave']", "'grave' is none of"),
        ("evaluation_kinds = ['exam']", "'exam' is none of"),
        ("train = 3", r"\[train\] in the gate policy is a table"),
    ],
)
def test_a_policy_that_cannot_work_is_refused(text: str, complaint: str) -> None:
    """A misspelt rule must not be a rule that never refuses."""
    with pytest.raises(ConfigurationError, match=complaint):
        parse_policies(text)
