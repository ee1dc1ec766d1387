"""What was refused can be looked at safely, whatever it was made of.

What is promised: ``lineseal rejects`` and ``rejects show`` print no control, bidi or invisible
character and no formula, in any format, whatever the log's keys and the refused bytes hold; the
bytes are shown in hex, all of them. Source: attack table A27, A32; SECURITY.md, "Hostile input".
"""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import pytest
from tests.assets.generate import MAX_FILE_BYTES, assets
from tests.assets.kit import DEPLOYMENT, MALLORY, SIGNER
from tests.simulator import Pipeline

from lineseal.commandline.program import main
from lineseal.schemas.characters import is_hidden

KEYS = (
    MALLORY,
    "\x1b]0;owned\x07\x1b[2J",
    "a\u202eb\u200bc",
    "line\nforged | MALFORMED | by nobody",
    "=cmd|' /C calc'!A0",
    "[bold red]markup[/]",
    "t\tb\0n",
    "CEF:0|x|y=z\\",
    "x" * 5000,
)
FORMATS = ("table", "json", "ndjson", "csv")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Refuse one hostile record of each class, and rubbish under hostile keys."""
    folder = tmp_path_factory.mktemp("refused")
    pipeline = Pipeline(folder, deployment=DEPLOYMENT)
    pipeline.enrol(SIGNER, MALLORY)
    one_each = {asset.defect: asset for asset in assets() if len(asset.value) <= MAX_FILE_BYTES}
    for asset in one_each.values():
        pipeline.log.append(MALLORY, asset.value)
    for key in KEYS:
        pipeline.log.append(key, b"rubbish \x1b[31m\r\n\0 of " + key.encode())
    pipeline.materialise()
    (folder / "lineseal.toml").write_text('[deployment]\nname = "simulation"\n', "utf-8")
    return folder


@pytest.mark.parametrize("output", FORMATS)
def test_what_was_refused_is_listed_and_shown_without_its_tricks(
    home: Path, output: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every row of the list, and every record by itself with its bytes in hex."""
    monkeypatch.setenv("LINESEAL_HOME", str(home))

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["lineseal", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        assert ended.value.code == 0, shown.err
        return shown.out.replace("\r\n", "\n")  # CSV ends its lines so

    rows = json.loads(run("rejects", "--json"))["rows"]
    listed = run("rejects", "--output", output)
    records = {
        row["id"]: run("rejects", "show", row["id"], "--output", output)
        for row in rows
        if row["log_key"] != MALLORY or row is rows[0]
    }

    assert len(rows) > len(KEYS) + 20
    assert len(records) == len(KEYS)
    for text in (listed, *records.values()):
        assert [c for c in text if c != "\n" and is_hidden(c)] == []
    for text in records.values():
        assert b"rubbish".hex() in text.replace("\n", "").replace(" ", "") or MALLORY in text
    if output == "csv":
        cells = [cell for row in csv.reader(io.StringIO(listed)) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t"))]
        assert len(listed.splitlines()) == len(rows) + 1
    if output == "ndjson":
        assert len(listed.splitlines()) == len(rows)
