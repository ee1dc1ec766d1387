"""A case proves itself to somebody who has nothing but Python, and no edit of it goes unnoticed.

What is promised: the same store gives the same bytes; ``verify.py`` runs alone, in an empty
environment, and faces every file's edit, also by whoever holds the key that signs checkpoints;
other people's tools (Go's checksum database code, a DSSE library) accept our proofs and signatures.
Source: docs/evidence.md; F63; A22, A32.
"""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.dsse import Envelope
from tests.integration.tamper_case import EDITS, OF_ALERT, RESIGNED, Edit, members_of, pack
from tests.integration.tamper_home import Victim, copy_of, make_home

from lineseal.consumers.forward.checkpoint import Signed, checkpoint
from lineseal.consumers.forward.rendering import RENDERINGS
from lineseal.settings import Home, load_settings
from lineseal.signing.checkpoint import find_notes
from lineseal.signing.keyring_file import load_keyring
from lineseal.signing.signers import file_uri, load_signer

MODEL = "model:reg/m@1"
GO = Path(__file__).parent / "golang"


@dataclass(frozen=True)
class Case:
    """A case, the home it is about, and where it lies."""

    victim: Victim
    path: Path
    data: bytes

    @property
    def roots(self) -> tuple[str, ...]:
        """Return the ids of the root keys."""
        return load_settings(Home(self.victim.home)).deployment.roots


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Make a case about a model that a person had a say in."""
    folder = tmp_path_factory.mktemp("evidence")
    victim = make_home(folder / "victim")
    path = folder / "case.zip"
    done = victim.run("evidence", MODEL, "-o", str(path), "--checkpoint", str(victim.kept))
    assert done.status in (0, 6), done
    return Case(victim, path, path.read_bytes())


def verify_alone(
    case: Case, folder: Path, data: bytes | None = None, *options: str
) -> subprocess.CompletedProcess[str]:
    """Run the case's own verifier on *data*, with nothing around it."""
    (folder / "verify.py").write_bytes(members_of(case.data)["verify.py"])
    (folder / "case.zip").write_bytes(case.data if data is None else data)
    roots = [word for keyid in case.roots for word in ("--root", keyid)]
    kept = () if options else ("--checkpoint", str(case.victim.kept))
    return subprocess.run(
        [sys.executable, "-I", "verify.py", "case.zip", *roots, *kept, *options],
        cwd=folder,
        env={},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_a_case_proves_itself(case: Case, tmp_path: Path) -> None:
    """Everything in it is verified, people's decisions too; nothing is missing."""
    done = verify_alone(case, tmp_path)
    decisions = json.loads(members_of(case.data)["decisions.json"])

    assert (done.returncode, done.stderr) == (0, ""), done
    assert ": 0 problems" in done.stdout
    assert [said["actor_verified"] for said in decisions] == [True, True]


def test_the_same_store_gives_the_same_bytes(case: Case, tmp_path: Path) -> None:
    """Today and tomorrow, here and on another machine with a copy."""
    with copy_of(case.victim, tmp_path / "copy") as copy:
        again = tmp_path / "again.zip"
        copy.run("evidence", MODEL, "-o", str(again), "--checkpoint", str(copy.kept))

        assert again.read_bytes() == case.data


def test_the_verifier_needs_nothing_of_ours_and_can_be_read(case: Case) -> None:
    """Under 300 lines; the standard library and ``cryptography``."""
    source = members_of(case.data)["verify.py"].decode()
    names = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name) or ""
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }

    assert len(source.splitlines()) < 300
    assert {n.partition(".")[0] for n in names} - sys.stdlib_module_names == {"cryptography"}


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_an_edit_is_noticed(case: Case, tmp_path: Path, edit: Edit) -> None:
    """By the case's verifier alone, which names the file's trouble and ends with status 1."""
    members = members_of(case.data)
    edit.change(members)
    done = verify_alone(case, tmp_path, pack(members))

    assert done.returncode == 1, done
    assert edit.code in done.stdout, done


