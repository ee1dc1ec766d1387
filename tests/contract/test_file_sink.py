"""The file sink keeps the contract, and its own promises about rotation and torn lines."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.sink_contract import SinkContract, SinkHarness
from tests.siem.documents import shipments

from lineseal.consumers.sinks.base import Outcome, Sink
from lineseal.consumers.sinks.file import FileSink


class FileHarness:
    """A file in a folder that can be taken away."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "siem" / "records.jsonl"
        self.sink: Sink = FileSink(self.path)

    def uids(self, expected: int) -> list[str]:
        """Return the uid of every line."""
        del expected
        return [record["metadata"]["uid"] for record in lines(self.path)]

    def stop(self) -> None:
        """Put a folder where the file should be."""
        self.sink.close()
        self.path.mkdir(parents=True)

    def close(self) -> None:
        """Close the sink."""
        self.sink.close()


def lines(path: Path) -> list[dict[str, dict[str, str]]]:
    """Return the records in a file."""
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


class TestFileSink(SinkContract):
    """The default sink."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> Iterator[SinkHarness]:
        """Give a sink on a new file."""
        made = FileHarness(tmp_path)
        yield made
        made.close()


def test_a_torn_line_is_cut_off_before_the_next_is_written(tmp_path: Path) -> None:
    """A crash in the middle of a write leaves no line that is not JSON."""
    path = tmp_path / "f.jsonl"
    batch = shipments("ocsf")
    FileSink(path).send(batch[:2])
    with path.open("ab") as file:
        file.write(b'{"half":"' + b"x" * 200_000)

    sink = FileSink(path)
    sink.send(batch[2:3])

    assert [each["metadata"]["uid"] for each in lines(path)] == [each.uid for each in batch[:3]]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_full_file_is_renamed_and_nothing_is_lost(tmp_path: Path) -> None:
    """An agent that follows the inode reads the old file to its end, then the new one."""
    sink = FileSink(tmp_path / "f.jsonl", rotate_bytes=4096)
    sent = [record for _ in range(4) for record in shipments("ocsf")]

    for record in sent:
        assert sink.send([record])[0].outcome is Outcome.OK

    files = sorted(tmp_path.glob("f.jsonl.*"), key=lambda file: int(file.suffix[1:]))
    found = [
        each["metadata"]["uid"] for file in [*files, tmp_path / "f.jsonl"] for each in lines(file)
    ]
    assert found == [each.uid for each in sent]
    assert len(files) > 2
    assert all(file.stat().st_size <= 8192 for file in files)


def test_a_file_that_somebody_else_rotated_is_made_anew(tmp_path: Path) -> None:
    """Logrotate with 'create' or a plain mv: the next record goes to the name, not the inode."""
    path = tmp_path / "f.jsonl"
    sink = FileSink(path)
    first, second = shipments("ocsf")[:2]
    sink.send([first])
    path.rename(tmp_path / "moved")

    sink.send([second])

    assert [each["metadata"]["uid"] for each in lines(path)] == [second.uid]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """Whoever may write the folder must not choose which file we append to."""
    (tmp_path / "target").write_text("precious\n")
    (tmp_path / "f.jsonl").symlink_to(tmp_path / "target")

    receipts = FileSink(tmp_path / "f.jsonl").send(shipments("ocsf"))

    assert {each.outcome for each in receipts} == {Outcome.RETRY}
    assert (tmp_path / "target").read_text() == "precious\n"
