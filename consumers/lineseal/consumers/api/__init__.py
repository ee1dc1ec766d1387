"""Answers for the command line while this process holds the store: a local HTTP API.

Who may ask: whoever may open the Unix socket (0600), or has the token (TCP). What may be asked: the
questions of ``lineseal.queries`` and guarded SQL, nothing that writes. Source: DESIGN 7; ADR-0010.
"""

from lineseal.consumers.api.server import ApiServer

__all__ = ["ApiServer"]
