"""``lineseal emit`` records any fact from a shell; ``lineseal outbox`` shows and seals the rest.

What is promised: every body has a command with an option for every field, and its example works;
options, JSON and both together give the same event; the command returns when the event is in the
log, prints its id, and fails with a documented status when it could not be recorded; the outbox
commands tell pending from sealed and adopt what crashed. Source: DESIGN 4.1, 8.

Evidence: the real program in this process, read back through the log.
"""

from __future__ import annotations

import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from lineseal.producers.cli.emit import emit
from lineseal.producers.cli.examples import EXAMPLES
from lineseal.producers.cli.options import options_for, values_from
from lineseal.producers.friendly import build
from lineseal.schemas.avsc import field_types
from lineseal.schemas.errors import InvalidEvent, InvalidReference, KeyMissing
from lineseal.schemas.model import BODY_FIELDS, BatchFlags, Source
from lineseal.settings import Home

from .world import PRODUCER, command, headers_of, said_in

RUN_ID = "0190f0a0-0000-7000-8000-000000000001"
CRASH = """
import os
from lineseal.producers import Emitter

emitter = Emitter.from_env(strict=True)
for _ in range(5):
    emitter.record_access("p", "read", "job:x")
os._exit(0)
"""


def crash(folder: Path) -> None:
    """Let a job emit five events and end before they are sealed."""
    environment = {**os.environ, "LINESEAL_EMITTER__LINGER_MS": "3600000"}
    subprocess.run([sys.executable, "-c", CRASH], cwd=folder, env=environment, check=True)


def test_there_is_an_example_for_every_body() -> None:
    """It is what ``--help`` shows."""
    assert list(EXAMPLES) == list(BODY_FIELDS)


