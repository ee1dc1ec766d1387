"""From an empty folder to keys that can be lost, stolen and replaced, with commands alone.

What is promised: ``lineseal init`` makes a home in which a job can seal and a consumer can
verify at once, and touches nothing that exists; ``lineseal keys`` adds, lists, revokes and
rotates keys; the root key may lie elsewhere; every refusal has a clear message, its exit status
and no side effect; answers go to stdout, everything else to stderr. Source: DESIGN 4.3, 8, 9.

Evidence: the installed program, run on real folders; what it leaves behind is judged by the
consumer's own verifier.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lineseal.commandline.program import main
from lineseal.schemas.errors import ContractError, KeyExpired, KeyRevoked, UnknownKey
from lineseal.schemas.ids import now_us
from lineseal.settings import Home, load_settings
from lineseal.signing.keyring import Keyring
from lineseal.signing.keyring_file import load_keyring
from lineseal.signing.sealer import Sealer
from lineseal.signing.signers import file_uri, generate_key, load_signer
from lineseal.signing.verify import VerifiedBatch, verify_batch

HOUR = 3_600_000_000
PRODUCER = "fraud-train"


@dataclass(frozen=True)
class Result:
    """What one run of the program gave."""

    status: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the program in an empty folder of its own."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run_program(*arguments: str | Path) -> Result:
        monkeypatch.setattr(sys, "argv", ["lineseal", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Result(ended.value.code, captured.out, captured.err)

    return run_program


@pytest.fixture
def home(run: Run) -> Home:
    """Make a home by the command."""
    assert run("init", "--producer", PRODUCER, "--deployment", "lab").status == 0
    return Home(Path.cwd() / ".lineseal")


def keyring_of(home: Home) -> Keyring:
    """Load the keyring as a consumer does."""
    deployment = load_settings(home, {}).deployment
    return load_keyring(home.keyring, roots=deployment.roots, threshold=deployment.threshold)


def sealed_by(home: Home, key: str = PRODUCER, producer: str = PRODUCER) -> bytes:
    """Seal a batch with the private key ``keys/KEY.pem``."""
    signer = load_signer(file_uri(home.keys / f"{key}.pem"))
    sealer = Sealer(signer, deployment="lab", producer=producer)
    return sealer.seal(sealer.open_epoch(None), [b"event"])[0]


def judge(
    home: Home, value: bytes, *, at: int | None = None, producer: str = PRODUCER
) -> VerifiedBatch | type[ContractError]:
    """Verify *value* with the keyring on disk; give the batch or the kind of error."""
    moment = now_us() if at is None else at
    try:
        return verify_batch(value, keyring_of(home), deployment="lab", at=moment, log_key=producer)
    except ContractError as error:
        return type(error)


def accepted(home: Home, value: bytes, producer: str = PRODUCER) -> bool:
    """Tell whether *value* is believed now."""
    return isinstance(judge(home, value, producer=producer), VerifiedBatch)


def listed(run: Run) -> dict[str, Any]:
    """Return what ``keys list --json`` says."""
    answer: dict[str, Any] = json.loads(run("keys", "list", "--json").out)
    return answer


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return every file below *folder* with its bytes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


# --- init -----------------------------------------------------------------------------------


def test_init_makes_a_home_that_seals_and_verifies(run: Run) -> None:
    """One command later the default settings, key and keyring fit together."""
    result = run("init", "--producer", PRODUCER, "--deployment", "lab")
    home = Home(Path.cwd() / ".lineseal")
    settings = load_settings(home, {})

    assert (result.status, result.out) == (0, "")
    assert (settings.deployment.name, settings.emitter.producer) == ("lab", PRODUCER)
    assert keyring_of(home).version == 1
    assert [entry.producer for entry in keyring_of(home).entries] == [PRODUCER]
    assert accepted(home, sealed_by(home))


def test_init_says_what_to_do_next(run: Run) -> None:
    """The root key goes to an offline place, then a job is instrumented."""
    result = run("init", "--producer", PRODUCER)

    assert "next: move" in result.err
    assert ".lineseal/root to an offline place" in result.err
    assert "next: instrument a job, see README" in result.err


def test_everything_in_a_new_home_is_private(home: Home) -> None:
    """Private keys 0600, folders 0700, and git is told to keep out."""
    keys = [*home.keys.glob("*.pem"), *home.root_keys.glob("*.pem")]
    folders = [home.path, *(path for path in home.path.iterdir() if path.is_dir())]

    assert len(keys) == 2
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}
    assert (home.path / ".gitignore").read_text() == "*\n"


def test_a_deployment_gets_a_name_of_its_own(run: Run) -> None:
    """The folder's name and a random suffix: two projects called alike stay apart."""
    run("init", "--producer", PRODUCER)
    first = load_settings(Home(Path.cwd() / ".lineseal"), {}).deployment.name
    shutil.rmtree(".lineseal")
    run("init", "--producer", PRODUCER)
    second = load_settings(Home(Path.cwd() / ".lineseal"), {}).deployment.name

    assert first.startswith("project-")
    assert second.startswith("project-")
    assert first != second


