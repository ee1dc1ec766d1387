"""The command ``rules``: which detections are there, what do they mean, do they hold? No store."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from lineseal.commandline.escape import visible
from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, note, output_options, print_answer
from lineseal.commandline.progress import Progress
from lineseal.consumers.detect import rule_tests
from lineseal.consumers.detect.policy import load_policy
from lineseal.queries.render import print_record
from lineseal.queries.rules import Rule, shipped_rules, user_rules
from lineseal.schemas.errors import HomeNotFound, NotFound
from lineseal.settings import Home, PolicySettings, Settings, find_home, load_settings


@click.group(short_help="List, show and test detection rules.")
def rules() -> None:
    """List, show and test detection rules: the shipped ones, and your own ([detect] rules)."""


@rules.command("list", short_help="List the rules.")
@output_options
def list_rules(output: str) -> int:
    """List the rules that can run, and how each stands."""
    disabled = _settings().policy.disabled_rules
    rows = [
        {
            "rule": rule.rule_id,
            "severity": rule.severity,
            "status": "disabled" if rule.rule_id in disabled else rule.status,
            "clock": rule.clock,
            "title": rule.title,
            "version": rule.version,
            "confidence": rule.confidence,
            "techniques": list(rule.atlas),
            "owasp": list(rule.owasp),
            "own": rule.own,
            "runbook": rule.runbook,
        }
        for rule in _rules().values()
    ]
    print_answer(Answer(query="rules", rows=rows), output, table=_print_rules)
    return Exit.OK


@rules.command("show", short_help="Show one rule with its statement.")
@click.argument("rule_id", metavar="ID")
@output_options
def show_rule(rule_id: str, output: str) -> int:
    """Show what the rule ID finds, its parameters as set here, and its statement."""
    rule = _rule(rule_id)
    parameters = {}
    if rule_id not in (settings := _settings()).policy.disabled_rules:
        parameters = dict(load_policy(settings, _home()).parameters[rule_id])
    row: dict[str, Any] = {
        "rule": rule.rule_id,
        "uuid": rule.uuid,
        "title": rule.title,
        "status": rule.status,
        "version": rule.version,
        "severity": rule.severity,
        "confidence": rule.confidence,
        "techniques": list(rule.atlas),
        "owasp": list(rule.owasp),
        "reads": list(rule.reads),
        "clock": rule.clock,
        "key": rule.key,
        "window_seconds": rule.window_seconds,
        "parameters": parameters,
        "false_positives": list(rule.false_positives),
        "runbook": rule.runbook,
        "why": rule.why,
    }
    if output == "table":
        print_answer(Answer(query="rule", subject=rule_id, rows=[row]), output, table=print_record)
        click.echo(rule.sql)
        return Exit.OK
    print_answer(
        Answer(query="rule", subject=rule_id, rows=[{**row, "statement": rule.sql}]), output
    )
    return Exit.OK


@rules.command("test", short_help="Run the cases beside rules.")
@click.argument("rule_ids", metavar="[ID]...", nargs=-1)
@output_options
def test_rules(rule_ids: tuple[str, ...], output: str) -> int:
    """Run the cases in the JSON file beside each rule, or beside the rules named.

    Exit status: 0 all passed; 1 a case failed.
    """
    chosen = [_rule(rule_id) for rule_id in rule_ids] or list(_rules().values())
    folder = _own_folder()
    rows: list[dict[str, Any]] = []
    with Progress("testing rules", len(chosen)) as progress:
        for rule in chosen:
            rows += [
                {
                    "rule": rule.rule_id,
                    "case": result.case,
                    "passed": result.passed,
                    "expected": list(result.expected),
                    "found": list(result.found),
                }
                for result in rule_tests.run_rule(rule, folder)
            ]
            progress.advance(1)
    failed = [row for row in rows if not row["passed"]]
    shown_rows = rows if output != "table" else failed
    print_answer(Answer(query="rules test", rows=shown_rows), output)
    note(f"{len(rows)} cases of {len(chosen)} rules, {len(failed)} failed")
    return Exit.FINDING if failed else Exit.OK


@rules.command("policy", short_help="Show the policy that detections run with.")
@output_options
def show_policy(output: str) -> int:
    """Show [policy] where it differs from the defaults, and the digest an approval of it names."""
    home, settings = _home(), _settings()
    policy = load_policy(settings, home)
    default = asdict(PolicySettings())
    changed = {key: list(v) for key, v in asdict(settings.policy).items() if v != default[key]}
    own = sorted(rule.rule_id for rule in policy.rules.values() if rule.own)
    row = {"digest": policy.sha256, "rules": len(policy.rules), "own_rules": own, **changed}
    print_answer(Answer(query="rules policy", rows=[row]), output, table=print_record)
    return Exit.OK


def _print_rules(console: Console, answer: Answer) -> None:
    for row in answer.rows:
        line = f"{row['rule']:<7} {row['severity']:<8} {row['status']:<12} {row['title']}"
        console.print(Text(visible(line)), soft_wrap=True)


def _home() -> Home | None:
    try:
        return find_home()
    except HomeNotFound:
        return None


def _settings() -> Settings:
    return load_settings(_home())


def _own_folder() -> Path | None:
    home, settings = _home(), _settings()
    return home.resolve(settings.detect.rules) if home and settings.detect.rules else None


def _rules() -> dict[str, Rule]:
    folder = _own_folder()
    return {**shipped_rules(), **(user_rules(folder) if folder else {})}


def _rule(rule_id: str) -> Rule:
    known = _rules()
    if rule_id not in known:
        raise NotFound(f"there is no rule {rule_id!r}; 'lineseal rules list' names them")
    return known[rule_id]
