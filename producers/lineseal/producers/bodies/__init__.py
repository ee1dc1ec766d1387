"""The emitter's methods that record one fact each: registrations, checks, decisions, response.

One module per module of the model. Every method takes friendly values (``lineseal.producers.
friendly`` says which), returns the event's id, or None when it was dropped, and raises only from
a strict emitter.
"""

from lineseal.producers.bodies.assurance import AssuranceMethods
from lineseal.producers.bodies.people import PeopleMethods
from lineseal.producers.bodies.response import ResponseMethods
from lineseal.producers.bodies.supply import SupplyMethods

__all__ = ["AssuranceMethods", "PeopleMethods", "ResponseMethods", "SupplyMethods"]
