"""The asking commands, over a store that signed batches were materialised into.

What is promised: exit statuses say what the answer says; data goes to stdout and everything else
to stderr; the JSON has one shape; nothing that a rebuild in another order changes is in it; errors
say what to do. Source: DESIGN 8, 9; ADR-0004, ADR-0005.
"""

from __future__ import annotations

import csv
import io
import json
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.simulator import Pipeline, artifact

from lineseal.commandline.program import main
from lineseal.schemas.model import Promotion, PromotionAction

FEED, RAW = artifact("dataset:lake/feed@1"), artifact("dataset:lake/raw@1")
DIGEST = "sha256:" + 64 * "d"
SHAPE = ["query", "subject", "as_of", "known_at", "verdict", "complete", "warnings", "rows"]


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Return stdout as JSON."""
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed


class CommandLine:
    """Runs commands in this process, in one home."""

    def __init__(self, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self._patch = patch
        self._capture = capture

    def __call__(self, *arguments: str) -> Result:
        """Run ``lineseal ARGUMENTS``."""
        self._patch.setattr(sys, "argv", ["lineseal", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = self._capture.readouterr()
        return Result(int(ended.value.code or 0), captured.out, captured.err)


def build(folder: Path, order: Sequence[int] | None = None) -> Path:
    """Materialise two trainings, the second with a feed, and return the home.

    Model 1 is proven clean of the feed, model 2 holds it, model 3 may. *order* shuffles the log.
    """
    pipeline = Pipeline(folder)
    etl, trainer = pipeline.producer("etl"), pipeline.producer("trainer")
    etl.register(RAW, owner="alice")
    etl.register(FEED, owner="partner")
    etl.run("clean-1", reads=[RAW], writes=[artifact("dataset:lake/clean@1")])
    etl.run("clean-2", reads=[RAW, FEED], writes=[artifact("dataset:lake/clean@2")])
    for version in ("1", "2"):
        trainer.run(
            f"train-{version}",
            reads=[artifact(f"dataset:lake/clean@{version}")],
            writes=[artifact(f"model:registry/fraud@{version}")],
        )
    trainer.run(
        "train-3",
        reads=[artifact("dataset:lake/feed")],
        writes=[artifact(f"model:registry/fraud@{DIGEST}")],
    )
    model = artifact("model:registry/fraud@2")
    trainer.emit(
        Promotion(artifact=model, action=PromotionAction.PROMOTE, to_environment="production")
    )
    etl.finish()
    trainer.finish()
    if order is not None:
        entries = pipeline.log.entries
        pipeline.log.entries = [entries[index % len(entries)] for index in order]
    pipeline.materialise(limit=4)
    (folder / "lineseal.toml").write_text('[deployment]\nname = "simulation"\n')
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the home that most tests read."""
    return build(tmp_path_factory.mktemp("home"))


@pytest.fixture
def run(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """Return what runs a command in that home."""
    monkeypatch.setenv("LINESEAL_HOME", str(home))
    return CommandLine(monkeypatch, capsys)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ("trace model:registry/fraud@2", 0),
        ("trace model:registry/fraud@sha256:dddd", 6),
        ("trace model:registry/fraud@2 --max-depth 1", 6),
        ("trace model:registry/fraud@2 --suspect dataset:lake/feed@1", 1),
        ("trace model:registry/fraud@1 --suspect dataset:lake/feed@1", 0),
        ("trace model:registry/fraud@1 --suspect dataset:lake/feed --all-versions", 0),
        ("trace model:registry/fraud@sha256:dddd --suspect dataset:lake/feed@1", 6),
        ("trace model:registry/fraud", 3),
        ("trace model:registry/fraud@9", 3),
        ("trace fraud", 2),
        ("trace model:registry/fraud@2 --as-of yesterday", 2),
        ("trace model:registry/fraud@2 --max-depth -1", 2),
        ("trace model:registry/fraud@2 --all-versions", 2),
        ("trace model:registry/fraud@2 --known-at 2025-01-01", 3),
        ("impact dataset:lake/raw@1", 0),
        ("impact dataset:lake/feed@1", 6),
        ("impact dataset:lake/feed@1 --all-models", 1),
        ("impact model:registry/fraud@1 --all-models --max-depth 0", 1),
        ("impact dataset:lake/clean@1 --output dot", 0),
        ("impact dataset:lake/clean@1 --all-models --output dot", 2),
        ("impact dataset:lake/nothing@1", 3),
        ("producers", 0),
        ("rejects", 0),
        ("rejects --code BAD_SIGNATURE", 0),
        ("rejects show 00000000", 3),
        ("status", 0),
    ],
)
def test_the_exit_status_says_what_the_answer_says(
    run: CommandLine, arguments: str, status: int
) -> None:
    """0 answered, 1 a finding, 2 usage, 3 not found, 6 not complete."""
    result = run(*arguments.split())

    assert result.status == status, result.err


