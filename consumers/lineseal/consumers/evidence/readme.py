"""Writes the page in a case that says what it holds and how to check it with others' tools."""

from __future__ import annotations

from importlib.resources import files

from lineseal.commandline.escape import visible
from lineseal.consumers.evidence.closure import Closure
from lineseal.settings import DeploymentSettings


def readme(closure: Closure, deployment: DeploymentSettings, vkey: str) -> str:
    """Render the page of a case; *vkey* is the log's key as other tools take it."""
    page = (files("lineseal.consumers.evidence") / "bundle" / "README.md").read_text("utf-8")
    return page.format(
        subject=visible(closure.subject).replace("`", "'"),
        deployment=deployment.name,
        roots="\n".join(f"* `{keyid}`" for keyid in deployment.roots),
        vkey=vkey,
    )
