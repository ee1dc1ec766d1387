"""An event names the OpenTelemetry span it happened in, if there is one.

What is promised: the ids are those of the active span, in the W3C form; without OpenTelemetry, or
without a span, there are none and nothing is imported. Source: DESIGN 4.1.

Evidence: the real SDK, and an interpreter that never imports it.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
from opentelemetry.sdk.trace import TracerProvider

from lineseal.producers.tracing import active_trace


def test_the_active_span_is_named() -> None:
    """32 and 16 lower-case hex characters."""
    tracer = TracerProvider().get_tracer("test")
    with tracer.start_as_current_span("train") as span:
        context = span.get_span_context()

        assert active_trace() == (f"{context.trace_id:032x}", f"{context.span_id:016x}")


def test_without_a_span_there_are_no_ids() -> None:
    """OpenTelemetry's invalid context is no context."""
    assert active_trace() == (None, None)


def test_a_broken_tracing_library_is_not_the_jobs_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half imported, or replaced by something else."""
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", sys)

    assert active_trace() == (None, None)


def test_emitting_loads_nothing_a_job_does_not_need() -> None:
    """No tracing, command line, event loop or store comes with the emitter."""
    unwanted = ["asyncio", "click", "duckdb", "opentelemetry", "pyarrow", "rich", "structlog"]
    code = (
        "import sys, lineseal.producers;"
        f"print(sorted(set({unwanted!r}) & {{name.partition('.')[0] for name in sys.modules}}))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
