"""Ships sealed batches from the outboxes of this home to Kafka, byte for byte.

``Relay`` does the shipping, ``RelayCursor`` remembers how far it came, ``BackgroundRelay`` ships
from a thread. Nothing here opens a batch or writes to a producer's file.
"""

from lineseal.transport.relay.background import BackgroundRelay
from lineseal.transport.relay.cursor import RelayCursor
from lineseal.transport.relay.ship import Relay

__all__ = ["BackgroundRelay", "Relay", "RelayCursor"]
