"""The jobs of the exit campaign: one small program for each way to end, to fork, to run out of disk.

Each calls ``emit(n)``, which writes the id of every accepted event to a file the moment ``emit`` has
returned it, and ``dropped`` for every one that was not accepted. With ``PLAIN_JOB`` set the same
program runs without an emitter: that is the exit status the job must keep.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass

PRELUDE = """
import atexit, multiprocessing, os, signal, subprocess, sys, threading, time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

PLAIN = "PLAIN_JOB" in os.environ
OUT = os.open(os.environ["SAID"], os.O_WRONLY | os.O_APPEND)
if not PLAIN:
    from lineseal.producers import Emitter, dataset
    emitter = Emitter.from_env()

def emit(count=20, pause=0.0, reason="r"):
    kept = 0
    for _ in range(count):
        said = "-" if PLAIN else emitter.quarantine("dataset:lake/tx@3", reason=reason)
        kept += said is not None
        os.write(OUT, f"{said or 'dropped'}\\n".encode())
        if pause:
            time.sleep(pause)
    return kept

def wait_for(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""


@dataclass(frozen=True, slots=True)
class Case:
    """Name a way to end, the program, and what is special about it.

    Attributes:
        name: What a reader of the table sees.
        script: The program, after the prelude.
        status: Exit status; negative for a signal.
        disk: What is wrong with the disk: ``read-only``, ``full``, ``filling``, or nothing.
        environment: Settings of Lineseal for this case.
        count: How many events the program tries to emit, when that is certain.
        drops: Whether events may be refused here.
        told: Whether what was refused must be in the log as a loss.

    """

    name: str
    script: str
    status: int = 0
    disk: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    count: int | None = 20
    drops: bool = False
    told: bool = True


_KILL = "os.kill(os.getpid(), signal.{}); signal.pause()"
_GUARD = 'if __name__ == "__main__":\n'

EXITS = (
    Case("end of the program", "emit()"),
    Case("end of a with block", "with emitter if not PLAIN else open(os.devnull): emit()"),
    Case("exception", "emit(); raise ValueError", 1),
    Case("sys.exit(3)", "emit(); sys.exit(3)", 3),
    Case("os._exit(4)", "emit(); os._exit(4)", 4),
    Case("os.abort()", "emit(); os.abort()", -signal.SIGABRT),
    Case("another program by exec", "emit(); os.execv('/bin/sh', ['sh', '-c', 'exit 5'])", 5),
    Case("SIGTERM", "emit(); " + _KILL.format("SIGTERM"), -signal.SIGTERM),
    Case("SIGHUP", "emit(); " + _KILL.format("SIGHUP"), -signal.SIGHUP),
    Case("SIGINT", "emit(); os.kill(os.getpid(), signal.SIGINT); time.sleep(9)", -signal.SIGINT),
    Case("SIGSEGV", "emit(); " + _KILL.format("SIGSEGV"), -signal.SIGSEGV),
    Case("SIGKILL", "emit(); " + _KILL.format("SIGKILL"), -signal.SIGKILL),
    Case(
        "SIGTERM, the handler exits",
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); emit(); " + _KILL.format("SIGTERM"),
        7,
    ),
    Case(
        "SIGTERM, the handler emits and exits",
        "signal.signal(signal.SIGTERM, lambda *_: (emit(5), sys.exit(7))); emit(15); "
        + _KILL.format("SIGTERM"),
        7,
    ),
    Case(
        "a daemon thread emits while the interpreter ends",
        "t = threading.Thread(target=emit, args=(10**6,), daemon=True); t.start(); time.sleep(0.3)",
        count=None,
        drops=True,
        told=False,
    ),
    Case(
        "a thread emits after the main thread's end",
        "threading.Thread(target=lambda: (time.sleep(0.2), emit(10))).start(); emit(10)",
    ),
    Case("atexit, registered after the emitter was made", "atexit.register(emit, 5); emit(15)"),
    Case(
        "atexit, registered before the first event of another emitter",
        "atexit.register(emit, 10)\nif not PLAIN: emitter = Emitter.from_env()\nemit(10)",
    ),
    Case("thread pool", "with ThreadPoolExecutor(4) as pool: list(pool.map(emit, [5] * 4))"),
    Case(
        "SIGKILL while eight threads emit",
        "[threading.Thread(target=emit, args=(10**6,)).start() for _ in range(8)]\n"
        "time.sleep(0.3); " + _KILL.format("SIGKILL"),
        -signal.SIGKILL,
        count=None,
    ),
    Case(
        "a run above 60 KiB",
        "if not PLAIN:\n with emitter.run('fraud/big') as run:\n"
        "  run.reads(*(dataset('lake', f'part-{n:04}-' + 'x' * 60) for n in range(1500)))\nemit()",
    ),
)


