"""Runs the story from beginning to end and keeps what every process said."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

from lineseal.demo import questions, story
from lineseal.demo.processes import Finished, Workshop
from lineseal.demo.questions import QUESTIONS, JsonAnswer, Question
from lineseal.demo.screen import Screen

Metrics: TypeAlias = Mapping[str, Any]
_LAST_LINES = 12


class Performance:
    """Runs set-up, pipeline and questions, and tells them on a screen.

    >>> Performance(workshop, screen, show=True).run()["as_expected"]
    """

    def __init__(self, workshop: Workshop, screen: Screen, *, show: bool) -> None:
        """Prepare a run; with *show* the commands also print their answers for people."""
        self._workshop = workshop
        self._screen = screen
        self._show = show
        self._stages: list[dict[str, Any]] = []
        self._answers: dict[str, JsonAnswer] = {}
        self._statuses: dict[str, int] = {}
        self._problems: dict[str, list[str]] = {}
        self._metrics: dict[str, Metrics] = {}

    def run(self) -> dict[str, Any]:
        """Run everything and return the result that ``--json`` prints.

        A process that fails ends the story: what it said is shown, ``as_expected`` is false.
        """
        started = time.monotonic()
        told = self._set_up() and self._build() and self._materialise()
        if told:
            for question in QUESTIONS:
                self._ask(question)
        return {
            "as_expected": told and not any(self._problems.values()),
            "models": self._models(),
            "answers": self._answers,
            "exit_statuses": self._statuses,
            "unexpected": self._problems,
            "metrics": self._metrics,
            "stages": self._stages,
            "seconds": round(time.monotonic() - started, 1),
            "home": str(self._workshop.home),
        }

    def _set_up(self) -> bool:
        self._screen.chapter("One home, one pipeline, two people: each with a key of their own")
        return all(self._command(arguments) for arguments in story.SETUP)

    def _build(self) -> bool:
        self._screen.chapter(
            "The pipeline builds model 1: each stage a process that signs what it did"
        )
        if not self._steps(story.MODEL_ONE):
            return False
        self._screen.chapter("A partner's feed gets in, and model 2 is built with it")
        if not self._steps(story.MODEL_TWO):
            return False
        self._compare()
        return True

    def _materialise(self) -> bool:
        self._screen.chapter("Then somebody notices the 7s: verify every signed batch, and ask")
        return self._command(("materialise", "--once"), show=self._show)

    def _steps(self, steps: Iterable[story.Step]) -> bool:
        for step in steps:
            done = self._workshop.stage(step.module, *step.arguments)
            self._stages.append(
                {"stage": step.shown, "module": step.module, "seconds": round(done.seconds, 2)}
            )
            if done.status != 0:
                self._failed(step.shown, done)
                return False
            self._screen.step(step.shown, done.stdout.strip())
        return True

    def _command(self, arguments: tuple[str, ...], *, show: bool = False) -> bool:
        self._screen.command(arguments)
        if show:
            return self._workshop.show(*arguments) == 0
        done = self._workshop.lineseal(*arguments)
        if done.status != 0:
            self._failed(arguments[0], done)
        return done.status == 0

    def _compare(self) -> None:
        for version in ("1", "2"):
            file = self._workshop.folder / "reports" / f"digits-evaluation-{version}.json"
            self._metrics[version] = json.loads(file.read_text("utf-8"))
        before, after = self._metrics["1"], self._metrics["2"]
        digit = story.FLIPPED_CLASS
        self._screen.means(
            f"The gate sees accuracy go from {before['accuracy']:.1%} to {after['accuracy']:.1%}. "
            f"Nobody sees that {after['recall'][digit]:.0%} of the {digit}s "
            f"are found instead of {before['recall'][digit]:.0%}."
        )

    def _ask(self, question: Question) -> None:
        self._screen.asks(question.asks)
        self._screen.command(question.arguments)
        with ThreadPoolExecutor(1) as second:
            asked = second.submit(self._workshop.lineseal, *question.arguments, "--json")
            if self._show:
                self._workshop.show(*question.arguments)
        done = asked.result()
        self._statuses[question.key] = done.status
        try:
            answer: JsonAnswer = json.loads(done.stdout)
        except ValueError:
            self._problems[question.key] = ["the answer is not JSON"]
            self._failed(question.arguments[0], done)
            return
        self._answers[question.key] = answer
        problems = questions.unmet(question, done.status, answer)
        self._problems[question.key] = problems
        self._screen.means("; ".join(problems) or question.means, expected=not problems)

    def _models(self) -> dict[str, dict[str, Any]]:
        answer = self._answers.get("impact")
        verdicts = questions.verdicts(answer) if answer else {}
        return {reference: {"verdict": verdict} for reference, verdict in verdicts.items()}

    def _failed(self, name: str, done: Finished) -> None:
        self._screen.means(f"{name} failed with exit status {done.status}", expected=False)
        for line in (done.stderr or done.stdout).splitlines()[-_LAST_LINES:]:
            self._screen.say(line)
