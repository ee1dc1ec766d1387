"""The commands of the producing side: ``lineseal emit``, ``lineseal run``, ``lineseal outbox``."""
