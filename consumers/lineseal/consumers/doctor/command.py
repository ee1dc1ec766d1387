"""Is anything wrong with this installation? The command ``lineseal doctor``."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, output_options, print_answer
from lineseal.consumers.doctor.check import Check, Outcome, Patient, fail
from lineseal.consumers.doctor.keys import check_keys
from lineseal.consumers.doctor.places import check_places
from lineseal.consumers.doctor.records import check_records
from lineseal.schemas.ids import now_us
from lineseal.settings import find_home, load_settings

CHECKS: tuple[Callable[[Patient], Iterator[Check]], ...] = (
    check_keys,
    check_places,
    check_records,
)


@click.command()
@output_options
def doctor(output: str) -> int:
    """Check keys, keyring, files, disk, clock, log and store, and say what to do.

    Exit status: 0 nothing is wrong, though there may be warnings; 1 something is.
    """
    home = find_home()
    patient = Patient(home=home, settings=load_settings(home), now=now_us())
    checks = examine(patient)
    rows = [
        {**dataclasses.asdict(check), "outcome": check.outcome.value, "todo": check.todo or None}
        for check in checks
    ]
    print_answer(
        Answer(query="doctor", subject=str(home.path), rows=rows),
        output,
        columns=("outcome", "name", "found", "todo"),
    )
    return Exit.FINDING if any(check.outcome is Outcome.FAIL for check in checks) else Exit.OK


def examine(patient: Patient) -> list[Check]:
    """Run every check; what a check cannot look at is a failure of its own."""
    found: list[Check] = []
    for check in CHECKS:
        try:
            found += check(patient)
        except OSError as error:
            name = check.__name__.removeprefix("check_")
            found.append(fail(name, f"cannot look: {error}", "make it readable for this user"))
    return found
