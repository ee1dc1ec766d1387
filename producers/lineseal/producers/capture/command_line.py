"""Takes secrets out of a command line, argument by argument."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from lineseal.producers.capture.programs import Rule, rules_of
from lineseal.producers.capture.secret_keys import is_secret_key
from lineseal.producers.capture.secret_text import REDACTED, end_of_secret_name, redact_text

_LOGIN_OPTIONS = frozenset({"-u", "--user", "--proxy-user"})


def redact_command(arguments: Sequence[str]) -> str:
    """Return a command line as text a shell would take, without secrets.

    What follows ``NAME=`` of a secret goes to the end of its argument, spaces and all.
    """
    shown: list[str] = []
    rules: list[Rule] = []
    seen: set[str] = set()
    before = ""
    for argument in arguments:
        rules.extend(rules_of(argument))
        active = [rule for rule in rules if rule.verb is None or rule.verb in seen]
        shown.append(_shown(argument, before, active))
        # A secret is no option, even when it looks like one.
        before = "" if shown[-1] == REDACTED else argument
        seen.add(argument)
    return shlex.join(shown)


def _shown(argument: str, before: str, rules: Sequence[Rule]) -> str:
    named = before.startswith("-") and "=" not in before and is_secret_key(before)
    if named or any(rule.apart and before == rule.option for rule in rules):
        return REDACTED
    if before in _LOGIN_OPTIONS and _is_login(argument):
        return REDACTED
    option, separator, value = argument.partition("=")
    if separator and option in _LOGIN_OPTIONS and _is_login(value):
        return f"{option}={REDACTED}"
    for rule in rules:
        if rule.attached and argument.startswith(rule.option) and argument != rule.option:
            return rule.option + REDACTED
    start = end_of_secret_name(argument)
    return redact_text(argument) if start is None else argument[:start] + REDACTED


def _is_login(text: str) -> bool:
    """Tell ``name:password`` from the ``1000:1000`` of a container's user and group."""
    user, separator, password = text.partition(":")
    return bool(separator and password) and not (user.isdecimal() and password.isdecimal())