def _fork(child: str, parent: str = "assert wait_for(pid) == 0; emit(5)") -> str:
    return f"emit(5)\npid = os.fork()\nif pid == 0:\n emit(10); {child}\nelse:\n {parent}\n"


def _workers(method: str, body: str) -> str:
    return f"{_GUARD} context = multiprocessing.get_context({method!r})\n {body}\n"


_PROCESSES = (
    "found = [context.Process(target=emit, args=(5,)) for _ in range(4)]\n"
    " [p.start() for p in found]; [p.join() for p in found]\n"
    " sys.exit(max(p.exitcode for p in found))"
)
_POOL = "with ProcessPoolExecutor(2, mp_context=context) as pool: list(pool.map(emit, [5] * 4))"

FORKS = (
    Case("fork, the child ends by os._exit", _fork("os._exit(0)")),
    Case("fork, the child ends by sys.exit", _fork("sys.exit(0)")),
    Case("fork, the child is killed", _fork("os.kill(os.getpid(), 9)", "wait_for(pid); emit(5)")),
    Case(
        "fork, the parent is killed", _fork("os._exit(0)", "wait_for(pid); emit(5); os.abort()"), -6
    ),
    Case(
        "double fork of a daemon",
        _fork(
            "pid = os.fork(); (emit(5) if pid == 0 else wait_for(pid)); os._exit(0)",
            "wait_for(pid)",
        ),
    ),
    Case(
        "fork while threads emit",
        "busy = [threading.Thread(target=emit, args=(200,)) for _ in range(4)]\n"
        "[t.start() for t in busy]\n"
        "for _ in range(5):\n pid = os.fork()\n if pid == 0:\n  emit(4); os._exit(0)\n"
        " assert wait_for(pid) == 0\n[t.join() for t in busy]",
        count=820,
    ),
    Case(
        "preloaded workers that get SIGTERM, as gunicorn's",
        "emit(5)\npids = []\nfor _ in range(3):\n pid = os.fork()\n if pid == 0:\n"
        "  signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); emit(5); time.sleep(30)\n"
        " pids.append(pid)\ntime.sleep(0.6)\n[os.kill(pid, signal.SIGTERM) for pid in pids]\n"
        "sys.exit(max(map(wait_for, pids)))",
    ),
    Case("multiprocessing, fork", _workers("fork", _PROCESSES)),
    Case("multiprocessing, spawn", _workers("spawn", _PROCESSES)),
    Case("multiprocessing, forkserver", _workers("forkserver", _PROCESSES)),
    Case("process pool, fork", _workers("fork", _POOL)),
    Case("process pool, spawn", _workers("spawn", _POOL)),
    Case("process pool, forkserver", _workers("forkserver", _POOL)),
    Case(
        "a pool that is terminated",
        _workers("fork", "pool = context.Pool(2); pool.map(emit, [5] * 4, 1); pool.terminate()"),
    ),
    Case(
        "a subprocess with an emitter of its own",
        "emit(10)\nif len(sys.argv) < 2:\n"
        " sys.exit(subprocess.run([sys.executable, __file__, 'again']).returncode)",
    ),
)

_BIG = "reason='x' * 7000"
_CAP = (("LINESEAL_EMITTER__MAX_BYTES", str(1 << 20)),)
_RELEASE = "os.remove(os.path.join(os.environ['LINESEAL_HOME'], 'log', 'filler'))"

DISKS = (
    Case("byte cap reached", f"emit(300, {_BIG})", environment=_CAP, count=300, drops=True),
    Case("read-only disk", "emit()", disk="read-only", drops=True, told=False),
    Case("disk full before the job", "emit()", disk="full", drops=True, told=False),
    Case("disk full in mid-job", f"emit(900, {_BIG})", disk="filling", count=900, drops=True),
    Case(
        "disk full in mid-job, then SIGKILL",
        f"emit(900, {_BIG}); time.sleep(0.5); " + _KILL.format("SIGKILL"),
        -signal.SIGKILL,
        disk="filling",
        count=900,
        drops=True,
        told=False,
    ),
    Case(
        "disk full in mid-job, then space again",
        f"emit(900, {_BIG})\nif not PLAIN: {_RELEASE}; time.sleep(0.6); assert emit(20) == 20\nelse: emit(20)",
        disk="filling",
        count=920,
        drops=True,
    ),
    Case(
        "disk full before the job, then space again",
        f"emit(5)\nif not PLAIN: {_RELEASE}; time.sleep(1.2)\nemit(15)",
        disk="full",
        drops=True,
    ),
)
