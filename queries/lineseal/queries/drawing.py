"""Draws a lineage as a Graphviz digraph: boxes are versions, ellipses runs, dashes weak hops."""

from __future__ import annotations

from lineseal.commandline.escape import visible
from lineseal.commandline.output import Answer
from lineseal.queries.render import short
from lineseal.queries.verdicts import AFFECTED, CLEAN, POSSIBLE

_COLOURS = {AFFECTED: "red", POSSIBLE: "orange", CLEAN: "green"}


def draw(answer: Answer) -> str:
    """Return the DOT text of an answer with rows, runs and edges."""
    names = {row["reference"]: f"a{index}" for index, row in enumerate(answer.rows)}
    runs = {
        (run["producer"], run["run_id"]): f"r{index}"
        for index, run in enumerate(answer.extra["runs"])
    }
    lines = ["digraph lineage {", "  rankdir=LR;", "  node [shape=box];"]
    for row in answer.rows:
        label = _quote(short(row["reference"]))
        colour = _COLOURS.get(row["verdict"])
        lines.append(
            f"  {names[row['reference']]} [label={label}{f', color={colour}' if colour else ''}];"
        )
    # Rows may be left out (--deployed), and what led to them then is too.
    edges = [edge for edge in answer.extra["edges"] if edge["reference"] in names]
    drawn = {(edge["producer"], edge["run_id"]) for edge in edges}
    for run in answer.extra["runs"]:
        if (run["producer"], run["run_id"]) not in drawn:
            continue
        label = _quote(run["job"] or run["run_id"])
        lines.append(f"  {runs[run['producer'], run['run_id']]} [label={label}, shape=ellipse];")
    for edge in edges:
        ends = [names[edge["reference"]], runs[edge["producer"], edge["run_id"]]]
        if edge["direction"] == "output":
            ends.reverse()
        weak = f" [style=dashed, label={_quote(', '.join(edge['reasons']))}]"
        lines.append(f"  {' -> '.join(ends)}{'' if edge['certain'] else weak};")
    return "\n".join([*lines, "}"])


def _quote(text: str) -> str:
    return '"' + visible(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