@pytest.mark.parametrize("name", BODY_FIELDS)
def test_the_example_of_each_body_works(
    home: Home, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """The id it prints is that of one sealed event with that body."""
    options = shlex.split(EXAMPLES[name].format(run_id=RUN_ID, hex="a" * 64))
    capsys.readouterr()

    command("emit", name.replace("_", "-"), *options)

    (said,) = said_in(home)
    assert (said.body_name, said.event_id) == (name, capsys.readouterr().out.strip())
    assert headers_of(home)[-1].flags & BatchFlags.FINAL


@pytest.mark.parametrize("name", BODY_FIELDS)
def test_every_field_of_a_body_has_an_option(name: str) -> None:
    """And every option fills a field the model knows."""
    body = BODY_FIELDS[name]
    targets = {str(option.name).split("__")[1] for option in options_for(body)}

    assert targets == set(field_types(body))


@pytest.mark.parametrize("name", BODY_FIELDS)
def test_each_body_has_help(name: str) -> None:
    """What it is for, its options and an example."""
    context = click.Context(emit)
    one = emit.get_command(context, name.replace("_", "-"))
    assert one is not None

    text = one.get_help(click.Context(one, info_name="emit"))

    assert "Example:" in text
    assert "--as PERSON" in text
    assert "``" not in text


def test_a_record_can_be_given_whole_and_in_part() -> None:
    """``--source URI`` and ``--source.publisher NAME`` meet in one record, in any order."""
    expected = {"source": {"uri": "u", "publisher": "p"}}

    assert values_from({"field__source": "u", "field__source__publisher": "p"}) == expected
    assert values_from({"field__source__publisher": "p", "field__source": "u"}) == expected
    assert values_from({"field__source": "u", "job": "x", "field__owner": None}) == {"source": "u"}
    assert build(Source, expected["source"]) == Source(uri="u", publisher="p")


def test_json_and_options_make_one_event(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Options win over the file; ``-`` is standard input."""
    fields = {"artifact": "dataset:lake/tx@3", "check": {"tool": "t", "name": "n"}}
    (tmp_path / "body.json").write_text(json.dumps({**fields, "outcome": "fail"}))
    command("emit", "validation", "--from-json", "body.json", "--outcome", "warn")
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps([{**fields, "outcome": "pass"}] * 2)))
    command("emit", "validation", "--from-json", "-", "--rows-checked", "5")

    first, second, third = said_in(home)

    assert first.body["outcome"] == "warn"
    assert first.body["check"]["tool"] == "t"
    assert [second.body["rows_checked"], third.body["rows_checked"]] == [5, 5]


def test_a_person_signs_with_their_own_key(home: Home) -> None:
    """And is the approver unless told otherwise."""
    command(
        "emit", "approval", "--as", "alice", "--subject", "model:r/m@1",
        "--gate", "promotion", "--decision", "approve",
    )  # fmt: skip

    (said,) = said_in(home)

    assert said.producer == "person:alice"
    assert said.record["actor"] == {"kind": "human", "id": "alice"}
    assert (said.body["approver"], said.body["mode"]) == ("alice", "explicit")


def test_job_stage_and_run_are_recorded_and_a_start_makes_a_run_id(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    """A shell script can tell a run's story step by step."""
    capsys.readouterr()
    command("emit", "run", "--state", "START", "--job", "fraud/train", "--stage", "s", "--json")
    answer = json.loads(capsys.readouterr().out)
    run_id = answer["rows"][0]["run_id"]
    command("emit", "run", "--state", "COMPLETE", "--job", "fraud/train", "--run-id", run_id)

    start, complete = said_in(home)

    assert answer["query"] == "emit"
    assert start.event_id == answer["rows"][0]["event_id"]
    assert start.record["job"] == {"namespace": "fraud", "name": "train"}
    assert (start.record["stage"], start.record["run_id"]) == ("s", run_id)
    assert complete.record["run_id"] == run_id


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["validation"], InvalidEvent),
        (["validation", "--artifact", "tx"], InvalidReference),
        (["run", "--state", "COMPLETE"], InvalidEvent),
        (["override", "--as", "nobody", "--target", "source:x"], InvalidEvent),
        (["access", "--as", "nobody", "--principal", "p", "--action", "read", "--resource",
          "job:x", "--outcome", "allowed"], KeyMissing),
        (["validation", "--outcome", "passed"], click.BadParameter),
        (["validation", "--from-json", "nothing.json"], click.UsageError),
        (["validatoin"], click.UsageError),
    ],
)  # fmt: skip
def test_what_is_not_recorded_is_an_error(
    home: Home, arguments: list[str], error: type[Exception]
) -> None:
    """The command is strict: nobody reads the warnings of a shell script."""
    with pytest.raises(error):
        command("emit", *arguments)

    assert not said_in(home)


@pytest.mark.parametrize("text", ["{", "5", '["a"]'])
def test_json_that_is_no_event_is_refused(home: Home, tmp_path: Path, text: str) -> None:
    """With a sentence, not a traceback."""
    (tmp_path / "body.json").write_text(text)

    with pytest.raises((click.UsageError, InvalidEvent)):
        command("emit", "validation", "--from-json", "body.json")


