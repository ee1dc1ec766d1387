"""What do the rules take as allowed? Turns ``[policy]`` into the parameters of each rule.

The digest covers everything that changes what rules find but their own shipped text: all of
``[policy]`` and a user's own rules.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from lineseal.consumers.detect.policy_form import policy_values
from lineseal.queries.catalog import Field
from lineseal.queries.rules import Rule, default_of, shipped_rules, typed, user_rules
from lineseal.schemas.errors import ConfigurationError
from lineseal.settings import Home, PolicySettings, Settings


@dataclasses.dataclass(frozen=True, slots=True)
class Policy:
    """Hold the rules that run and what each is given.

    Attributes:
        rules: The rules, by id, without those that are disabled.
        parameters: The parameters of each, by its id.
        sha256: ``sha256:`` and hex over the policy and a user's own rules.

    """

    rules: Mapping[str, Rule]
    parameters: Mapping[str, Mapping[str, Any]]
    sha256: str


def load_policy(settings: Settings, home: Home | None = None) -> Policy:
    """Load the rules and their parameters.

    Raises:
        ConfigurationError: A rule's head is wrong, or ``[policy]`` names a rule or a parameter
            that is not, or a value it cannot have.

    """
    own: Mapping[str, Rule] = {}
    if settings.detect.rules and home is not None:
        own = user_rules(home.resolve(settings.detect.rules))
    return make_policy(settings.policy, {**shipped_rules(), **own})


def make_policy(policy: PolicySettings, rules: Mapping[str, Rule]) -> Policy:
    """Give *rules* what *policy* says; raises as ``load_policy``."""
    for rule_id in policy.disabled_rules:
        if rule_id not in rules:
            raise ConfigurationError(f"[policy] disabled_rules: there is no rule {rule_id}")
    thresholds = _thresholds(policy.thresholds, rules)
    given = {
        field.name: policy_values(field.name, getattr(policy, field.name))
        for field in dataclasses.fields(policy)
    }
    parameters = {
        rule_id: {
            field.name: _value(field, thresholds.get((rule_id, field.name)), given)
            for field in rule.params
        }
        for rule_id, rule in rules.items()
    }
    said = {
        "policy": dataclasses.asdict(policy),
        "own_rules": {rule.rule_id: rule.sha256 for rule in rules.values() if rule.own},
    }
    text = json.dumps(said, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    running = {key: rule for key, rule in rules.items() if key not in policy.disabled_rules}
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Policy(running, parameters, f"sha256:{digest}")


def _value(field: Field, threshold: Any, given: Mapping[str, list[str]]) -> Any:
    """Return what a rule is given: its threshold, else what the policy says, else its default."""
    if threshold is not None:
        return threshold
    return given[field.name] if field.name in given else default_of(field)


def _thresholds(texts: tuple[str, ...], rules: Mapping[str, Rule]) -> dict[tuple[str, str], Any]:
    found: dict[tuple[str, str], Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        rule_id, dot, parameter = name.strip().partition(".")
        where = f"[policy] thresholds: {text!r}"
        if not equals or not dot:
            raise ConfigurationError(f"{where} is not RULE.parameter=value")
        if rule_id not in rules:
            raise ConfigurationError(f"{where}: there is no rule {rule_id}")
        fields = {field.name: field for field in rules[rule_id].params}
        if parameter not in fields:
            known = ", ".join(sorted(fields)) or "none"
            raise ConfigurationError(f"{where}: parameters of {rule_id} are: {known}")
        found[rule_id, parameter] = typed(fields[parameter], value.strip(), where)
    return found
