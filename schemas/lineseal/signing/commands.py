"""The commands ``lineseal init`` and ``lineseal keys``: from nothing to sealed events, and on."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from lineseal.commandline.hooks import find_hook
from lineseal.commandline.output import Answer, note, output_options, print_answer
from lineseal.schemas.errors import KeyUnusable
from lineseal.schemas.ids import now_us
from lineseal.schemas.model import BODY_FIELDS, KeyAction
from lineseal.settings import HOME_FOLDER, Home, Settings, find_home, load_settings
from lineseal.settings.home import HOME_VARIABLE
from lineseal.signing.custody import Custody
from lineseal.signing.holder import Holder
from lineseal.signing.key_rows import find_key, key_row
from lineseal.signing.keyring import ROLES, Keyring
from lineseal.signing.new_home import SERVICES, create_home
from lineseal.signing.times import format_time, parse_duration, parse_time

_COLUMNS = (
    "producer",
    "keyid",
    "status",
    "roles",
    "event_kinds",
    "writes",
    "not_before",
    "not_after",
)
RECORD_KEY_CHANGE = "record-key-change"
"""Hook: home, settings, key id, action, reason, version of the keyring; returns why it was not."""
RecordKeyChange = Callable[[Home, Settings, str, str, str, int], str | None]
_FINDING = re.compile(r"[0-9a-f]{16}")


def _parsed(
    parse: Callable[[str], int],
) -> Callable[[click.Context, click.Parameter, str | None], int | None]:
    def convert(_context: click.Context, _option: click.Parameter, text: str | None) -> int | None:
        try:
            return None if text is None else parse(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error

    return convert


_root_key_option = click.option(
    "--root-key",
    "root_keys",
    multiple=True,
    metavar="FILE",
    help="A root key to sign the keyring with; default: all in the home's folder root.",
)
_person_option = click.option("--person", is_flag=True, help="NAME is a person, not a service.")
_valid_for_option = click.option(
    "--valid-for",
    callback=_parsed(parse_duration),
    metavar="DURATION",
    help="For example 90d; default: no end.",
)
_additional_option = click.option(
    "--additional", is_flag=True, help="Enrol it although NAME has an active key; both count."
)


@click.command()
@click.option("--producer", required=True, metavar="NAME", help="Name the jobs here sign as.")
@click.option("--deployment", metavar="NAME", help="Default: this folder's name and some letters.")
def init(producer: str, deployment: str | None) -> None:
    """Make a Lineseal home: configuration, keys and keyring.

    It is made in the folder given with --home or LINESEAL_HOME, else in .lineseal here. An
    existing home is never touched. Needs no server and no network.
    """
    path = Path(os.environ.get(HOME_VARIABLE) or HOME_FOLDER)
    made = create_home(path, Holder.parse(producer), deployment, now_us)
    note(f"made the home {made.home.path}: deployment {made.deployment!r}, producer {producer!r}")
    note(f"  private key   {made.home.keys / producer}.pem (key {made.producer_keyid})")
    for name, _, what in SERVICES:
        note(f"  private key   {made.home.keys / name}.pem, signs {what}")
    note(f"  root key      {made.home.root_keys / 'root-1.pem'} (key {made.root_keyid})")
    note(f"next: move {made.home.root_keys} to an offline place; only 'lineseal keys' needs it,")
    note("      and then you pass it with --root-key. Keep a second copy: it cannot be replaced.")
    note("next: instrument a job, see README; the gateway and imports need a key of their own:")
    note("      'lineseal keys new gateway --role gateway --enrol'")


@click.group()
def keys() -> None:
    """Make, enrol, list, revoke and rotate signing keys.

    A private key counts once it is enrolled: written, with what it may do, into the keyring
    that the root keys sign. Verifiers elsewhere need the new keyring.json after every change.
    What happens to a key is also recorded in the log, where this home has the
    key of the detections.
    """


@keys.command("new")
@click.argument("name")
@_person_option
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice(sorted(ROLES)),
    help="May be repeated; default: emit, for a person also override.",
)
@click.option(
    "--event-kind",
    "event_kinds",
    multiple=True,
    type=click.Choice(list(BODY_FIELDS)),
    help="The only kinds of events it may send; may be repeated; default: all.",
)
@click.option(
    "--key",
    "uri",
    metavar="URI",
    help="Use a key in a KMS or HSM: a securesystemslib URI, '#' and its public key's PEM file.",
)
@click.option("--enrol", "enrol_now", is_flag=True, help="Enrol it right away.")
@_additional_option
@_valid_for_option
@_root_key_option
def new_key(
    *,
    name: str,
    person: bool,
    roles: tuple[str, ...],
    event_kinds: tuple[str, ...],
    uri: str | None,
    enrol_now: bool,
    additional: bool,
    valid_for: int | None,
    root_keys: tuple[str, ...],
) -> None:
    """Make a private key for NAME and a request to enrol it.

    The request is signed by the new key itself, which proves that whoever sends it holds the
    key. A person's key is bound to the person: only it proves their approvals and overrides.
    """
    custody = _custody()
    holder = Holder.parse(name, person=person)
    request, request_file = custody.new_key(holder, roles=roles, event_kinds=event_kinds, uri=uri)
    click.echo(request.public.keyid)
    note(f"private key  {uri or custody.key_file(holder)}")
    note(f"request      {request_file}")
    if enrol_now:
        try:
            _enrol(custody, request_file, root_keys, valid_for, additional=additional)
        except KeyUnusable:
            again = custody.enrol_command(holder) + (" --valid-for DURATION" if valid_for else "")
            note(f"the key and its request are kept; where the root key is, run '{again}'")
            raise
    else:
        note(f"next: where the root key is, run 'lineseal keys enrol {request_file}'")


@keys.command("enrol")
@click.argument("request", metavar="NAME|REQUEST.json")
@_person_option
@_additional_option
@_valid_for_option
@click.option(
    "--writes",
    multiple=True,
    metavar="PATTERN",
    help="The only artifacts it may write, register or decide about: kind:namespace/name with * "
    "and ?; may be repeated; default: all.",
)
@click.option(
    "--expect-every",
    callback=_parsed(parse_duration),
    metavar="DURATION",
    help="A longer silence of its producer is a finding, for example 24h; default: none is.",
)
@_root_key_option
def enrol_key(
    *,
    request: str,
    person: bool,
    additional: bool,
    valid_for: int | None,
    writes: tuple[str, ...],
    expect_every: int | None,
    root_keys: tuple[str, ...],
) -> None:
    """Add a key to the keyring, from a request made by 'keys new'.

    Check with its holder that the key id is theirs before you use the root key.
    """
    custody = _custody()
    if request.endswith(".json"):
        path = Path(request)
    else:
        path = custody.request_file(Holder.parse(request, person=person))
    keyid = _enrol(
        custody,
        path,
        root_keys,
        valid_for,
        additional=additional,
        writes=writes,
        expected_every=expect_every,
    )
    click.echo(keyid)


@keys.command("list")
@output_options
def list_keys(output: str) -> None:
    """List all keys of the keyring, past ones too."""
    custody = _custody()
    keyring, now, held = custody.keyring(), now_us(), custody.held()
    warnings: list[str] = []
    if keyring.expired(now):
        warnings.append(
            f"the keyring expired at {format_time(keyring.expires)}; 'lineseal keys renew' signs "
            "it anew"
        )
    answer = Answer(
        query="keys",
        subject=keyring.deployment,
        warnings=warnings,
        rows=[key_row(entry, now, held) for entry in keyring.entries],
        extra={
            "keyring_version": keyring.version,
            "keyring_expires": format_time(keyring.expires),
            "roots": [root.keyid for root in keyring.roots],
        },
    )
    print_answer(answer, output, columns=_COLUMNS)


@keys.command("revoke")
@click.argument("key", metavar="KEYID|NAME")
@click.option("--reason", required=True, metavar="TEXT", help="Why, for those who ask later.")
@click.option(
    "--compromised-since",
    callback=_parsed(parse_time),
    metavar="TIME",
    help="Trust nothing of it from this moment on (ISO 8601, UTC); default: all of it stays.",
)
@_root_key_option
def revoke_key(
    *, key: str, reason: str, compromised_since: int | None, root_keys: tuple[str, ...]
) -> None:
    """Revoke a key: what it seals from now on is refused.

    What was first recorded before stays trusted. With --compromised-since what was recorded from
    TIME on is trusted no more: it stays in the store, visible, and 'trace' and 'impact' treat it
    as weak and say why. A revoked key never comes back.
    """
    custody = _custody()
    entry, keyring = custody.revoke(
        find_key(custody.keyring(), key),
        reason=reason,
        compromised_since=compromised_since,
        root_uris=root_keys,
    )
    click.echo(entry.keyid)
    since = format_time(entry.untrusted_from or 0)
    _record(custody, entry.keyid, KeyAction.REVOKED, reason)
    note(f"revoked the key of {entry.producer!r}: it counts for nothing from {since} on")
    _note_version(keyring)
    if compromised_since is not None:
        note("next: 'lineseal materialise' marks what the store holds of it since then")
    note(f"next: 'lineseal keys rotate {entry.producer}' where its jobs run gives them a new key")


@keys.command("rotate")
@click.argument("name")
@_person_option
@click.option(
    "--overlap",
    callback=_parsed(parse_duration),
    default="24h",
    show_default=True,
    metavar="DURATION",
    help="How long the old key stays valid: for jobs that run on, and batches not read yet.",
)
@_root_key_option
def rotate_key(*, name: str, person: bool, overlap: int, root_keys: tuple[str, ...]) -> None:
    """Replace the private key of NAME by a new, enrolled one.

    The old private key is kept beside it under its key id. Batches are judged when they are
    first read, so what is sealed under the old key has to be read before the overlap ends. For
    a stolen key use 'keys revoke'.
    """
    custody = _custody()
    holder = Holder.parse(name, person=person)
    done = custody.rotate(holder, overlap=overlap, root_uris=root_keys)
    _record(custody, done.new_keyid, KeyAction.ROTATED, f"in place of key {done.old_keyid}")
    click.echo(done.new_keyid)
    note(f"new private key  {custody.key_file(holder)}")
    note(f"old private key  {done.old_file} (key {done.old_keyid})")
    note(f"the old key counts until {format_time(done.old_counts_until)}")
    _note_version(custody.keyring())
    note(f"next: restart the jobs of {holder.producer!r}; they read the key when they start")


@keys.command("settle")
@click.argument("key", metavar="KEYID|NAME")
@click.option("--finding", required=True, metavar="ID", help="Of the FORK: 'lineseal producers'.")
@_root_key_option
def settle_fork(*, key: str, finding: str, root_keys: tuple[str, ...]) -> None:
    """Decide that a fork was harmless: both branches count, and so does the key.

    For a copied machine or a restored outbox, once you know that nobody else held the key. If
    somebody did, revoke it with --compromised-since. Another branch is another finding.
    """
    if not _FINDING.fullmatch(finding):
        raise click.BadParameter("a finding's id is 16 hex characters", param_hint="--finding")
    custody = _custody()
    entry, keyring = custody.settle(
        find_key(custody.keyring(), key), finding=finding, root_uris=root_keys
    )
    click.echo(entry.keyid)
    _note_version(keyring)
    note("next: 'lineseal materialise' lets the key count again")


@keys.command("renew")
@_root_key_option
def renew_keyring(root_keys: tuple[str, ...]) -> None:
    """Sign the keyring anew, as it is, for another year."""
    keyring = _custody().renew(root_uris=root_keys)
    note(f"the keyring is good until {format_time(keyring.expires)}")
    _note_version(keyring)


def _custody() -> Custody:
    home = find_home()
    return Custody(home, load_settings(home), now_us)


def _enrol(
    custody: Custody,
    path: Path,
    root_keys: tuple[str, ...],
    valid_for: int | None,
    *,
    additional: bool,
    writes: Sequence[str] = (),
    expected_every: int | None = None,
) -> str:
    entry, keyring = custody.enrol(
        path,
        root_uris=root_keys,
        valid_for=valid_for,
        additional=additional,
        writes=writes,
        expected_every=expected_every,
    )
    _record(custody, entry.keyid, KeyAction.ENROLLED, f"it speaks for {entry.producer}")
    kinds = ", ".join(sorted(entry.event_kinds)) or "all"
    note(f"enrolled key {entry.keyid}")
    note(f"  it speaks for {entry.producer!r}; roles: {', '.join(sorted(entry.roles))}")
    note(f"  event kinds: {kinds}; person: {entry.actor or 'none'}")
    _note_version(keyring)
    return entry.keyid


def _record(custody: Custody, keyid: str, action: KeyAction, reason: str) -> None:
    """Have the change recorded in the log, where this home has the key for it."""
    hook: RecordKeyChange | None = find_hook(RECORD_KEY_CHANGE)
    if hook is None:
        return
    home = find_home()
    version = custody.keyring().version
    problem = hook(home, load_settings(home), keyid, action.value, reason, version)
    if problem is not None:
        note(f"the log has no record of it: {problem}")


def _note_version(keyring: Keyring) -> None:
    note(f"keyring.json has version {keyring.version} now; verifiers elsewhere need a copy of it")
