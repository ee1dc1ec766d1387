"""The log that needs no server: one SQLite file per emitting process in one folder.

The same files are the outbox that a relay ships to Kafka. ``Outbox`` writes them,
``EmbeddedLogReader`` reads them all, ``adopt_orphans`` seals what crashed processes left.
"""

from lineseal.transport.embedded.names import open_log_folder
from lineseal.transport.embedded.orphans import adopt_orphans
from lineseal.transport.embedded.outbox import Outbox
from lineseal.transport.embedded.reader import EmbeddedLogReader
from lineseal.transport.embedded.writer import EmbeddedLogWriter

__all__ = [
    "EmbeddedLogReader",
    "EmbeddedLogWriter",
    "Outbox",
    "adopt_orphans",
    "open_log_folder",
]
