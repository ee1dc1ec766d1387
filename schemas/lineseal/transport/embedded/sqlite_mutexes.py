"""Frees, in a forked child, what another thread of its parent had locked inside SQLite.

SQLite guards state of the whole process with a dozen static mutexes. Whoever uses SQLite in another
thread (MLflow, somebody's cache, a collected connection) may hold one at the moment of a fork; in
the child nobody ever releases it, and the child's first connection waits for ever. Taking them all
before the fork is no way out: Python's sqlite3 waits for them while it holds the interpreter's
lock. Source: sqlite.org/c3ref/mutex_alloc.html; pthread_atfork(3); fault F52.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ctypes

_STATIC = range(2, 14)
"""From SQLITE_MUTEX_STATIC_MAIN to SQLITE_MUTEX_STATIC_VFS3."""
_HARMLESS = frozenset({2, 3, 5, 7})
"""Those that are made anew, whoever had them, since what they guard is hardly ever half done:

MAIN (2): the lists of file systems and of automatic extensions, which a library may change at any
time: each change is a single store, but for a list of extensions that moves while it grows, which
is left dangling if the fork hits that very instant; and the list of shared caches, of which we
open none. MEM (3), by far the busiest: counters. PMEM (7): counters, as long as nobody gave
SQLITE_CONFIG_PAGECACHE. PRNG (5): random numbers, which SQLite begins anew in a child that opens a
file. Source: sqlite3.c (os.c, loadext.c, btree.c, malloc.c, pcache1.c, random.c, os_unix.c).
"""
_OK = 0


class SqliteMutexes:
    """Looks at them in a child; where SQLite is out of reach there are none to look at.

    That is when it is built into the interpreter, and on anything but Linux.
    """

    def __init__(self) -> None:
        """Reach nothing yet: a process that never forks pays nothing."""
        self._library: ctypes.CDLL | None = None
        self._mutexes: dict[int, int] = {}

    def find(self) -> None:
        """Find them; called before a fork, so that a child need not import anything."""
        if self._library is not None or sys.platform != "linux":
            return
        path = getattr(sys.modules.get("_sqlite3"), "__file__", None)
        if path is None:
            return
        import ctypes  # noqa: PLC0415 - several milliseconds of a job that never forks

        with contextlib.suppress(OSError, AttributeError):
            library = ctypes.CDLL(path)
            library.sqlite3_mutex_alloc.restype = ctypes.c_void_p
            for function in (library.sqlite3_mutex_try, library.sqlite3_mutex_leave):
                function.argtypes = [ctypes.c_void_p]
            library.pthread_mutex_init.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
            found = ((number, library.sqlite3_mutex_alloc(number)) for number in _STATIC)
            self._mutexes = {number: mutex for number, mutex in found if mutex}
            self._library = library

    def free(self) -> bool:
        """Make those anew that are locked and harmless; True when none is locked now."""
        library = self._library
        if library is None:
            return True
        free = True
        for number, mutex in self._mutexes.items():
            if library.sqlite3_mutex_try(mutex) == _OK:
                library.sqlite3_mutex_leave(mutex)
            elif number in _HARMLESS:
                library.pthread_mutex_init(mutex, None)
            else:
                free = False
        return free
