"""``lineseal bom`` writes what other tools read, and its exit status says whether it is proven.

Evidence: the command itself over a materialised store, with keys that ``lineseal keys``
made.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path

import pytest
from tests import warm


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``lineseal ARGUMENTS`` in *home*."""
    environment = {**os.environ, "LINESEAL_HOME": str(home / ".lineseal")}
    return warm.run(*arguments, cwd=home, env=environment)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home in which a wrapped job wrote a model from a registered feed."""
    folder = tmp_path_factory.mktemp("bom")
    (folder / "feed.csv").write_text("a,b\n")
    steps = (
        ("init", "--producer", "jobs"),
        ("emit", "registration", "--subject", "dataset:lake/feed@1", "--owner", "desk"),
        (
            *("run", "--job", "train", "--reads", "dataset:lake/feed@1=feed.csv"),
            *("--writes", "model:reg/fraud@7=model.bin", "--", "cp", "feed.csv", "model.bin"),
        ),
        (
            *("run", "--job", "guess", "--reads", "dataset:lake/loose@1=feed.csv"),
            *("--writes", "model:reg/loose@1=loose.bin", "--", "cp", "feed.csv", "loose.bin"),
        ),
        ("keys", "new", "auditor", "--enrol"),
        ("materialise",),
    )
    for step in steps:
        done = run(folder, *step)
        assert done.returncode == 0, done.stderr
    return folder


def test_a_proven_bill_goes_to_stdout_and_ends_with_zero(home: Path) -> None:
    """CycloneDX by default; nothing else on stdout."""
    done = run(home, "bom", "model:reg/fraud@7")

    document = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert document["specVersion"] == "1.6"
    assert document["compositions"][0]["aggregate"] == "complete"


def test_an_unproven_bill_ends_with_six_and_says_why(home: Path) -> None:
    """Nobody registered what the model was made from."""
    done = run(home, "bom", "model:reg/loose@1", "--spec", "1.7")

    document = json.loads(done.stdout)
    assert done.returncode == 6
    assert "nobody registered dataset:lake/loose@1" in done.stderr
    assert document["compositions"][0]["aggregate"] == "incomplete"


@pytest.mark.parametrize("name", [None, "auditor"])
def test_provenance_is_signed_by_this_homes_key_or_a_named_one(
    home: Path, name: str | None, tmp_path: Path
) -> None:
    """The envelope names the key; the file is whole."""
    out = tmp_path / "fraud.intoto.json"
    chosen = () if name is None else ("--as", name)

    done = run(home, "bom", "model:reg/fraud@7", "--format", "slsa", "-o", str(out), *chosen)

    assert done.returncode == 0, done.stderr
    envelope = json.loads(out.read_text())
    listed = json.loads(run(home, "keys", "list", "--json").stdout)["rows"]
    keys = {row["keyid"]: row["producer"] for row in listed}
    statement = json.loads(base64.b64decode(envelope["payload"]))
    assert keys[envelope["signatures"][0]["keyid"]] == (name or "jobs")
    assert statement["subject"][0]["name"] == "model:reg/fraud@7"


def test_a_key_that_is_not_there_is_said_plainly(home: Path) -> None:
    """Exit status and code of a missing key; nothing is printed as if it were signed."""
    done = run(home, "bom", "model:reg/fraud@7", "--format", "slsa", "--as", "nobody")

    assert done.returncode != 0
    assert done.stdout == ""
    assert "KEY_MISSING" in done.stderr
