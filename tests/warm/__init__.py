"""``lineseal`` in a process of its own, without the second that its imports take.

``run`` does what ``subprocess.run([sys.executable, "-m", "lineseal.commandline", ...])`` does, but
asks a server (``server.py``) that has imported everything to fork: the command has its own process,
environment, folder and streams, and ends as a program ends. What a cold start promises (light
imports, entry points, the installed script) is tested by programs that start cold.
"""

from tests.warm.client import run as run

__all__ = ["run"]
