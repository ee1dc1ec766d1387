"""The command ``lineseal evidence``."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import note
from lineseal.consumers.evidence.archive import to_zip
from lineseal.consumers.evidence.closure import Closure, close_over
from lineseal.consumers.evidence.collect import Collector, read_kept
from lineseal.consumers.publisher_source import log_signer
from lineseal.queries.cli.common import home_store, store_of_home
from lineseal.schemas.errors import KeyMissing, Unreadable
from lineseal.signing.checkpoint import find_notes
from lineseal.signing.files import replace_public
from lineseal.signing.keyring_file import load_keyring


@click.command()
@click.argument("subject", metavar="REF|ALERT")
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The zip file to write.",
)
@click.option(
    "--checkpoint",
    "kept",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with checkpoints kept elsewhere, to be proven in the case. May be repeated.",
)
def evidence(subject: str, out: Path, kept: tuple[Path, ...]) -> int:
    """Write a case about an artifact version or an alert, for somebody who has no Lineseal.

    One zip file: the sealed batches the answer rests on, with inclusion proofs; checkpoints,
    keyrings, schemas, question and answer, what people decided, and verify.py, which checks all of
    it with Python and 'cryptography' alone. The same store gives the same bytes. It holds what
    these events say, names of people included: treat it as what it is about.

    Exit status: 0 written; 6 written, and the answer in it is incomplete; 3 not found.
    """
    home = store_of_home()
    deployment = home.settings.deployment
    signer = log_signer(home.home, home.settings)
    if signer is None:
        raise KeyMissing(
            f"a case is signed by the key {home.settings.store.signer!r}, which is not here"
        )
    keyring = load_keyring(
        home.home.keyring, roots=deployment.roots, threshold=deployment.threshold
    )
    notes = [text for path in kept for text in find_notes(_read(path))]
    with home_store() as connection:
        closure = close_over(connection, subject)
        collector = Collector(connection, closure, keyring, deployment)
        data = to_zip(collector.collect(signer, read_kept(notes, keyring)))
    replace_public(out, data)
    _say(out, data, closure)
    return Exit.OK if closure.answer.get("complete", True) else Exit.INCOMPLETE


def _say(out: Path, data: bytes, closure: Closure) -> None:
    note(f"wrote {out}: {len(closure.events)} events in {len(closure.batches)} batches")
    note(f"sha256 {hashlib.sha256(data).hexdigest()}")
    for warning in closure.answer.get("warnings", ()):
        note(f"warning: {warning}")
    note(f"next: python verify.py {out.name} --root KEYID --checkpoint FILE (see README.md in it)")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError as error:
        raise Unreadable(f"cannot read {path}: {error.strerror}") from error
