"""A lost or stolen key is revoked or rotated with commands alone.

What is promised: what it sealed before stays as trusted as it should be, what comes after does
not count, and a rotation leaves no gap.

Evidence: the installed program on real folders; what it leaves behind is judged by the
consumer's own verifier. Source: DESIGN 4.3, 8, 9.
"""

from __future__ import annotations

import shutil

import pytest
from tests.integration.keys.world import (
    HOUR,
    PRODUCER,
    Run,
    accepted,
    entries_of,
    judge,
    keyring_of,
    listed,
    sealed_by,
    snapshot,
)

from lineseal.schemas.errors import KeyExpired, KeyRevoked
from lineseal.schemas.ids import now_us
from lineseal.settings import Home
from lineseal.signing.signers import file_uri, generate_key, load_signer
from lineseal.signing.verify import VerifiedBatch


def test_a_revoked_key_counts_for_nothing_from_now_on(run: Run, home: Home) -> None:
    """What was read before stays trusted."""
    value, before = sealed_by(home), now_us()

    result = run("keys", "revoke", PRODUCER, "--reason", "job retired")

    assert result.status == 0
    assert judge(home, value) is KeyRevoked
    assert isinstance(judge(home, value, at=before), VerifiedBatch)
    (row,) = (row for row in listed(run)["rows"] if row["producer"] == PRODUCER)
    assert (row["status"], row["revoked_reason"]) == ("revoked", "job retired")
    assert "'lineseal keys rotate fraud-train'" in result.err


def test_a_compromise_reaches_back(run: Run, home: Home) -> None:
    """From that moment on nothing is trusted; it may be moved back, never forward."""
    value = sealed_by(home)
    keyid = entries_of(home)[0].keyid
    arguments = ("keys", "revoke", keyid, "--reason", "stolen", "--compromised-since")

    first = run(*arguments, "2026-01-02T00:00:00Z")
    earlier = run(*arguments, "2026-01-01")
    later = run(*arguments, "2026-01-03")

    assert (first.status, earlier.status, later.status) == (0, 0, 1)
    assert "revoked already" in later.err
    entry = keyring_of(home).entry(keyid)
    assert entry.compromised_since == 1_767_225_600_000_000
    assert judge(home, value, at=entry.revoked_at) is KeyRevoked


def test_a_key_to_revoke_is_named_clearly(run: Run, home: Home) -> None:
    """By a start of its id; not by a name that has two keys, or none."""
    run("keys", "rotate", PRODUCER)
    keyids = [entry.keyid for entry in entries_of(home)]

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
    (old,) = entries_of(home)

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
    assert len(entries_of(home)) == 2
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


def test_a_name_is_not_taken_for_another_kind_of_holder(run: Run, home: Home) -> None:
    """A person and a service of one name have different keys; the message says how to ask."""
    run("keys", "new", "alice", "--person", "--enrol")

    as_service = run("keys", "rotate", "alice")
    as_person = run("keys", "rotate", PRODUCER, "--person")

    assert (as_service.status, as_person.status) == (3, 3)
    assert "person 'alice': add --person" in as_service.err
    assert f"service {PRODUCER!r}: leave out --person" in as_person.err
    assert keyring_of(home).version == 2


def test_only_names_that_look_alike_are_offered(run: Run, home: Home) -> None:
    """Offering every key would invite revoking the wrong one."""
    run("keys", "new", "alice", "--person", "--enrol")
    keyid = entries_of(home)[0].keyid

    alike = run("keys", "revoke", "alcie", "--reason", "x")
    unlike = run("keys", "revoke", "zzz", "--reason", "x")
    short = run("keys", "revoke", keyid[:7], "--reason", "x")
    start = run("keys", "revoke", keyid[:8].upper(), "--reason", "x")
    ended = run("keys", "revoke", PRODUCER, "--reason", "x")

    assert alike.err.splitlines()[1:] == ["did you mean:", "  person:alice"]
    assert "did you mean" not in unlike.err + short.err
    assert "8 characters or more" in short.err
    assert (alike.status, unlike.status, short.status, start.status) == (3, 3, 3, 0)
    assert start.out == keyid + "\n"
    assert "are revoked already" in ended.err


def test_a_revocation_says_what_becomes_of_older_records(run: Run, home: Home) -> None:
    """Only a compromise reaches back, and the next materialising marks it."""
    result = run("keys", "revoke", PRODUCER, "--reason", "old laptop")
    reaching_back = run(
        "keys", "revoke", entries_of(home)[0].keyid, "--reason", "stolen",
        "--compromised-since", "2026-01-01",
    )  # fmt: skip

    assert "lineseal materialise" not in result.err
    assert "'lineseal materialise' marks what the store holds of it since then" in reaching_back.err


def test_a_fork_is_settled_for_one_key_and_one_finding(run: Run, home: Home) -> None:
    """The signed keyring names the finding; another one, or the same again, is another matter."""
    before = keyring_of(home)
    finding = "0123456789abcdef"

    done = run("keys", "settle", PRODUCER, "--finding", finding)

    after = keyring_of(home)
    assert (done.status, done.out.strip()) == (0, entries_of(home)[0].keyid)
    assert (before.settled, after.settled) == (frozenset(), frozenset({finding}))
    assert after.version == before.version + 1
    assert f"version {after.version}" in done.err
    assert "lineseal materialise" in done.err
    again = run("keys", "settle", PRODUCER, "--finding", finding)
    assert (again.status, "settled already" in again.err) == (1, True)
    assert keyring_of(home) == after


@pytest.mark.parametrize("finding", ["", "0123", "0123456789ABCDEF", "0123456789abcdeg"])
def test_only_the_id_of_a_finding_settles(run: Run, home: Home, finding: str) -> None:
    """A typing error must not be signed."""
    done = run("keys", "settle", PRODUCER, "--finding", finding)

    assert done.status == 2
    assert "16 hex" in done.err
    assert keyring_of(home).settled == frozenset()


def test_a_fork_of_an_unknown_key_cannot_be_settled(run: Run, home: Home) -> None:
    """The key has to be in the keyring."""
    done = run("keys", "settle", "nobody", "--finding", "0123456789abcdef")

    assert done.status == 3
    assert "no key is named 'nobody'" in done.err
    assert keyring_of(home).version == 1
