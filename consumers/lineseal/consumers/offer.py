"""Names the key under which the open store is offered to the services of this process.

Whoever derives data from facts reads on ``store.cursor()`` and writes inside
``store.transaction()``. The store is withdrawn before it is closed; a cursor that is open then is
interrupted.
"""

from lineseal.consumers.store import Store
from lineseal.services import SharedKey

STORE: SharedKey[Store] = SharedKey("store")
