"""Writes docs/tampering.md from the attacks that the tests do; ``make docs`` runs it."""

from __future__ import annotations

from pathlib import Path

from tests.integration.tamper_case import EDITS, OF_ALERT, RESIGNED
from tests.integration.tamperings import ATTACKS, HARMLESS, say

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tampering.md"
_HEAD = """\
# Tampering

<!-- Written by `make docs` from the attacks that the tests do; edit tests/integration/tamper*.py. -->

What somebody changes, and which command says so. Every line is done to a real home by
`tests/integration/test_tampering.py` and `test_evidence.py`, which fail if the command does not tell the code
and end with the status. Not noticed: 0 of {total}. Why it works: [ADR-0014](adr/0014-tamper-evidence.md).

`KEPT` is a copy of `checkpoints/checkpoints.jsonl`, of the topic `checkpoints` or of what a SIEM got, where
whoever tampers cannot write. Against somebody who has the machine *and* the key that signs checkpoints only
such a copy helps.

## Store, log and keys

| what is changed | noticed by | code | status |
|---|---|---|---|
"""
_CASE = """
## A case (`lineseal evidence`)

Noticed by its own `verify.py`, alone: Python and `cryptography`, no Lineseal, no configuration.

| what is changed | noticed by | code | status |
|---|---|---|---|
"""
_WORKING = """
## Working state

`store_fact`, `detection`, `tick` and `position` are what a materialiser remembers between two starts. They follow
from no event, so `lineseal verify` compares only what would make it believe too much or look at too little, as
above. It has nothing to say about these, which change no answer; the next start works as before:

| what is changed | then |
|---|---|
"""
_UNTOLD = """
One edit can neither be told nor is it harmless: a rule's watermark moved on, up to the newest commit, before the rule
has looked. That is what having looked looks like. It takes whoever writes the file between a commit and the
detections after it (about a second), and hides alerts, never facts: every answer of `trace`, `impact` and the
others stays, and a store made anew (`lineseal materialise --new-log REASON`, elsewhere) has every rule look at
everything.
"""
_FOOT = """
What the key that signs checkpoints can say in a case and nobody can check from the case alone: the page
`README.md`, the question, and conclusions drawn from the proven events (`result.json`). Ask again with
`lineseal trace` on a store made from the same batches. A changed `verify.py` cannot accuse itself: take the one
of a release.
"""


def page() -> str:
    """Render the whole page."""
    run = "python verify.py case.zip --root KEYID --checkpoint KEPT"
    store = [f"| {a.name} | `{say(a)}` | `{a.code}` | 1 |" for a in ATTACKS]
    case = [f"| {e.name} | `{run}` | `{e.code}` | 1 |" for e in (*EDITS, *OF_ALERT, *RESIGNED)]
    head = _HEAD.format(total=len(store) + len(case))
    harmless = [f"| {a.name} | the same answers, alerts and status 0 |" for a in HARMLESS]
    working = _WORKING + "\n".join(harmless) + "\n" + _UNTOLD
    return head + "\n".join(store) + "\n" + working + _CASE + "\n".join(case) + "\n" + _FOOT


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
