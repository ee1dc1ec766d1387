"""``lineseal profile`` measures a data set in a local file, and only that file.

What is promised: the same content gives the same sketch in CSV, JSON and Parquet; the counts are
right where they can be counted by hand; a registration takes the profile as it is printed; hostile
files are refused or counted, open nothing and never crash. Source: DESIGN 5.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sklearn.datasets import load_wine
from tests import warm

from lineseal.queries.profile.overlap import estimate
from lineseal.queries.profile.source import data_file, open_files


def lineseal(*arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the program, and expect how it ends."""
    done = warm.run(*arguments, env={**os.environ, "NO_COLOR": "1"})
    assert done.returncode == status, done.stderr
    return done


def profiled(*arguments: str, status: int = 0) -> dict[str, Any]:
    """Return the printed object."""
    printed: dict[str, Any] = json.loads(
        lineseal("profile", *arguments, "--json", status=status).stdout
    )
    return printed


@pytest.fixture(scope="module")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write scikit-learn's 178 wines as CSV, and their rows in reverse as JSON and Parquet."""
    folder = tmp_path_factory.mktemp("wine")
    bunch: Any = load_wine()
    names = [*bunch.feature_names, "cultivar"]
    rows = [[*map(float, r), int(t)] for r, t in zip(bunch.data, bunch.target, strict=True)]
    with (folder / "wine.csv").open("w", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    lines = [json.dumps(dict(zip(names, row, strict=True))) for row in reversed(rows)]
    (folder / "wine.jsonl").write_text("\n".join(lines))
    (folder / "part.jsonl").write_text(
        "\n".join([*lines[:40], *(f'{{"ash": {n}}}' for n in "123")])
    )
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (FROM '{folder}/wine.jsonl') TO '{folder}/wine.parquet' (FORMAT parquet)"
        )
    return folder


def test_the_same_content_has_the_same_profile_in_every_format(wine: Path) -> None:
    """Whatever the order of rows, and whether 14 is written 14 or 14.0."""
    found = [
        profiled(str(wine / name), "--label", "cultivar")["profile"]
        for name in ("wine.csv", "wine.jsonl", "wine.parquet")
    ]

    assert found[0] == found[1] == found[2]
    assert found[0]["rows"] == 178
    assert found[0]["label_counts"] == {"1": 71, "0": 59, "2": 48}
    assert found[0]["missing"] == found[0]["near_duplicates"] == 0
    assert len(set(found[0]["row_sketch"])) == 178


def test_what_stands_in_a_holdout_is_found_again(wine: Path) -> None:
    """Forty of its 43 rows; the columns that only one file has do not count."""
    overlap = profiled(str(wine / "wine.csv"), "--compare", str(wine / "part.jsonl"))["overlap"]

    assert overlap == {
        "share": round(40 / 43, 6),
        "rows": 40,
        "distinct_rows": 43,
        "compared": 43,
        "exact": True,
    }


def test_each_measure_counts_what_it_says(tmp_path: Path) -> None:
    """Counted by hand."""
    rows = [[f"Text {n}", str(n % 7), "good", "web"] for n in range(20)]
    rows += [
        ["text  4!", "4", "good", "web"],  # nearly the row of 4
        ["Text 5", "5", "bad", "feed"],  # exactly the row of 5, but for label and source
        ["pay\u200bload \u202eevil", "900", "good", "feed"],  # two hidden characters, an outlier
        ["", "NaN", "good", "feed"],  # two cells missing
    ]
    file = tmp_path / "rows.csv"
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["text", "n", "label", "from"], *rows])

    found = profiled(str(file), "--label", "label", "--source", "from")["profile"]

    counted = ("rows", "missing", "outliers", "near_duplicates", "suspicious_characters")
    assert [found[name] for name in counted] == [24, 2, 1, 2, 2]
    assert found["label_counts"] == {"good": 23, "bad": 1}
    assert found["source_counts"] == {"web": 21, "feed": 3}
    assert found["metrics"] == {"columns": 4, "duplicates": 1}


def test_a_registration_takes_the_profile_as_it_is_printed(wine: Path, tmp_path: Path) -> None:
    """From the file that the output was written to."""
    printed = lineseal("profile", str(wine / "wine.csv"), "--label", "cultivar", "--json").stdout
    (tmp_path / "p.json").write_text(printed)
    home = ("--home", str(tmp_path / "home"))
    lineseal(*home, "init", "--producer", "jobs")

    subject = ("--subject", "dataset:lake/wine@1", "--profile-file", str(tmp_path / "p.json"))
    lineseal(*home, "emit", "registration", *subject)

    lineseal(*home, "materialise")
    question = "SELECT profile.rows AS n, len(profile.row_sketch) AS k FROM registration"
    stored = lineseal(*home, "sql", question, "--output", "ndjson").stdout
    assert json.loads(stored) == {"n": 178, "k": 178}


def test_hostile_names_and_values_are_data(tmp_path: Path) -> None:
    """Quotes, SQL and escape sequences in column names and labels are text."""
    column = "a\"'); COPY (SELECT 1) TO 'x.csv'; --"
    file = tmp_path / "it's; DROP.csv"
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([[column, "label"], ["1", "\x1b[2J\nx"], ["2", "'; --"]])

    found = profiled(str(file), "--label", "label")["profile"]

    assert found["label_counts"] == {"'; --": 1, "\\u001b[2J\\u000ax": 1}
    assert found["metrics"]["columns"] == 2
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_no_other_file_can_be_opened_or_written(tmp_path: Path) -> None:
    """Not by a statement either that got past us; the locks cannot be taken off again."""
    (tmp_path / "a.csv").write_text("a\n1\n")
    (tmp_path / "secret.csv").write_text("a\n2\n")

    with open_files([data_file(tmp_path / "a.csv", None)], "1GB") as connection:
        assert connection.execute(f"FROM read_csv('{tmp_path}/a.csv')").fetchall() == [(1,)]
        for statement in (
            f"FROM read_csv('{tmp_path}/secret.csv')",
            f"COPY (SELECT 1) TO '{tmp_path}/new.csv'",
            "SET enable_external_access = true",
            "INSTALL httpfs",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(statement)


def test_an_estimate_from_full_sketches_counts_only_where_both_are_complete() -> None:
    """The second's tokens above the first's largest say nothing."""
    found = estimate(["01", "03", "05"], ["01", "04", "09", "0a"], 3)

    assert (found.share, found.compared, found.exact) == (0.5, 2, False)


def test_lines_that_are_no_rows_are_counted_and_said(tmp_path: Path) -> None:
    """The others are measured; the status says that it is not all."""
    file = tmp_path / "bad.csv"
    good = "".join(f"{n},x\n" for n in range(50))
    file.write_bytes(f"a,b\n{good}1,2,3,4\n".encode() + b"7,\xff\xfe\n" + b"51,y\n")

    answer = profiled(str(file), status=6)

    assert answer["profile"]["rows"] == 51
    assert "2 lines" in answer["warnings"][0]
    assert not answer["complete"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.parquet", b"PAR1" + b"\xff" * 64 + b"PAR1"),
        ("a.json", b"[" * 100_000),
        ("a.json", b'{"a": 1}\n{broken'),
        ("a.csv.gz", b"\x1f\x8b\x08\x00damaged"),
        ("a.csv", b""),
        ("a*.csv", b"a,b\n1,2\n"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_line(
    tmp_path: Path, name: str, content: bytes
) -> None:
    """With a code, and no trace of ours."""
    file = tmp_path / name
    file.write_bytes(content)

    done = lineseal("profile", str(file), status=2)

    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
