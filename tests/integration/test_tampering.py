"""Every line of the tampering table is done to a real home, and the named command says so.

What is promised: nothing in the table goes unnoticed; before the attack the same commands have
nothing to say. The table is docs/tampering.md, made by ``tamper_page``. Source: ADR-0014;
F20 to F29, F47, F48.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.integration.tamper_home import Victim, copy_of, make_home
from tests.integration.tamper_page import PAGE, page
from tests.integration.tamperings import ATTACKS, HARMLESS, KEPT, VERIFY, Attack


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Victim:
    """Make the home that all others are copies of."""
    return make_home(tmp_path_factory.mktemp("tampering") / "victim")


def words(victim: Victim, command: tuple[str, ...]) -> list[str]:
    """Name the copy of the checkpoints that is kept elsewhere."""
    return [word.replace("{kept}", str(victim.kept)) for word in command]


@pytest.mark.parametrize(
    "attack", ATTACKS, ids=lambda attack: f"{attack.name}, {attack.command[0]}"
)
def test_it_is_noticed(victim: Victim, tmp_path: Path, attack: Attack) -> None:
    """The command ends with status 1 and tells the code."""
    with copy_of(victim, tmp_path / "copy") as copy:
        attack.change(copy)
        done = copy.run(*words(copy, attack.command))
        codes = copy.codes(done)

    assert done.status == 1, done
    assert attack.code in codes, done


@pytest.mark.parametrize("edit", HARMLESS, ids=lambda edit: edit.name)
def test_what_is_not_noticed_changes_no_answer(
    victim: Victim, tmp_path: Path, edit: Attack
) -> None:
    """Verify is green after the edit, and after the next start; answers and alerts are the same."""
    questions = (
        ("impact", "dataset:lake/t@0", "--all-models", "--json"),
        ("who", "model:reg/m@1", "--json"),
        ("sql", "SELECT alert_id, status, count FROM alert ORDER BY alert_id", "--json"),
    )
    before = [victim.run(*question).out for question in questions]
    with copy_of(victim, tmp_path / "copy") as copy:
        edit.change(copy)
        edited = copy.run(*VERIFY)
        copy.run("materialise")
        started = copy.run(*VERIFY)
        after = [copy.run(*question).out for question in questions]

    assert (edited.status, started.status) == (0, 0), (edited, started)
    assert before == after


def test_nothing_is_wrong_before(victim: Victim) -> None:
    """Otherwise the rest would show nothing: all is covered, with and without the kept copy."""
    plain = victim.run(*VERIFY)
    kept = victim.run(*words(victim, KEPT))
    answer = json.loads(kept.out)

    assert (plain.status, kept.status) == (0, 0)
    assert answer["rows"] == []
    assert answer["complete"] is True
    assert answer["covered"] == answer["entries"] > 5
    assert answer["checkpoints"] > json.loads(plain.out)["checkpoints"]
    assert answer["batches"] >= 4
    assert answer["records"] > answer["batches"]


def test_a_quick_look_is_never_status_0(victim: Victim) -> None:
    """It leaves out what the tables say, and says so."""
    done = victim.run(*VERIFY, "--quick")
    answer = json.loads(done.out)

    assert done.status == 6
    assert answer["complete"] is False
    assert any("--quick" in warning for warning in answer["warnings"])
    assert answer["events"] >= 7


def test_a_rebuilt_store_verifies_against_the_checkpoints_of_before(
    victim: Victim, tmp_path: Path
) -> None:
    """It is another file with the same log: checkpoints kept elsewhere, old and new, still hold."""
    with copy_of(victim, tmp_path / "copy") as copy:
        before = json.loads(copy.run(*words(copy, KEPT)).out)
        rebuilt = copy.run("rebuild", "--json")
        done = copy.run(*words(copy, KEPT))
        after = json.loads(done.out)
        copy.emit(7)
        copy.run("materialise")
        later = copy.run(*words(copy, KEPT))

    assert json.loads(rebuilt.out)["verdict"] == "equal", rebuilt
    assert json.loads(rebuilt.out)["replaced"] is True
    assert (done.status, later.status) == (0, 0), (done, later)
    same = ("entries", "batches", "events", "checkpoints", "covered")
    assert [before[name] for name in same] == [after[name] for name in same]
    grown = json.loads(later.out)
    assert grown["entries"] > after["entries"]
    assert grown["checkpoints"] > after["checkpoints"]


def test_a_new_log_is_not_taken_for_the_old_one(victim: Victim, tmp_path: Path) -> None:
    """After a store was made anew, the checkpoints of before are left out, not wrong."""
    with copy_of(victim, tmp_path / "copy") as copy:
        copy.store.unlink()
        copy.run("materialise", "--new-log", "the disk failed")
        done = copy.run(*VERIFY)

    assert done.status == 6
    assert "the disk failed" in done.out


def test_the_page_is_the_table() -> None:
    """``make docs`` writes docs/tampering.md again."""
    assert PAGE.read_text("utf-8") == page()
