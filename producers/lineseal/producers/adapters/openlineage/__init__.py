"""Turns OpenLineage events into ours: pure functions, written from the specification 2-0-2.

``read_documents`` takes text apart, ``map_document`` says what one event means, ``Intake`` makes it
durable. What no rule here understands stays in the document, which is kept byte for byte.
"""

from lineseal.producers.adapters.openlineage.document import Document, read_documents
from lineseal.producers.adapters.openlineage.encoding import Sender
from lineseal.producers.adapters.openlineage.mapping import Mapped, map_document

__all__ = ["Document", "Mapped", "Sender", "map_document", "read_documents"]
