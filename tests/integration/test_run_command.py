"""``lineseal run`` records a program without changing what it does.

What is promised: streams, environment, descriptors and signals reach the program as if nobody
stood in between; its exit status is ours, also when Lineseal cannot work; inputs are hashed before
it starts and outputs after it ended; how it ended is recorded; what it emits itself names this
run as its parent; everything is sealed when the command returns. Source: DESIGN 1, 5.

Evidence: real programs under the real command, every event read back through the log.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.producers.world import Said, headers_of, make_home, said_in

from lineseal.schemas.model import BatchFlags
from lineseal.settings import Home

RUN = (sys.executable, "-m", "lineseal.commandline", "run", "--job", "fraud/train")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a home in the folder the commands run in."""
    return make_home(tmp_path)


def run(
    folder: Path, *arguments: str, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run ``lineseal run`` with *arguments* in *folder*."""
    return subprocess.run(
        [*RUN, *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def runs(home: Home) -> list[Said]:
    """Return the run events in the order they were said."""
    return [said for said in said_in(home) if said.body_name == "run"]


def digest(data: bytes) -> str:
    """Return the digest of a file with these bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_a_program_is_recorded_as_a_run(home: Home, tmp_path: Path) -> None:
    """Inputs as they were before it, outputs as they were after it, both hashed."""
    (tmp_path / "tx.csv").write_text("before")

    done = run(
        tmp_path,
        *("--stage", "train", "--parameter", "lr=0.1", "--parameter", "db_password=x"),
        *(
            "--trigger",
            "nightly",
            "--reads",
            "dataset:lake/tx@3=tx.csv",
            "--reads",
            "code:git/repo",
        ),
        *("--writes", "model:registry/fraud@7=model.bin", "--"),
        *("sh", "-c", "printf after > tx.csv; cat > model.bin; echo --token=abc"),
        stdin="weights",
    )

    start, read, written, complete = runs(home)
    assert (done.returncode, done.stdout, done.stderr) == (0, "--token=abc\n", "")
    assert [use["artifact"]["digest"] for use in read.body["inputs"]] == [digest(b"before"), None]
    assert written.body["outputs"][0]["artifact"]["digest"] == digest(b"weights")
    assert written.body["outputs"][0]["size_bytes"] == len("weights")
    assert complete.body["state"] == "COMPLETE"
    assert start.body["parameters"] == [
        {"key": "lr", "value": "0.1"},
        {"key": "db_password", "value": "[redacted]"},
    ]
    assert start.body["code"]["entry_point"].startswith("sh -c ")
    assert "abc" not in start.body["code"]["entry_point"]
    assert (start.record["stage"], start.body["trigger"]) == ("train", "nightly")
    assert headers_of(home)[-1].flags & BatchFlags.FINAL


@pytest.mark.parametrize(
    ("program", "status", "state", "message"),
    [
        ("exit 0", 0, "COMPLETE", None),
        ("exit 3", 3, "FAIL", "exit status 3"),
        ("exit 255", 255, "FAIL", "exit status 255"),
        ("kill -KILL $$", 128 + 9, "FAIL", "ended by SIGKILL"),
        ("kill -SEGV $$", 128 + 11, "FAIL", "ended by SIGSEGV"),
    ],
)
def test_the_exit_status_is_the_programs_own(
    home: Home, tmp_path: Path, program: str, status: int, state: str, message: str | None
) -> None:
    """And how it ended is recorded."""
    done = run(tmp_path, "--", "sh", "-c", program)

    end = runs(home)[-1].body

    assert done.returncode == status
    assert (end["state"], end["message"]) == (state, message)


def test_a_program_that_cannot_be_started_is_a_failed_run(home: Home, tmp_path: Path) -> None:
    """With the statuses a shell gives."""
    (tmp_path / "plain").write_text("no program")

    assert run(tmp_path, "--", "no-such-program").returncode == 127
    assert run(tmp_path, "--", "./plain").returncode == 126
    assert [said.body["state"] for said in runs(home)] == ["START", "FAIL"] * 2


def test_what_lay_there_before_was_not_written_by_a_program_that_never_ran(
    home: Home, tmp_path: Path
) -> None:
    """An old model must not get a new origin."""
    (tmp_path / "model.pkl").write_text("of an earlier run")
    done = run(tmp_path, "--writes", "model:reg/fraud@7=model.pkl", "--", "no-such-program")

    assert done.returncode == 127
    assert not any(said.body["outputs"] for said in runs(home))


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"LINESEAL_HOME": "/no/such/home"},
        {"LINESEAL_EMITTER__PRODUCER": "nobody", "HOMED": "yes"},
        {"LINESEAL_EMITTER__LINGER_MS": "soon", "HOMED": "yes"},
        {"LINESEAL_LOG__URL": "embedded:lineseal.toml/log", "HOMED": "yes"},
        {"LINESEAL_EMITTER__STRICT": "true"},
    ],
    ids=["no home", "wrong home", "no key", "bad setting", "no folder", "strict"],
)
def test_a_program_runs_even_when_lineseal_cannot(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """Its output and status are its own; that nothing was recorded is said on stderr."""
    if "HOMED" in environment:
        make_home(tmp_path)

    done = run(
        tmp_path,
        *("--reads", "dataset:lake/tx=nothing", "--", "sh", "-c", "echo out; echo err >&2; exit 5"),
        **environment,
    )

    assert (done.returncode, done.stdout) == (5, "out\n")
    assert "err\n" in done.stderr
    assert "3 events of this run could not be recorded" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--reads", "lake/tx", "--", "touch", "started"),
        ("--writes", "model:x@", "--", "touch", "started"),
        ("--parameter", "lr", "--", "touch", "started"),
        (),
    ],
)
def test_a_mistake_in_our_own_options_is_found_before_the_program(
    home: Home, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """Status 2, and nothing was started."""
    assert run(tmp_path, *arguments).returncode == 2
    assert not (tmp_path / "started").exists()


def test_options_after_the_program_are_the_programs(home: Home, tmp_path: Path) -> None:
    """With or without ``--``."""
    done = run(tmp_path, "echo", "--job", "x", "--help")

    assert done.stdout == "--job x --help\n"


def test_what_the_program_emits_names_this_run(home: Home, tmp_path: Path) -> None:
    """Wherever it changes its folder to."""
    job = (
        "import os; os.chdir('/')\n"
        "from lineseal.producers import Emitter\n"
        "with Emitter.from_env(strict=True) as emitter:\n"
        "    with emitter.run('fraud/inner'): pass\n"
    )

    done = run(tmp_path, "--", sys.executable, "-c", job)

    by_job = {said.record["job"]["name"]: said for said in runs(home) if said.body["environment"]}
    assert done.returncode == 0, done.stderr
    assert by_job["inner"].body["parent"] == {
        "run_id": by_job["train"].record["run_id"],
        "job_namespace": "fraud",
        "job_name": "train",
    }


def test_open_descriptors_are_passed_on(home: Home, tmp_path: Path) -> None:
    """As make's job server does; our own files stay ours."""
    listing = "import os; print(sorted(os.listdir('/proc/self/fd'), key=int))"
    reading, writing = os.pipe()
    with os.fdopen(reading), os.fdopen(writing, "w"):
        plain = subprocess.run(
            [sys.executable, "-c", listing], capture_output=True, pass_fds=[reading], check=True
        )
        wrapped = subprocess.run(
            [*RUN, "--", sys.executable, "-c", listing],
            cwd=tmp_path,
            capture_output=True,
            pass_fds=[reading],
            check=True,
        )

    assert wrapped.stdout == plain.stdout


WAITER = """
import os
import signal, sys, time

def stop(number, frame):
    # Not print: the signal may come while "ready" is still being printed.
    os.write(1, f"got {signal.Signals(number).name}\\n".encode())
    sys.exit({status})

for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, stop)
print("ready", flush=True)
while True:
    time.sleep(0.1)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize(("status", "state"), [(0, "COMPLETE"), (7, "ABORT")])
def test_signals_reach_the_program(
    home: Home, tmp_path: Path, number: signal.Signals, status: int, state: str
) -> None:
    """It decides what they mean; its end is recorded and sealed all the same."""
    program = WAITER.replace("{status}", str(status))
    with subprocess.Popen(
        [*RUN, "--", sys.executable, "-c", program],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        try:
            rest = process.stdout.read()
        finally:
            process.kill()

    assert rest == f"got {number.name}\n"
    assert process.returncode == status
    assert [said.body["state"] for said in runs(home)] == ["START", state]


def test_a_signal_that_ends_the_program_is_an_abort(home: Home, tmp_path: Path) -> None:
    """Somebody stopped it: that is no failure of the job."""
    with subprocess.Popen(
        [*RUN, "--", "sh", "-c", "echo ready; exec sleep 100"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        process.wait()

    end = runs(home)[-1].body

    assert process.returncode == 128 + signal.SIGTERM
    assert (end["state"], end["message"]) == ("ABORT", "ended by SIGTERM after SIGTERM")


def test_ignored_signals_stay_ignored(home: Home, tmp_path: Path) -> None:
    """``nohup lineseal run ...`` survives the terminal, and so does the program."""
    with subprocess.Popen(
        ["nohup", *RUN, "--", "sh", "-c", "echo ready; kill -HUP $$ $PPID; echo alive"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()

    assert (process.returncode, output) == (0, "ready\nalive\n")
    assert runs(home)[-1].body["state"] == "COMPLETE"


@pytest.mark.parametrize("status", [0, 3])
def test_only_outputs_that_are_there_are_recorded(home: Home, tmp_path: Path, status: int) -> None:
    """Also when the program failed: it may have left one of them, and that is told."""
    done = run(
        tmp_path,
        *("--writes", "model:r/made@1=made", "--writes", "model:r/missing@1=missing"),
        *("--writes", "model:r/remote@1", "--", "sh", "-c", f"echo x > made; exit {status}"),
    )

    _, written, end = runs(home)
    outputs = [use["artifact"] for use in written.body["outputs"]]
    assert [(a["name"], a["digest"]) for a in outputs] == [
        ("made", digest(b"x\n")),
        ("remote", None),
    ]
    assert (done.returncode, end.body["state"]) == (status, "FAIL" if status else "COMPLETE")
    (said,) = [line for line in done.stderr.splitlines() if "left nothing" in line]
    assert said.startswith("lineseal: warning: the program left nothing at missing: ")
    assert said.endswith("model:r/missing@1 is not recorded as written")


def test_a_run_that_wrote_nothing_records_no_output(home: Home, tmp_path: Path) -> None:
    """Only how it started and how it ended."""
    run(tmp_path, "--writes", "model:r/m@1=made/m.bin", "--", "false")

    assert [said.body["state"] for said in runs(home)] == ["START", "FAIL"]
