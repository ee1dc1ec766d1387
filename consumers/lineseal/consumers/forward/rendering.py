"""The renderings a sink may be given, by their names in the settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lineseal.consumers.forward.cef import to_cef
from lineseal.consumers.forward.ecs import to_ecs
from lineseal.consumers.forward.ocsf import Document
from lineseal.consumers.forward.text import to_line

Renderer = Callable[[Document], str]
"""Makes one line of text without any control character of a stamped canonical document."""

RENDERINGS: Mapping[str, Renderer] = {
    "ocsf": to_line,
    "ecs": lambda document: to_line(to_ecs(document)),
    "cef": to_cef,
}
"""A new format is one more function here (LEEF, say): sinks only know the name."""
