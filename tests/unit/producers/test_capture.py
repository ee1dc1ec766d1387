"""What is captured about a job's files, code and environment is exact and checkable.

What is promised: a file's digest is the SHA-256 of its bytes and a folder's that of what
``sha256sum`` prints for its files, so anybody can check it; a file that changes while it is read
gets no digest; a job outside a repository, or without git, simply says less. Source: DESIGN 5.

Evidence: digests computed a second way, a real git repository, and folders with links, loops,
pipes and odd names.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import platform
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineseal.producers.capture.digest import digest_path
from lineseal.producers.capture.environment import capture_code, capture_environment, code_folder
from lineseal.producers.capture.git import git_state
from lineseal.schemas.errors import Unreadable

IMAGE = "sha256:" + "5" * 64


def sha256(data: bytes) -> str:
    """Return the hex digest of *data*."""
    return hashlib.sha256(data).hexdigest()


def git(folder: Path, *arguments: str) -> str:
    """Run git in *folder* as a person would."""
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with one commit and a lockfile in its root."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "train.py").write_text("pass\n")
    (tmp_path / "uv.lock").write_text("version = 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    git(tmp_path, "remote", "add", "origin", "https://example.org/fraud.git")
    return tmp_path


@pytest.mark.parametrize("size", [0, 1, 1024 * 1024, 3 * 1024 * 1024 + 7])
def test_a_file_is_hashed_whole(tmp_path: Path, size: int) -> None:
    """Whatever its size is to the chunks it is read in."""
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    (tmp_path / "data").write_bytes(data)

    measured = digest_path(tmp_path / "data")

    assert (measured.digest, measured.size_bytes) == (f"sha256:{sha256(data)}", size)


def test_a_folder_is_hashed_as_sha256sum_lists_it(tmp_path: Path) -> None:
    """Sorted by the bytes of the names, folders included in them, times and modes not."""
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "b" / "c" / "z").write_bytes(b"one")
    (tmp_path / "b-a").write_bytes(b"two")
    (tmp_path / "Ä").write_bytes(b"three")
    (tmp_path / "empty").mkdir()
    lines = [f"{sha256(b'two')}  b-a", f"{sha256(b'one')}  b/c/z", f"{sha256(b'three')}  Ä"]

    measured = digest_path(tmp_path)

    expected = sha256("".join(f"{line}\n" for line in lines).encode())
    assert (measured.digest, measured.files) == (f"sha256:{expected}", 3)
    assert measured.size_bytes == len("onetwothree")


@pytest.mark.parametrize(
    ("name", "shown"), [(b"a\nb", rb"a\nb"), (b"a\\b", rb"a\\b"), (b"a\rb", rb"a\rb")]
)
def test_a_name_with_a_line_break_cannot_pose_as_two_files(
    tmp_path: Path, name: bytes, shown: bytes
) -> None:
    """The line is escaped and marked, as ``sha256sum`` does."""
    (tmp_path / os.fsdecode(name)).write_bytes(b"x")
    line = b"\\" + sha256(b"x").encode() + b"  " + shown + b"\n"

    assert digest_path(tmp_path).digest == f"sha256:{sha256(line)}"


@given(st.dictionaries(st.from_regex(r"[a-c]{1,3}", fullmatch=True), st.binary(max_size=8)))
def test_moving_bytes_between_files_changes_the_folder(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    """Two folders have one digest only if they hold the same files."""
    one, other = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    for name, data in files.items():
        (one / name).write_bytes(data)
        (other / f"{name}x").write_bytes(data)

    assert (digest_path(one).digest == digest_path(other).digest) == (not files)


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    """A model hub's snapshot is a folder of links; a link upwards is not walked again."""
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "1").write_bytes(b"weights")
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    (snapshot / "model.bin").symlink_to(tmp_path / "blobs" / "1")
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "model.bin").write_bytes(b"weights")
    expected = digest_path(plain).digest

    assert digest_path(snapshot).digest == expected
    (snapshot / "up").symlink_to(snapshot)
    assert digest_path(snapshot).digest == expected


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """In a folder it is left out; alone it is an error."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "data").write_bytes(b"x")

    assert digest_path(tmp_path).files == 1
    with pytest.raises(Unreadable, match="neither a file nor a folder"):
        digest_path(tmp_path / "pipe")


def test_what_is_not_there_is_unreadable(tmp_path: Path) -> None:
    """The message says what and why."""
    with pytest.raises(Unreadable, match=r"cannot hash .*/nothing: No such file"):
        digest_path(tmp_path / "nothing")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    with pytest.raises(Unreadable):
        digest_path(tmp_path)


def touch(path: Path, moment: int) -> None:
    """Change the file's time, as rewriting it in place does."""
    os.utime(path, (moment, moment))


