"""Names the two libraries whose functions type checkers cannot see.

``pyarrow.compute`` makes its functions when it is imported, ``pyruhvro`` is compiled and may be
missing: there are not wheels for every platform.
"""

from __future__ import annotations

import contextlib
import importlib
from typing import Any

compute: Any = importlib.import_module("pyarrow.compute")
avro: Any = None
"""``pyruhvro``, or None where it is not installed."""

with contextlib.suppress(ImportError):  # the reference way is the only one then
    avro = importlib.import_module("pyruhvro")
