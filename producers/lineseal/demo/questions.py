"""The questions a responder asks, and the answers the demo expects.

Each question is a ``lineseal`` command. What it is expected to print is compared with what its
``--json`` form printed and with its exit status: nothing is taken for granted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from lineseal.commandline.exit_codes import Exit
from lineseal.demo.story import APPROVER, CLEAN_MODEL, FEED, LABELLER, POISONED_MODEL

JsonAnswer: TypeAlias = Mapping[str, Any]
UNCOMMITTED = "DP-021"

PEOPLE_SQL = """\
SELECT made_by AS who, 'override' AS did, target.artifact.name AS what, reason,
  actor_verified AS own_key FROM override UNION ALL SELECT approver, decision,
  concat(subject.artifact.name, '@', subject.artifact.version), reason,
  actor_verified FROM approval ORDER BY ALL"""


@dataclass(frozen=True, slots=True)
class Question:
    """Hold one question: its words, its command, its meaning, and what it must find.

    ``findings`` turns the JSON answer into named facts; they must equal ``expected``.
    """

    key: str
    asks: str
    arguments: tuple[str, ...]
    means: str
    status: Exit
    findings: Callable[[JsonAnswer], dict[str, Any]]
    expected: dict[str, Any]


def verdicts(answer: JsonAnswer) -> dict[str, str]:
    """Return REF to verdict for the rows of an answer of ``impact --all-models``."""
    return {row["reference"]: row["verdict"] for row in answer["rows"]}


def _trace(answer: JsonAnswer) -> dict[str, Any]:
    ancestry = {row["reference"] for row in answer["rows"]}
    return {"complete": answer["complete"], "holds the feed": FEED in ancestry}


def _suspect(answer: JsonAnswer) -> dict[str, Any]:
    return {"verdict": answer["verdict"], "complete": answer["complete"]}


def _people(answer: JsonAnswer) -> dict[str, Any]:
    return {f"{row['who']}: {row['did']} {row['what']}": row["own_key"] for row in answer["rows"]}


def alarms(answer: JsonAnswer) -> dict[str, str]:
    """Return rule to subject for the rows of an answer of ``alerts``.

    In a checkout with changes that are not committed DP-021 fires too, and rightly.
    """
    return {row["rule"]: row["subject"] for row in answer["rows"] if row["rule"] != UNCOMMITTED}


def _status(answer: JsonAnswer) -> dict[str, Any]:
    (row,) = answer["rows"]
    return {"rejects": row["rejects"]}


QUESTIONS: tuple[Question, ...] = (
    Question(
        key="alerts",
        asks="What did the detections raise?",
        arguments=("alerts",),
        means="A class got worse, and data of a source nobody reviewed was learned from.",
        status=Exit.FINDING,
        findings=alarms,
        expected={"DP-006": POISONED_MODEL, "DP-024": POISONED_MODEL},
    ),
    Question(
        key="trace",
        asks="Which data built model 2?",
        arguments=("trace", POISONED_MODEL),
        means="The partner's feed went into its training set, and every hop is exact.",
        status=Exit.OK,
        findings=_trace,
        expected={"complete": True, "holds the feed": True},
    ),
    Question(
        key="impact",
        asks="Which models did the feed reach?",
        arguments=("impact", FEED, "--all-models"),
        means="Model 2 is affected, model 1 is clean. Exit status 1 tells a script as much.",
        status=Exit.FINDING,
        findings=verdicts,
        expected={POISONED_MODEL: "affected", CLEAN_MODEL: "clean"},
    ),
    Question(
        key="suspect",
        asks="Is model 1 really clean? Then production can go back to it.",
        arguments=("trace", CLEAN_MODEL, "--suspect", FEED),
        means="Clean: no path, and nothing in its ancestry is guessed, missing or undisclosed.",
        status=Exit.OK,
        findings=_suspect,
        expected={"verdict": "clean", "complete": True},
    ),
    Question(
        key="people",
        asks="Who overrode or approved what?",
        arguments=("sql", PEOPLE_SQL),
        means="Each decision is signed with the key of the person it names.",
        status=Exit.OK,
        findings=_people,
        expected={
            f"{LABELLER}: override digits-labels": True,
            f"{APPROVER}: approve digits-labels@1": True,
            f"{APPROVER}: approve digits@1": True,
            f"{APPROVER}: approve digits@2": True,
        },
    ),
    Question(
        key="status",
        asks="Can the record itself be trusted?",
        arguments=("status",),
        means="Every batch was verified and none was refused.",
        status=Exit.OK,
        findings=_status,
        expected={"rejects": 0},
    ),
)


def unmet(question: Question, status: int, answer: JsonAnswer) -> list[str]:
    """Return one sentence for each expectation that status and answer do not meet."""
    problems: list[str] = []
    if status != question.status:
        problems.append(f"exit status {int(question.status)} expected, got {status}")
    try:
        found = question.findings(answer)
    except (KeyError, TypeError, ValueError) as error:
        return [*problems, f"the answer has another shape: {error!r}"]
    for name in sorted(question.expected.keys() | found.keys()):
        expected, printed = question.expected.get(name), found.get(name)
        if expected != printed:
            problems.append(f"{name}: {expected} expected, printed {printed}")
    return problems