def append(path: Path, moment: int) -> None:
    """Let the file grow, as a log does: reading to its end would never end."""
    with path.open("ab") as file:
        file.write(b"%d" % moment)


@pytest.mark.parametrize("meddle", [touch, append])
def test_a_file_that_changes_meanwhile_gets_no_digest(
    tmp_path: Path, meddle: Callable[[Path, int], None]
) -> None:
    """A digest of half old and half new bytes would be of no version at all."""
    path = tmp_path / "data"
    path.touch()
    os.truncate(path, 128 * 1024 * 1024)
    done = threading.Event()

    def write_on() -> None:
        for moment in itertools.count():
            meddle(path, moment)
            if done.is_set():
                return

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        with pytest.raises(Unreadable, match="changed while"):
            digest_path(path)
    finally:
        done.set()
        writer.join()


def test_the_commit_and_its_repository_are_found(repository: Path) -> None:
    """From any folder of the work tree."""
    (repository / "sub").mkdir()

    state = git_state(repository / "sub")

    assert state is not None
    assert state.root == repository
    assert state.commit == git(repository, "rev-parse", "HEAD")
    assert (state.dirty, state.remote) == (False, "https://example.org/fraud.git")


def test_a_changed_tree_is_dirty_and_an_unknown_file_is_not(repository: Path) -> None:
    """Data and results lie about in every work tree."""
    (repository / "result.csv").write_text("1\n")
    clean = git_state(repository)
    (repository / "train.py").write_text("changed\n")
    git_state.cache_clear()
    changed = git_state(repository)

    assert clean is not None
    assert changed is not None
    assert (clean.dirty, changed.dirty) == (False, True)


def test_outside_a_repository_nothing_is_said(tmp_path: Path) -> None:
    """Neither commit nor code, unless the entry point is known."""
    assert git_state(tmp_path) is None
    assert capture_code(tmp_path, None) is None
    code = capture_code(tmp_path, "train.py")
    assert code is not None
    assert (code.entry_point, code.commit) == ("train.py", None)


def test_without_git_nothing_is_said(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No git command is no error."""
    monkeypatch.setenv("PATH", str(repository))

    assert git_state(repository) is None


def test_a_repository_cannot_start_programs_here(repository: Path) -> None:
    """``core.fsmonitor`` of a checked-out project names a program that git would run."""
    trap = repository / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {repository}/sprung\n")
    trap.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(trap))

    state = git_state(repository)

    assert state is not None
    assert not (repository / "sprung").exists()


def test_the_environment_names_interpreter_platform_and_lockfile(repository: Path) -> None:
    """The lockfile of the repository's root counts for its folders."""
    (repository / "sub").mkdir()

    environment = capture_environment(repository / "sub")

    assert environment.python == platform.python_version()
    assert environment.lockfile_digest == digest_path(repository / "uv.lock").digest
    assert environment.platform is not None
    assert environment.platform.startswith(platform.system())
    assert environment.image_digest is None


def test_the_most_exact_lockfile_wins(tmp_path: Path) -> None:
    """A lockfile before a list of requirements."""
    (tmp_path / "requirements.txt").write_bytes(b"numpy\n")
    loose = capture_environment(tmp_path).lockfile_digest
    (tmp_path / "poetry.lock").write_bytes(b"exact\n")

    assert loose == digest_path(tmp_path / "requirements.txt").digest
    assert (
        capture_environment(tmp_path).lockfile_digest
        == digest_path(tmp_path / "poetry.lock").digest
    )


@pytest.mark.parametrize(("given", "expected"), [(IMAGE, IMAGE), ("latest", None), ("", None)])
def test_the_image_digest_comes_from_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, expected: str | None
) -> None:
    """A container cannot see it; a text that is no digest must not spoil the event."""
    monkeypatch.setenv("LINESEAL_IMAGE_DIGEST", given)

    assert capture_environment(tmp_path).image_digest == expected


def test_the_code_is_where_the_script_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not where it is started from; an installed command has no script."""
    (tmp_path / "jobs").mkdir()
    script = tmp_path / "jobs" / "train.py"
    script.write_text("pass\n")
    monkeypatch.chdir(tmp_path)

    monkeypatch.setattr("sys.argv", ["jobs/train.py", "--lr", "1"])
    assert code_folder() == script.parent
    monkeypatch.setattr("sys.argv", ["/usr/bin/something"])
    assert code_folder() == tmp_path