def test_init_makes_the_home_that_is_asked_for(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --home there, and the other commands find it the same way."""
    monkeypatch.setenv("LINESEAL_HOME", "restored after the test")
    elsewhere = tmp_path / "deep" / "home"

    made = run("--home", elsewhere, "init", "--producer", PRODUCER)
    listed_there = run("--home", elsewhere, "keys", "list", "--json")

    assert (made.status, listed_there.status) == (0, 0)
    assert not (Path.cwd() / ".lineseal").exists()
    assert json.loads(listed_there.out)["rows"][0]["producer"] == PRODUCER


def test_init_never_touches_an_existing_home(run: Run, home: Home) -> None:
    """A clear error, and every byte as before."""
    before = snapshot(home.path)

    result = run("init", "--producer", "another")

    assert result.status == 2
    assert "is a Lineseal home already" in result.err
    assert snapshot(home.path) == before


@pytest.mark.parametrize("part", ["keys", "root", "keyring.json"])
def test_init_never_touches_a_part_of_a_home(run: Run, home: Home, part: str) -> None:
    """An interrupted init may have left keys: they are shown, not overwritten."""
    for path in home.path.iterdir():
        if path.name != part:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    before = snapshot(home.path)

    result = run("init", "--producer", PRODUCER)

    assert result.status == 2
    assert part in result.err
    assert snapshot(home.path) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("--producer", "../escape"),
        ("--producer", ""),
        ("--producer", "person-alice"),
        ("--producer", "person:alice"),
        ("--producer", 'a"b'),
        ("--producer", "-dash"),
        ("--producer", "ok", "--deployment", 'x"\nroots = []'),
        (),
    ],
)
def test_init_refuses_names_that_cannot_work(run: Run, arguments: tuple[str, ...]) -> None:
    """A usage error before anything is made."""
    result = run("init", *arguments)

    assert result.status == 2
    assert result.err
    assert not (Path.cwd() / ".lineseal").exists()


def test_a_home_that_cannot_be_made_is_said(run: Run) -> None:
    """A file is in the way."""
    Path(".lineseal").write_text("a file")

    result = run("init", "--producer", PRODUCER)

    assert result.status == 2
    assert "cannot make" in result.err


# --- keys new, enrol -------------------------------------------------------------------------


def test_a_new_key_counts_once_it_is_enrolled(run: Run, home: Home) -> None:
    """Until then its batches are of an unknown key."""
    made = run("keys", "new", "gate")
    value = sealed_by(home, "gate", "gate")
    unknown = judge(home, value, producer="gate")

    enrolled = run("keys", "enrol", "gate")

    assert unknown is UnknownKey
    assert (made.status, enrolled.status) == (0, 0)
    assert made.out == enrolled.out == keyring_of(home).entries[-1].keyid + "\n"
    assert "lineseal keys enrol" in made.err
    assert accepted(home, value, "gate")


def test_a_request_can_be_enrolled_from_its_file(run: Run, home: Home, tmp_path: Path) -> None:
    """As when it came by mail; the private key never travels."""
    run("keys", "new", "gate")
    request = tmp_path / "from mail.json"
    shutil.move(home.keys / "gate.request.json", request)

    assert run("keys", "enrol", request).status == 0
    assert accepted(home, sealed_by(home, "gate", "gate"), "gate")


def test_a_persons_key_is_bound_to_the_person(run: Run, home: Home) -> None:
    """Its own file, producer, roles and actor; --enrol does both steps."""
    result = run("keys", "new", "alice", "--person", "--enrol")
    entry = keyring_of(home).entry(result.out.strip())

    assert result.status == 0
    assert (entry.producer, entry.actor) == ("person:alice", "alice")
    assert entry.roles == {"emit", "override"}
    assert accepted(home, sealed_by(home, "person-alice", "person:alice"), "person:alice")
    assert "it speaks for 'person:alice'" in result.err


def test_a_key_gets_what_was_asked_for(run: Run, home: Home) -> None:
    """Roles, event kinds and an end."""
    result = run(
        *("keys", "new", "gate", "--enrol", "--role", "gateway", "--role", "emit"),
        *("--event-kind", "verdict", "--valid-for", "2h"),
    )
    entry = keyring_of(home).entry(result.out.strip())

    assert entry.roles == {"gateway", "emit"}
    assert entry.event_kinds == {"verdict"}
    assert entry.not_after == entry.not_before + 2 * HOUR
    value = sealed_by(home, "gate", "gate")
    assert judge(home, value, at=entry.not_after, producer="gate") is KeyExpired


def test_a_private_key_is_never_overwritten(run: Run, home: Home) -> None:
    """Not by another 'new' of the same name."""
    before = snapshot(home.path)

    result = run("keys", "new", PRODUCER, "--enrol")

    assert result.status == 4
    assert "never overwritten" in result.err
    assert snapshot(home.path) == before


def test_a_request_that_may_not_be_made_leaves_no_key(run: Run, home: Home) -> None:
    """A service asks for the role of a person."""
    before = snapshot(home.path)

    result = run("keys", "new", "gate", "--role", "override")

    assert result.status == 1
    assert "belongs to a person" in result.err
    assert snapshot(home.path) == before


def test_a_key_is_not_enrolled_twice(run: Run, home: Home) -> None:
    """The second time says so and makes no new version."""
    run("keys", "new", "gate", "--enrol")

    result = run("keys", "enrol", "gate")

    assert result.status == 1
    assert "enrolled for 'gate' already" in result.err
    assert keyring_of(home).version == 2


def test_a_request_that_is_not_there_is_named(run: Run, home: Home, tmp_path: Path) -> None:
    """By name and by file, with what to run."""
    for request in ("nobody", tmp_path / "absent.json"):
        result = run("keys", "enrol", request)
        assert result.status == 3
        assert "'lineseal keys new' makes one" in result.err
    assert keyring_of(home).version == 1


# --- the root key -----------------------------------------------------------------------------


def test_the_root_key_may_lie_elsewhere(run: Run, home: Home, tmp_path: Path) -> None:
    """Without it nothing can be changed, and the message says so; --root-key brings it back."""
    shutil.move(home.root_keys, tmp_path / "usb stick")
    run("keys", "new", "gate")

    without = run("keys", "enrol", "gate")
    with_it = run("keys", "enrol", "gate", "--root-key", tmp_path / "usb stick" / "root-1.pem")

    assert without.status == 3
    assert "--root-key" in without.err
    assert with_it.status == 0
    assert accepted(home, sealed_by(home, "gate", "gate"), "gate")


def test_another_key_is_no_root_key(run: Run, home: Home, tmp_path: Path) -> None:
    """Neither named nor put into the folder."""
    generate_key(tmp_path / "mallory.pem")
    run("keys", "new", "gate")
    named = run("keys", "enrol", "gate", "--root-key", tmp_path / "mallory.pem")
    (home.root_keys / "root-1.pem").unlink()
    shutil.move(tmp_path / "mallory.pem", home.root_keys / "root-1.pem")

    found = run("keys", "enrol", "gate")

    assert (named.status, found.status) == (4, 3)
    assert "is not a root key" in named.err
    assert keyring_of(home).version == 1


def test_a_keyring_is_renewed(run: Run, home: Home) -> None:
    """Signed anew as it is, with a later end."""
    before = keyring_of(home)

    result = run("keys", "renew")

    after = keyring_of(home)
    assert result.status == 0
    assert (after.version, after.prev_sha256) == (2, before.sha256)
    assert after.expires > before.expires
    assert after.entries == before.entries


# --- list ---------------------------------------------------------------------------------------


def test_keys_are_listed_for_programs(run: Run, home: Home) -> None:
    """One shape: every key with its window, what it may do, and where its private half is."""
    run("keys", "new", "alice", "--person", "--enrol")
    answer = listed(run)
    service, person = answer["rows"]

    assert (answer["query"], answer["subject"], answer["keyring_version"]) == ("keys", "lab", 2)
    assert answer["roots"] == list(load_settings(home, {}).deployment.roots)
    assert (service["producer"], service["status"]) == (PRODUCER, "active")
    assert service["private_key"] == str(home.keys / f"{PRODUCER}.pem")
    assert (person["actor"], person["roles"]) == ("alice", ["emit", "override"])
    assert person["not_after"] is None


def test_keys_are_listed_for_people(run: Run, home: Home) -> None:
    """A table on stdout, nothing on stderr."""
    result = run("keys", "list")

    assert (result.status, result.err) == (0, "")
    assert keyring_of(home).entries[0].keyid in result.out


def test_a_damaged_keyring_is_a_finding(run: Run, home: Home) -> None:
    """Nothing is listed from a file that the root keys did not sign."""
    document = json.loads(home.keyring.read_text())
    document["signatures"] = []
    home.keyring.write_text(json.dumps(document))

    result = run("keys", "list")

    assert (result.status, result.out) == (1, "")
    assert "signed by 0 of the pinned root keys" in result.err


def test_without_a_home_there_are_no_keys(run: Run) -> None:
    """The message says what to run."""
    result = run("keys", "list")

    assert result.status == 3
    assert "lineseal init" in result.err


# --- revoke -------------------------------------------------------------------------------------


def test_a_revoked_key_counts_for_nothing_from_now_on(run: Run, home: Home) -> None:
    """What was read before stays trusted."""
    value, before = sealed_by(home), now_us()

    result = run("keys", "revoke", PRODUCER, "--reason", "job retired")

    assert result.status == 0
    assert judge(home, value) is KeyRevoked
    assert isinstance(judge(home, value, at=before), VerifiedBatch)
    row = listed(run)["rows"][0]
    assert (row["status"], row["revoked_reason"]) == ("revoked", "job retired")
    assert "'lineseal keys rotate fraud-train'" in result.err


def test_a_compromise_reaches_back(run: Run, home: Home) -> None:
    """From that moment on nothing is trusted; it may be moved back, never forward."""
    value = sealed_by(home)
    keyid = keyring_of(home).entries[0].keyid
    arguments = ("keys", "revoke", keyid, "--reason", "stolen", "--compromised-since")

    first = run(*arguments, "2026-01-02T00:00:00Z")
    earlier = run(*arguments, "2026-01-01")
    later = run(*arguments, "2026-01-03")

    assert (first.status, earlier.status, later.status) == (0, 0, 1)
    assert "revoked already" in later.err
    entry = keyring_of(home).entry(keyid)
    assert entry.compromised_since == 1_767_225_600_000_000
    assert judge(home, value, at=entry.compromised_since) is KeyRevoked


def test_a_key_to_revoke_is_named_clearly(run: Run, home: Home) -> None:
    """By a start of its id; not by a name that has two keys, or none."""
    run("keys", "rotate", PRODUCER)
    keyids = [entry.keyid for entry in keyring_of(home).entries]

    two = run("keys", "revoke", PRODUCER, "--reason", "x")
    nobody = run("keys", "revoke", "nobody", "--reason", "x")
    too_short = run("keys", "revoke", keyids[0][:4], "--reason", "x")
    start = run("keys", "revoke", keyids[0][:12], "--reason", "x")

    assert (two.status, nobody.status, too_short.status, start.status) == (3, 3, 3, 0)
    assert all(keyid in two.err for keyid in keyids)
    assert start.out == keyids[0] + "\n"


@pytest.mark.parametrize(
    "arguments",
    [
        (PRODUCER,),
        (PRODUCER, "--reason", "x", "--compromised-since", "yesterday"),
        (PRODUCER, "--reason", "x", "--compromised-since", "2999-01-01"),
    ],
)
def test_a_revocation_needs_a_reason_and_a_time_that_can_be(
    run: Run, home: Home, arguments: tuple[str, ...]
) -> None:
    """A usage error, and nothing is revoked."""
    result = run("keys", "revoke", *arguments)

    assert result.status == 2
    assert keyring_of(home).version == 1


# --- rotate -------------------------------------------------------------------------------------


def test_a_rotated_key_leaves_the_old_one_some_time(run: Run, home: Home) -> None:
    """Both count during the overlap, then only the new one; the old private key is kept."""
    value = sealed_by(home)
    (old,) = keyring_of(home).entries

    result = run("keys", "rotate", PRODUCER, "--overlap", "2h")

    ring = keyring_of(home)
    new = ring.entry(result.out.strip())
    end = ring.entry(old.keyid).not_after
    assert result.status == 0
    assert end is not None
    assert end == new.not_before + 2 * HOUR
    assert accepted(home, value)
    assert accepted(home, sealed_by(home))
    assert judge(home, value, at=end) is KeyExpired
    assert isinstance(judge(home, sealed_by(home), at=end), VerifiedBatch)
    kept = home.keys / f"{PRODUCER}.{old.keyid[:16]}.pem"
    assert load_signer(file_uri(kept)).keyid == old.keyid
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "restart the jobs" in result.err


def test_a_rotation_keeps_what_the_key_may_do(run: Run, home: Home) -> None:
    """Roles, event kinds and the person go over to the new key."""
    old = run("keys", "new", "alice", "--person", "--event-kind", "approval", "--enrol")

    new = run("keys", "rotate", "person:alice", "--overlap", "0s")

    before, after = (keyring_of(home).entry(r.out.strip()) for r in (old, new))
    assert (after.producer, after.actor) == ("person:alice", "alice")
    assert (after.roles, after.event_kinds) == (before.roles, before.event_kinds)
    assert before.not_after == after.not_before


def test_an_interrupted_rotation_is_finished_by_the_next(run: Run, home: Home) -> None:
    """Before and after the new key was enrolled: one new key, and no private key is lost."""
    started = generate_key(home.keys / f"{PRODUCER}.next.pem")
    first = run("keys", "rotate", PRODUCER)
    # As if the machine had stopped after the keyring was written.
    current = home.keys / f"{PRODUCER}.pem"
    shutil.copy2(current, home.keys / f"{PRODUCER}.next.pem")
    (kept,) = home.keys.glob(f"{PRODUCER}.????????????????.pem")
    shutil.copy2(kept, current)

    second = run("keys", "rotate", PRODUCER)

    assert (first.out, second.out) == (started.keyid + "\n", started.keyid + "\n")
    assert len(keyring_of(home).entries) == 2
    assert load_signer(file_uri(current)).keyid == started.keyid
    assert not (home.keys / f"{PRODUCER}.next.pem").exists()
    assert accepted(home, sealed_by(home))


def test_a_revoked_key_can_be_rotated_but_not_brought_back(run: Run, home: Home) -> None:
    """The producer goes on under a new key; the old one stays revoked."""
    value = sealed_by(home)
    run("keys", "revoke", PRODUCER, "--reason", "stolen")

    result = run("keys", "rotate", PRODUCER)

    assert result.status == 0
    assert judge(home, value) is KeyRevoked
    assert accepted(home, sealed_by(home))


def test_only_a_key_that_is_here_and_enrolled_is_rotated(run: Run, home: Home) -> None:
    """No private key, or one that nobody enrolled: nothing changes."""
    run("keys", "new", "gate")
    before = snapshot(home.path)

    nobody = run("keys", "rotate", "nobody")
    not_enrolled = run("keys", "rotate", "gate")
    no_root = run("keys", "rotate", PRODUCER, "--root-key", "absent.pem")

    assert (nobody.status, not_enrolled.status, no_root.status) == (3, 1, 3)
    assert "nobody.pem" in nobody.err
    assert "is not in the keyring" in not_enrolled.err
    assert snapshot(home.path) == before
