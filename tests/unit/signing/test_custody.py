"""Keys change hands one change at a time, and only with enough root keys.

What is promised: several root keys may have to sign together; two changes at once are both kept;
a name never leads outside the folder of keys. What the commands say and do is promised in
``integration/test_keys_commands.py``.

Evidence: a home with two root keys, and enrolments from several threads.
"""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from lineseal.schemas.errors import ConfigurationError, KeyMissing
from lineseal.settings import DeploymentSettings, Home, Settings
from lineseal.signing.custody import Custody
from lineseal.signing.holder import Holder
from lineseal.signing.keyring_file import write_keyring
from lineseal.signing.signers import file_uri, generate_key

from .world import DEPLOYMENT, NOW, keyring_of


def home_with_two_roots(folder: Path) -> tuple[Home, Custody]:
    """Make a home whose keyring needs both of its root keys."""
    home = Home(folder / "home")
    home.root_keys.mkdir(parents=True)
    roots = [generate_key(home.root_keys / f"root-{number}.pem") for number in (1, 2)]
    keyids = tuple(root.keyid for root in roots)
    keyring = keyring_of(roots=tuple(root.public for root in roots))
    write_keyring(home.keyring, keyring, roots, threshold=2)
    deployment = DeploymentSettings(name=DEPLOYMENT, roots=keyids, threshold=2)
    return home, Custody(home, Settings(deployment=deployment), lambda: NOW)


def test_as_many_root_keys_as_asked_for_must_sign(tmp_path: Path) -> None:
    """One of two is not enough, nor is the same one twice; from two places they are."""
    home, custody = home_with_two_roots(tmp_path)
    second = home.root_keys / "root-2.pem"
    away = second.rename(tmp_path / "away.pem")
    _, request = custody.new_key(Holder("gate"))
    here = home.root_keys / "root-1.pem"

    for uris in ((), (str(here),), (str(here), file_uri(here))):
        with pytest.raises(KeyMissing, match="needs 2 root signatures and 1 root keys"):
            custody.enrol(request, root_uris=uris)
    entry, keyring = custody.enrol(request, root_uris=(str(here), file_uri(away)))

    assert keyring.version == 2
    assert custody.keyring().entry(entry.keyid) == entry


def test_changes_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    """Each waits for the one before it and builds on its version."""
    _, custody = home_with_two_roots(tmp_path)
    requests = [custody.new_key(Holder(f"job-{number}"))[1] for number in range(6)]
    threads = [
        threading.Thread(target=custody.enrol, args=(request,), kwargs={"root_uris": ()})
        for request in requests
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    keyring = custody.keyring()
    assert keyring.version == 7
    assert {entry.producer for entry in keyring.entries} == {f"job-{n}" for n in range(6)}


@pytest.mark.parametrize(
    ("text", "person", "producer", "stem"),
    [
        ("fraud-train", False, "fraud-train", "fraud-train"),
        ("alice", True, "person:alice", "person-alice"),
        ("person:alice", False, "person:alice", "person-alice"),
    ],
)
def test_a_name_says_whose_key_it_is(text: str, person: bool, producer: str, stem: str) -> None:
    """A service, or a person in either way of saying it."""
    holder = Holder.parse(text, person=person)

    assert (holder.producer, holder.stem) == (producer, stem)


@pytest.mark.parametrize(
    "text", ["", ".", "../x", "a/b", "/etc/x", "a b", "a\n", "é", "person-x", "person:", "a" * 101]
)
def test_a_name_that_is_no_file_name_is_refused(text: str) -> None:
    """No path, no control character, nothing that could be mistaken for a person's file."""
    with pytest.raises(ConfigurationError, match="cannot name a key"):
        Holder.parse(text)
