"""Renders ``docs/rules.md``: every shipped detection with what it means, from the heads.

Run ``python -m lineseal.queries.rules_page`` to print it; a test compares.
"""

from __future__ import annotations

import click

from lineseal.queries.rules import Rule, shipped_rules

_INTRODUCTION = """\
# Rules

What ships. How rules run, become alerts and are written: [detections.md](detections.md). Severity
and confidence are judged for an ordinary plant; technique ids are MITRE ATLAS's, then OWASP's. An
*experimental* rule needs profiles or label reviews that few record yet. `tick` rules judge absence.

Rendered from the heads by `python -m lineseal.queries.rules_page`; a test compares.

| rule | finds | severity | confidence | status | when | techniques |
|---|---|---|---|---|---|---|
"""


def render_rules() -> str:
    """Return the text of the page."""
    rules = shipped_rules().values()
    return _INTRODUCTION + "".join(map(_row, rules)) + "".join(map(_section, rules))


def _row(rule: Rule) -> str:
    anchor = f"#{rule.rule_id.lower()}"
    techniques = ", ".join((*rule.atlas, *rule.owasp))
    return (
        f"| [{rule.rule_id}]({anchor}) | {rule.title} | {rule.severity} | {rule.confidence} "
        f"| {rule.status} | {rule.clock} | {techniques} |\n"
    )


def _section(rule: Rule) -> str:
    per = "for good" if rule.window_seconds is None else f"in {_span(rule.window_seconds)}"
    lines = [
        f"\n## {rule.rule_id}\n\n**{rule.title}.** {rule.why}\n\n",
        f"- one alert for each: {rule.key}, {per}\n",
        f"- not to be mistaken for it: {'; '.join(rule.false_positives)}\n",
    ]
    lines += [
        f"- `{field.name}`: {field.note}; by default `{field.default}`\n" for field in rule.params
    ]
    lines.append(f"- [runbook](runbooks/{rule.rule_id}.md)\n")
    return "".join(lines)


def _span(seconds: int) -> str:
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds % length == 0:
            count = seconds // length
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds} seconds"


if __name__ == "__main__":
    click.echo(render_rules(), nl=False)
