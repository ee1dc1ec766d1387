"""Files of a log folder are named, locked and placed so that nobody meets by accident.

What is promised: any producer's name makes a file name, two names never the same; a lock dies
with its holder and its marks are believed only when they make sense; risky file systems are
named. Source: DESIGN 2, 5, 9; fault F55.
"""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.transport.world import ROOMY, sealer

from lineseal.schemas.errors import ConfigurationError, LogError, TooLarge
from lineseal.settings import Home, LogSettings, Settings
from lineseal.transport.embedded import EmbeddedLogWriter, Outbox, open_log_folder
from lineseal.transport.embedded.filesystem import concern_about, filesystem_of
from lineseal.transport.embedded.lock import Marks, try_lock
from lineseal.transport.embedded.names import file_stem, files_of, numbered

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=400)

MOUNTS = """\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:25 / /run rw,nosuid shared:2 - tmpfs tmpfs rw
41 22 0:40 / /mnt/shared\\040data rw shared:3 master:1 - nfs4 server:/export rw
42 41 254:2 / /mnt/shared\\040data/local rw - xfs /dev/vdb rw
50 22 0:50 / /var/lib/docker rw - ext4 /dev/vdc rw
51 22 0:51 / /var/lib/docker rw - overlay overlay rw
a line that is none
"""


@given(st.lists(NAMES, min_size=2, max_size=2, unique=True))
def test_two_producers_never_share_a_file_name(names: list[str]) -> None:
    """And every file name is one that file systems take."""
    stems = [file_stem(name) for name in names]

    assert stems[0] != stems[1]
    for stem in stems:
        assert stem.isascii()
        assert "/" not in stem
        assert len(f"{stem}.10000.sqlite-wal") <= 255


def test_a_producers_files_are_its_own_lowest_number_first(tmp_path: Path) -> None:
    """Ten comes after two, and a name that begins alike is another's."""
    for name in ("fraud", "fraud.1", "frau"):
        for number in (10, 2):
            numbered(tmp_path, name, number).database.touch()
    (tmp_path / "fraud.2.sqlite-wal").touch()

    assert [f.stream for f in files_of(tmp_path, "fraud")] == ["fraud.2.sqlite", "fraud.10.sqlite"]


@pytest.mark.parametrize("producer", [".", "..", "a/../b", "x" * 1000, "älice", "a b", "100%41"])
def test_any_producer_can_open_an_outbox(tmp_path: Path, producer: str) -> None:
    """In the folder and nowhere else."""
    with Outbox.open(tmp_path, producer, sealer(producer=producer), max_bytes=ROOMY) as outbox:
        outbox.accept([b"event"])

        assert tmp_path == outbox.path.parent


def test_the_log_folder_comes_from_the_settings(tmp_path: Path) -> None:
    """Taken from the home, for its owner alone."""
    folder = open_log_folder(Settings(), Home(tmp_path))
    elsewhere = open_log_folder(
        Settings(log=LogSettings(url=f"embedded:{tmp_path}/else")), Home(tmp_path / "home")
    )

    assert tmp_path / "log" / "events" == folder
    assert tmp_path / "else" / "events" == elsewhere
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("url", ["", "log", "embedded:", "sqlite://log"])
def test_another_kind_of_log_is_a_configuration_error(tmp_path: Path, url: str) -> None:
    """The message shows what is expected."""
    with pytest.raises(ConfigurationError, match="embedded:FOLDER"):
        open_log_folder(Settings(log=LogSettings(url=url)), Home(tmp_path))


def test_a_lock_is_held_by_one_opening_only(tmp_path: Path) -> None:
    """Also within one process; releasing frees it."""
    held = try_lock(tmp_path / "a.lock")
    assert held is not None
    assert try_lock(tmp_path / "a.lock") is None
    held.release()
    held.release()
    again = try_lock(tmp_path / "a.lock")
    assert again is not None
    again.release()


def test_marks_are_kept_in_the_lock_file(tmp_path: Path) -> None:
    """For the next holder."""
    held = try_lock(tmp_path / "a.lock")
    assert held is not None
    assert Marks() == held.read_marks()
    held.note(Marks(3, 2, 9))
    held.release()
    again = try_lock(tmp_path / "a.lock")
    assert again is not None

    assert Marks(3, 2, 9) == again.read_marks()
    again.release()


@pytest.mark.parametrize("content", [b"x", b"LSM1", b"LSM2" + bytes(24), b"LSM1" + b"\xff" * 24])
def test_marks_that_make_no_sense_are_not_believed(tmp_path: Path, content: bytes) -> None:
    """A damaged lock file must not keep a producer from writing."""
    (tmp_path / "a.lock").write_bytes(content)
    held = try_lock(tmp_path / "a.lock")
    assert held is not None

    assert Marks() == held.read_marks()
    held.release()


def test_a_lock_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(LogError, match=r"a\.lock"):
        try_lock(tmp_path / "missing" / "a.lock")


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/me/.lineseal/log", "ext4"),
        ("/run/lineseal", "tmpfs"),
        ("/runner", "ext4"),
        ("/mnt/shared data/log", "nfs4"),
        ("/mnt/shared data/local/log", "xfs"),
        ("/var/lib/docker/x", "overlay"),
    ],
)
def test_the_file_system_of_a_folder_is_found(folder: str, kind: str) -> None:
    """The longest mount point counts, and of two at one place the later."""
    assert kind == filesystem_of(Path(folder), MOUNTS)


def test_a_folder_on_no_known_file_system_raises_no_concern() -> None:
    """Other systems than Linux do not say."""
    assert filesystem_of(Path("/"), "") is None
    assert concern_about(None) is None
    assert concern_about("ext4") is None


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "overlay", "tmpfs"])
def test_a_risky_file_system_is_named(kind: str) -> None:
    """With what to do instead."""
    assert "use a" in str(concern_about(kind))


def test_a_plain_writer_refuses_what_no_record_may_be(tmp_path: Path) -> None:
    """Over 1 MiB, and after closing."""
    writer = EmbeddedLogWriter(tmp_path, "alerts")
    with pytest.raises(TooLarge):
        writer.append("alerts", bytes((1 << 20) + 1))
    writer.close()

    with pytest.raises(LogError, match="closed"):
        writer.append("alerts", b"alert")