@pytest.mark.parametrize(
    ("statement", "status"),
    [
        ("SELECT count(*) FROM event", 0),
        ("DELETE FROM event", 4),
        ("SELECT * FROM read_text('/etc/passwd')", 4),
        ("SELEC", 2),
        ("SELECT * FROM event --limit", 0),
    ],
)
def test_sql_has_its_own_statuses(run: CommandLine, statement: str, status: int) -> None:
    """4 is refused."""
    assert run("sql", statement).status == status


def test_sql_prints_the_names_that_were_asked_for(run: CommandLine) -> None:
    """Underscores and all: the next statement is written from what is read here."""
    heading = run("sql", "SELECT 1 AS own_key, 2 AS a_b").out.splitlines()[0]

    assert heading.split() == ["own_key", "a_b"]


def test_sql_that_is_cut_says_so(run: CommandLine) -> None:
    """On stderr, with status 6."""
    result = run("sql", "SELECT event_id FROM event", "--limit", "2", "--output", "csv")

    assert result.status == 6
    assert len(result.out.splitlines()) == 3
    assert "warning: there are more rows than --limit 2" in result.err


@pytest.mark.parametrize(
    "arguments",
    [
        "trace model:registry/fraud@2",
        "trace model:registry/fraud@2 --suspect dataset:lake/feed@1",
        "impact dataset:lake/feed@1",
        "impact dataset:lake/feed@1 --all-models",
        "producers",
        "rejects",
        "status",
    ],
)
def test_all_json_has_one_shape(run: CommandLine, arguments: str) -> None:
    """The eight keys of every query come first, in order; rows of one answer have equal keys."""
    answer = run(*arguments.split(), "--json").json

    assert list(answer)[: len(SHAPE)] == SHAPE
    assert len({tuple(row) for row in answer["rows"]}) <= 1


def test_a_row_that_names_an_artifact_has_the_promised_keys(run: CommandLine) -> None:
    """DESIGN 8: more may come, none goes."""
    promised = {
        *("kind", "namespace", "name", "version", "digest"),
        *("run_id", "depth", "verdict", "via"),
    }
    for arguments in (
        ("trace", "model:registry/fraud@2"),
        ("impact", "dataset:lake/feed@1"),
        ("impact", "dataset:lake/feed@1", "--all-models"),
    ):
        for row in run(*arguments, "--json").json["rows"]:
            assert promised <= row.keys()


def test_every_model_gets_its_verdict_and_where_it_runs(run: CommandLine) -> None:
    """Answer the question of the day after: which models did this feed reach."""
    answer = run("impact", "dataset:lake/feed@1", "--all-models", "--json").json

    assert [(row["reference"], row["verdict"], row["environment"]) for row in answer["rows"]] == [
        (f"model:registry/fraud@{DIGEST}", "possible", None),
        ("model:registry/fraud@1", "clean", None),
        ("model:registry/fraud@2", "affected", "production"),
    ]


def test_people_see_a_tree_and_a_verdict(run: CommandLine) -> None:
    """All of it on stdout, no colour into a pipe."""
    result = run("trace", "model:registry/fraud@2", "--suspect", "dataset:lake/feed@1")

    assert result.out.splitlines() == [
        "model:registry/fraud@2  by default/trainer",
        "└── dataset:lake/clean@2  exact  by default/etl",
        "    ├── dataset:lake/feed@1  SUSPECT, affected  exact  owner partner",
        "    └── dataset:lake/raw@1  exact  owner alice",
        "affected: a path of certain hops leads from the suspect to model:registry/fraud@2",
        "complete",
    ]
    assert result.err == ""


def test_programs_get_every_format(run: CommandLine) -> None:
    """CSV and NDJSON hold the same rows as JSON; warnings go to stderr."""
    question = ("impact", "dataset:lake/feed@1")
    rows = run(*question, "--json").json["rows"]
    lines = run(*question, "--output", "ndjson")
    table = run(*question, "--output", "csv")

    assert [json.loads(line) for line in lines.out.splitlines()] == rows
    read = list(csv.DictReader(io.StringIO(table.out)))
    assert [row["reference"] for row in read] == [row["reference"] for row in rows]
    assert "warning: " in lines.err
    assert "warning: " in table.err


