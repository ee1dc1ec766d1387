"""What a long-running part of Lineseal is, and who keeps it running.

A *service* is a callable that takes a ``ServiceContext`` and returns soon after ``context.stop``
is set. Services are found through the entry-point group ``lineseal.services`` and run by
``lineseal up``, one thread each, in one process; what one of them offers to the others goes
through ``context.shared``. Nothing here knows DuckDB, Kafka or HTTP.
"""

from lineseal.services.contract import Service, ServiceContext, ServiceLog
from lineseal.services.discovery import SERVICE_GROUP, FoundService, find_services
from lineseal.services.shared import Shared, SharedKey
from lineseal.services.state import ServiceState, ServiceStatus
from lineseal.services.supervisor import SUPERVISOR, Supervisor

__all__ = [
    "SERVICE_GROUP",
    "SUPERVISOR",
    "FoundService",
    "Service",
    "ServiceContext",
    "ServiceLog",
    "ServiceState",
    "ServiceStatus",
    "Shared",
    "SharedKey",
    "Supervisor",
    "find_services",
]
