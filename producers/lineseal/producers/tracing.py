"""Answers which OpenTelemetry span is active, if the job uses OpenTelemetry at all.

There is no dependency: only when the job itself has imported ``opentelemetry.trace`` can a span
be active.
"""

from __future__ import annotations

import sys
from typing import Any


def active_trace() -> tuple[str | None, str | None]:
    """Return (trace id of 32, span id of 16 hex characters), or two None without a span."""
    trace: Any = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None, None
    try:
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            return f"{context.trace_id:032x}", f"{context.span_id:016x}"
    except Exception:  # noqa: BLE001 - a module half imported, or a foreign span: no trace
        return None, None
    return None, None