def test_what_was_not_known_then_is_not_in_the_answer(run: CommandLine) -> None:
    """``--as-of`` before the second cleaning: the model is there, its making is not."""
    answer = run("impact", "dataset:lake/feed@1", "--as-of", "2026-01-01T00:00:05Z", "--json").json

    assert [row["reference"] for row in answer["rows"]] == ["dataset:lake/feed@1"]
    assert answer["as_of"] == "2026-01-01T00:00:05.000000Z"


def test_a_mistyped_ref_gets_suggestions(run: CommandLine) -> None:
    """On stderr, and nothing on stdout."""
    result = run("trace", "model:registry/frod@2")

    assert result.out == ""
    assert "did you mean:\n  model:registry/fraud\n" in result.err


@pytest.mark.parametrize("seed", range(3))
def test_order_and_duplicates_of_delivery_do_not_show(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    seed: int,
) -> None:
    """Byte for byte the same JSON from a log that was shuffled and repeated."""
    order = [*range(11), *range(11)]
    random.Random(seed).shuffle(order)  # noqa: S311 - a fixed shuffle
    other = build(tmp_path, order)
    run = CommandLine(monkeypatch, capsys)
    for arguments in (
        ("trace", "model:registry/fraud@2"),
        ("trace", f"model:registry/fraud@{DIGEST}", "--suspect", "dataset:lake/feed@1"),
        ("impact", "dataset:lake/feed@1"),
        ("impact", "dataset:lake/feed@1", "--all-models"),
    ):
        results: list[Result] = []
        for folder in (home, other):
            monkeypatch.setenv("LINESEAL_HOME", str(folder))
            results.append(run(*arguments, "--json"))
        assert results[0] == results[1]


def test_a_refused_record_is_listed_and_its_bytes_can_be_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Into a new file for the owner only; never over another."""
    pipeline = Pipeline(tmp_path)
    producer = pipeline.producer("etl")
    producer.register(RAW)
    pipeline.log.append("etl", b"garbage \x1b[2J")
    producer.finish()
    pipeline.materialise()
    (tmp_path / "lineseal.toml").write_text('[deployment]\nname = "simulation"\n')
    monkeypatch.setenv("LINESEAL_HOME", str(tmp_path))
    run = CommandLine(monkeypatch, capsys)
    (row,) = run("rejects", "--json").json["rows"]
    saved = tmp_path / "raw.bin"

    shown = run("rejects", "show", row["id"][:8], "--raw", str(saved))
    assert shown.status == 0
    assert b"garbage \x1b[2J".hex() in shown.out
    assert saved.read_bytes() == b"garbage \x1b[2J"
    assert saved.stat().st_mode & 0o777 == 0o600
    assert run("rejects", "show", row["id"][:8], "--raw", str(saved)).status == 2


def test_a_missing_batch_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``producers`` exits 1 and names the range; nothing is clean any more."""
    pipeline = Pipeline(tmp_path)
    producer = pipeline.producer("etl")
    producer.register(RAW)
    producer.run("clean-1", reads=[RAW], writes=[artifact("model:registry/m@1")])
    producer.register(FEED)
    producer.send()
    producer.finish()
    del pipeline.log.entries[3]
    pipeline.materialise()
    (tmp_path / "lineseal.toml").write_text('[deployment]\nname = "simulation"\n')
    monkeypatch.setenv("LINESEAL_HOME", str(tmp_path))
    run = CommandLine(monkeypatch, capsys)

    found = run("producers")
    assert found.status == 1
    assert "warning: batch 3 is missing from epoch" in found.err
    assert run("trace", "model:registry/m@1", "--suspect", "dataset:lake/feed@1").status == 6


def test_before_the_first_materialisation_it_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every command: status 3 and a sentence."""
    (tmp_path / "lineseal.toml").write_text('[deployment]\nname = "simulation"\n')
    monkeypatch.setenv("LINESEAL_HOME", str(tmp_path))
    run = CommandLine(monkeypatch, capsys)
    for arguments in ("trace model:x@1", "impact model:x@1", "sql SHOW", "producers", "status"):
        result = run(*arguments.split())
        assert result.status == 3
        assert "run 'lineseal materialise' first" in result.err


def test_the_installed_program_answers(home: Path) -> None:
    """As a person starts it, from another folder."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "lineseal.commandline", "--home", str(home)),
            *("impact", "dataset:lake/feed@1", "--all-models"),
        ],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert done.returncode == 1
    assert done.stdout.splitlines()[1].split()[:3] == [
        "affected",
        "model:registry/fraud@2",
        "production",
    ]