@pytest.mark.parametrize("edit", RESIGNED, ids=lambda edit: edit.name)
def test_an_edit_under_the_log_key_is_noticed(case: Case, tmp_path: Path, edit: Edit) -> None:
    """Producers' and root keys, and proofs, still hold when the manifest is signed anew."""
    signer = load_signer(file_uri(case.victim.home / "keys" / "materialiser.pem"))
    members = members_of(case.data)
    edit.change(members)
    done = verify_alone(case, tmp_path, pack(members, signer))

    assert done.returncode == 1, done
    assert edit.code in done.stdout, done


@pytest.mark.parametrize("damage", [b"", b"no zip", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_case_is_refused(case: Case, tmp_path: Path, damage: bytes) -> None:
    """Whatever it is, with a word and status 1."""
    done = verify_alone(case, tmp_path, damage)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stdout + done.stderr


def test_the_zip_itself_is_part_of_it(case: Case, tmp_path: Path) -> None:
    """Bytes before, behind or between the files are an edit."""
    assert verify_alone(case, tmp_path, case.data + b" ").returncode == 1
    assert "ARCHIVE" in verify_alone(case, tmp_path, b" " + case.data).stdout


def test_another_history_is_noticed_by_what_was_kept(case: Case, tmp_path: Path) -> None:
    """A case of a log that was made anew with all keys of this machine, without a decision."""
    with copy_of(case.victim, tmp_path / "copy") as copy:
        for path in copy.outboxes.glob("person*"):
            path.unlink()
        copy.store.unlink()
        (copy.store.parent / "lineseal.seen.sqlite").unlink()
        copy.run("materialise", "--new-log", "nothing to see here")
        other = tmp_path / "other.zip"
        made = copy.run("evidence", MODEL, "-o", str(other))
        data = other.read_bytes()
    folder = tmp_path / "alone"
    folder.mkdir()

    without = verify_alone(case, folder, data, "--checkpoint", "/dev/null")
    noticed = verify_alone(case, folder, data)

    assert made.status in (0, 6)
    assert (without.returncode, "MISSING" in without.stdout) == (6, True)
    assert (noticed.returncode, "SPLIT_VIEW" in noticed.stdout) == (1, True)


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_a_siems_export_does_as_a_checkpoint_kept_elsewhere(
    case: Case, tmp_path: Path, rendering: str
) -> None:
    """In each of our renderings, and inside the JSON that a SIEM puts around a raw line."""
    notes = list(find_notes(case.victim.kept.read_text("utf-8")))
    rendered = [
        RENDERINGS[rendering](checkpoint(Signed(note, "log", 1, "0" * 64, "k", 0), "lab"))
        for note in notes
    ]
    plain, wrapped = tmp_path / "plain.txt", tmp_path / "wrapped.jsonl"
    plain.write_text("\n".join(rendered), "utf-8")
    wrapped.write_text("\n".join(json.dumps({"_raw": line}) for line in rendered), "utf-8")

    assert notes
    for export in (plain, wrapped):
        assert list(find_notes(export.read_text("utf-8"))) == notes
        done = verify_alone(case, tmp_path, None, "--checkpoint", str(export))
        assert done.returncode == 0, done.stdout


def test_without_the_right_root_key_nothing_is_believed(case: Case, tmp_path: Path) -> None:
    """Root keys come from somebody one trusts, never from the case."""
    wrong = verify_alone(case, tmp_path, None, "--checkpoint", str(case.victim.kept))
    (tmp_path / "case.zip").write_bytes(case.data)
    none = subprocess.run(
        [sys.executable, "-I", "verify.py", "case.zip"], cwd=tmp_path, env={}, capture_output=True,
        encoding="utf-8", check=False,
    )  # fmt: skip
    other = subprocess.run(
        [sys.executable, "-I", "verify.py", "case.zip", "--root", "ab" * 32], cwd=tmp_path, env={},
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip

    assert wrong.returncode == 0
    assert none.returncode == 2
    assert (other.returncode, "KEYRING_INVALID" in other.stdout) == (1, True)


def test_every_alert_has_a_case_too(case: Case, tmp_path: Path) -> None:
    """Its changes are proven by entries of the log, also when it is about what was refused."""
    alerts = json.loads(case.victim.run("alerts", "--json").out)["rows"]
    assert {"DP-002", "DP-019"} <= {alert["rule"] for alert in alerts}
    for alert in alerts:
        path = tmp_path / f"{alert['id']}.zip"
        done = case.victim.run("evidence", alert["id"], "-o", str(path))
        members = members_of(path.read_bytes())
        verified = verify_alone(case, tmp_path, path.read_bytes(), "--checkpoint", "/dev/null")

        assert done.status in (0, 6)
        assert [name for name in members if name.startswith("alerts/")]
        assert verified.returncode == 6, verified.stdout
        for edit in OF_ALERT:
            edit.change(members)
            noticed = verify_alone(case, tmp_path, pack(members))
            assert (noticed.returncode, edit.code in noticed.stdout) == (1, True)


def test_a_version_that_is_not_there_is_not_found(case: Case, tmp_path: Path) -> None:
    """Nothing is written."""
    path = tmp_path / "none.zip"

    assert case.victim.run("evidence", "model:reg/none@1", "-o", str(path)).status == 3
    assert not path.exists()


def test_a_dsse_library_accepts_the_envelopes(case: Case) -> None:
    """Securesystemslib verifies each with the producer's key of the keyring."""
    home = Home(case.victim.home)
    deployment = load_settings(home).deployment
    keyring = load_keyring(home.keyring, roots=deployment.roots, threshold=1)
    members = members_of(case.data)
    envelopes = [data for name, data in members.items() if name.startswith("envelopes/")]

    assert len(envelopes) >= 3
    for data in envelopes:
        envelope = Envelope.from_dict(json.loads(data))
        keys: list[Any] = [keyring.entry(k).key.sslib for k in envelope.signatures]
        assert len(envelope.verify(keys, 1)) == 1


def test_go_accepts_the_proofs(case: Case, tmp_path: Path) -> None:
    """Its own checksum database code verifies checkpoints, growth and every entry."""
    program = build_go(tmp_path)
    members = members_of(case.data)
    unpack(members, tmp_path / "case")
    key = members["README.md"].decode().split("```text\n")[1].split("\n")[0]
    accepted = run_go(program, key, tmp_path / "case")
    proof = next(iter(sorted((tmp_path / "case" / "entries").iterdir())))
    proof.write_text(proof.read_text().replace('\\"kind\\":\\"', '\\"kind\\":\\"X'))
    refused = run_go(program, key, tmp_path / "case")

    assert accepted.returncode == 0, accepted.stderr
    assert f"{len([n for n in members if n.startswith('entries/')])} entries" in accepted.stdout
    assert "2 checkpoints, 2 consistency proofs" in accepted.stdout
    assert (refused.returncode, "refused" in refused.stderr) == (1, True)


def build_go(folder: Path) -> Path:
    """Build the Go program, or skip with the reason why not."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("there is no Go here")
    shutil.copytree(GO, folder / "source")
    built = subprocess.run(
        [go, "build", "-o", str(folder / "thirdparty"), "."],
        cwd=folder / "source",
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if built.returncode and ("dial tcp" in built.stderr or "no such host" in built.stderr):
        pytest.skip(f"the Go module proxy cannot be reached: {built.stderr[-200:]}")
    assert built.returncode == 0, built.stderr
    return folder / "thirdparty"


def run_go(program: Path, key: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the Go program on an unpacked case."""
    return subprocess.run(
        [str(program), key, str(folder)], capture_output=True, encoding="utf-8", check=False
    )


def unpack(members: dict[str, bytes], folder: Path) -> None:
    """Write the members of a case as files."""
    for name, data in members.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
