"""How does an answer look to a person? As a tree, a table, or a drawing; every text is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from lineseal.commandline.escape import visible
from lineseal.commandline.output import Answer, print_table
from lineseal.queries.node import by_number
from lineseal.queries.verdicts import AFFECTED, CLEAN, POSSIBLE, SEVERITY

Row = Mapping[str, Any]

STYLES = {AFFECTED: "bold red", POSSIBLE: "yellow", CLEAN: "green"}
_DIGEST = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]{52}")
_SHORT_RUN = 13
_SENTENCES = {
    AFFECTED: "affected: a path of certain hops leads from the suspect to {subject}",
    POSSIBLE: "possible: neither a certain path nor its absence is proven for {subject}",
    CLEAN: "clean: no path leads from the suspect to {subject}, and its ancestry is proven",
}


@dataclass(frozen=True, slots=True)
class _Step:
    """One line of the tree: a version and the hop by which it stands there."""

    reference: str
    reasons: tuple[str, ...] | None


def print_tree(console: Console, answer: Answer) -> None:
    """Print the answer of ``trace``: a tree, its verdict, and whether it is complete."""
    rows = {row["reference"]: row for row in answer.rows}
    parents = _made_from(answer.extra["edges"])
    root = Tree(_label(rows[answer.subject], None), guide_style="dim")
    expanded = {answer.subject}
    stack = [(root, step) for step in reversed(parents.get(answer.subject, []))]
    while stack:
        branch, step = stack.pop()
        seen = step.reference in expanded
        expanded.add(step.reference)
        leaf = branch.add(_label(rows[step.reference], step.reasons, seen=seen))
        if not seen:
            stack += [(leaf, next_) for next_ in reversed(parents.get(step.reference, []))]
    console.print(root)
    if answer.verdict is not None:
        sentence = _SENTENCES[answer.verdict].format(subject=short(answer.subject))
        console.print(Text(visible(sentence), style=STYLES[answer.verdict]))
    print_completeness(console, answer)


def print_verdicts(console: Console, answer: Answer, columns: Sequence[str]) -> None:
    """Print the answer of ``impact`` as a table, the worst verdict first."""
    ordered = sorted(
        answer.rows, key=lambda row: (SEVERITY[row["verdict"]], by_number(row["reference"]))
    )
    shown = [
        {**row, "reference": short(row["reference"]), "via": _via(row), "dose": _dose(row)}
        for row in ordered
    ]
    print_table(console, columns, shown)
    counts = dict.fromkeys(STYLES, 0)
    for row in answer.rows:
        counts[row["verdict"]] += 1
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    if answer.verdict is not None:
        console.print(Text(said or "no models", style=STYLES[answer.verdict]))
    print_completeness(console, answer)


def print_record(console: Console, answer: Answer) -> None:
    """Print rows one below the other, a line for each value."""
    for row in answer.rows:
        print_table(console, ("field", "value"), [{"field": k, "value": v} for k, v in row.items()])
    for name, extra in answer.extra.items():
        if extra:
            console.print(Text(f"\n{name}"))
            print_table(console, list(extra[0]), extra)


def print_completeness(console: Console, answer: Answer) -> None:
    """Print that the answer is complete, or every reason why it is not."""
    if answer.complete:
        console.print(Text("complete", style="green"))
        return
    console.print(Text("not complete because", style="yellow"))
    for warning in answer.warnings:
        console.print(Text(f"  {visible(warning)}"))


def short(reference: str) -> str:
    """Shorten digests in a REF; what is left can still be pasted back."""
    return _DIGEST.sub(r"\1", reference)


def _dose(row: Row) -> str:
    return "unknown" if row.get("dose") is None else f"{row['dose']:.1%}"


def _via(row: Row) -> str:
    return short(row["via"] or "")


def _made_from(edges: Iterable[Row]) -> dict[str, list[_Step]]:
    """Return for each version the versions it was made from, sorted as people sort."""
    inputs: dict[tuple[str, str], list[Row]] = {}
    for edge in edges:
        if edge["direction"] == "input":
            inputs.setdefault((edge["producer"], edge["run_id"]), []).append(edge)
    found: dict[str, dict[str, set[str]]] = {}
    for edge in edges:
        if edge["direction"] == "output":
            for source in inputs.get((edge["producer"], edge["run_id"]), ()):
                reasons = {*edge["reasons"], *source["reasons"]}
                known = found.setdefault(edge["reference"], {}).setdefault(
                    source["reference"], reasons
                )
                # Of two ways between the same versions the surer one counts.
                if not reasons or not known:
                    known.clear()
    return {
        target: [
            _Step(reference, tuple(sorted(sources[reference])))
            for reference in sorted(sources, key=by_number)
        ]
        for target, sources in found.items()
    }


def _label(row: Row, reasons: tuple[str, ...] | None, *, seen: bool = False) -> Text:
    label = Text()
    label.append(visible(short(row["reference"])), style=STYLES.get(row["verdict"], "bold"))
    if row["verdict"]:
        label.append(f"  SUSPECT, {row['verdict']}", style=STYLES[row["verdict"]])
    if row["version"] and row["digest"]:
        label.append(f"  {short(row['digest'])}", style="dim")
    if reasons is not None:
        weak = f"weak ({', '.join(reasons)})"
        label.append(visible(f"  {weak}" if reasons else "  exact"), style="" if reasons else "dim")
    if seen:
        label.append("  (expanded above)", style="dim")
        return label
    if row["run_id"]:
        run = row["run_id"]
        run = run if len(run) <= _SHORT_RUN else f"{run[:_SHORT_RUN]}…"
        label.append(visible(f"  by {row['job'] or f'run {run}'}"))
    if row["registered"]:
        label.append(
            visible(f"  owner {row['owner']}" if row["owner"] else "  registered"), style="dim"
        )
    return label