def test_the_outbox_is_shown_and_sealed(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a crash left behind is seen, sealed once, and then gone from the list."""

    def status() -> dict[str, Any]:
        capsys.readouterr()
        command("outbox", "status", "--json")
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        return answer

    assert status()["rows"] == []
    crash(tmp_path)
    left = status()
    command("outbox", "seal")
    sealed = status()

    assert (left["pending"], left["batches"]) == (5, 0)
    assert [(row["producer"], row["state"]) for row in left["rows"]] == [(PRODUCER, "left behind")]
    assert (sealed["pending"], sealed["batches"]) == (0, 1)
    assert [row["state"] for row in sealed["rows"]] == ["closed"]
    assert len(said_in(home)) == 5


def test_an_outbox_in_use_is_left_alone(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own process seals it."""
    from lineseal.producers import Emitter

    monkeypatch.setenv("LINESEAL_EMITTER__LINGER_MS", "3600000")
    with Emitter.from_env(strict=True) as emitter:
        emitter.record_access("p", "read", "job:x")
        command("outbox", "seal")
        capsys.readouterr()
        command("outbox", "status", "--json")
        (row,) = json.loads(capsys.readouterr().out)["rows"]

    assert (row["state"], row["pending"], row["batches"]) == ("in use", 1, 0)


def test_the_next_emitter_adopts_what_a_crash_left(home: Home, tmp_path: Path) -> None:
    """Nobody has to call anything."""
    crash(tmp_path)
    crash(tmp_path)
    command("emit", "access", "--principal", "q", "--action", "read", "--resource", "job:x",
            "--outcome", "allowed")  # fmt: skip

    assert [one.body["principal"] for one in said_in(home)].count("p") == 10


def test_a_damaged_outbox_is_shown_as_such(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """The others are still counted, and the status says that the answer is not whole."""
    folder = home.path / "log" / "events"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "other.0.sqlite").write_bytes(b"no database" * 100)
    capsys.readouterr()

    assert command("outbox", "status", "--json") == 6
    answer = json.loads(capsys.readouterr().out)

    assert answer["complete"] is False
    assert [row["state"] for row in answer["rows"]] == ["unreadable"]


DECISIONS = (
    ("approval", "--approver", "--subject model:r/m@1 --gate promotion --decision approve"),
    ("override", "--made-by", "--target dataset:l/d@1 --before no --after yes --reason x"),
    ("containment", "--ordered-by", "--subject source:feed --action freeze --reason x"),
)


@pytest.mark.parametrize(("name", "option", "rest"), DECISIONS)
def test_a_decision_that_the_signature_does_not_prove_is_noted(
    home: Home, capsys: pytest.CaptureFixture[str], name: str, option: str, rest: str
) -> None:
    """By the service, for somebody else, and not when the person who signs decided."""
    said: list[str] = []
    for who in ([], [option, "bob"], ["--as", "alice", option, "bob"], ["--as", "alice"]):
        capsys.readouterr()
        command("emit", name, *who, *rest.split())
        said.append(capsys.readouterr().err)

    service, named, other, own = said
    field = option[2:].replace("-", "_")
    assert [one.body[field] for one in said_in(home)].count("alice") == 1
    assert f"signed by the service key of {PRODUCER!r}: no person stands for it" in service
    assert f"signed by the service key of {PRODUCER!r}: that 'bob' decided is only" in named
    assert "signed by the key of 'alice': that 'bob' decided is only asserted" in other
    assert all("use --as PERSON" in text for text in (service, named, other))
    assert own == ""


def test_a_person_without_a_key_is_told_how_to_get_one(home: Home) -> None:
    """The command to type, as it has to be typed."""
    with pytest.raises(KeyMissing, match="'lineseal keys new bob --person --enrol'"):
        command("emit", "approval", "--as", "bob", *DECISIONS[0][2].split())


def test_a_key_that_is_not_enrolled_is_told_of(home: Home, tmp_path: Path) -> None:
    """By ``emit`` and by ``run``, which both go on."""
    command("keys", "new", "bob", "--person")
    program = [sys.executable, "-m", "lineseal.commandline"]
    approval = ["emit", "approval", "--as", "bob", *DECISIONS[0][2].split()]
    for arguments in (approval, ["run", "--job", "a/b", "--", "true"]):
        done = subprocess.run(
            [*program, *arguments],
            cwd=tmp_path,
            env={**os.environ, "LINESEAL_EMITTER__PRODUCER": "person:bob"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        (said,) = [line for line in done.stderr.splitlines() if "will refuse" in line]
        assert said.startswith("lineseal: key ")
        assert said.endswith("run 'lineseal keys enrol bob --person'")


def test_the_help_of_the_run_id_is_true(home: Home) -> None:
    """Any name will do, and it does not claim otherwise."""
    one = emit.get_command(click.Context(emit), "run")
    assert one is not None
    (option,) = [option for option in one.params if option.name == "run_id"]
    assert isinstance(option, click.Option)
    command("emit", "run", "--state", "COMPLETE", "--run-id", "nightly 7")

    (said,) = said_in(home)

    assert said.record["run_id"] == "nightly 7"
    assert (option.metavar, "any name" in str(option.help)) == ("ID", True)
