"""What is a model made of, for other tools? The command ``lineseal bom``."""

from __future__ import annotations

from pathlib import Path

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import note, to_json
from lineseal.queries.bom.cyclonedx import SPEC_VERSIONS, cyclonedx
from lineseal.queries.bom.provenance import PAYLOAD_TYPE, payload, statement
from lineseal.queries.cli.common import home_store
from lineseal.queries.material import Material, load_material
from lineseal.schemas.errors import ConfigurationError, Unreadable
from lineseal.settings import find_home, load_settings
from lineseal.signing.envelope import sign_envelope
from lineseal.signing.files import replace_public
from lineseal.signing.holder import Holder
from lineseal.signing.signers import KeySigner, file_uri, load_signer


@click.command(short_help="Write a model's bill of materials or provenance.")
@click.argument("reference", metavar="REF")
@click.option(
    "--format",
    "form",
    type=click.Choice(("cyclonedx", "slsa")),
    default="cyclonedx",
    show_default=True,
    help="CycloneDX ML-BOM of the whole ancestry, or SLSA provenance of the run that wrote it.",
)
@click.option(
    "--spec",
    type=click.Choice(SPEC_VERSIONS),
    default=SPEC_VERSIONS[0],
    show_default=True,
    help="Version of CycloneDX.",
)
@click.option(
    "--as", "name", metavar="NAME", help="Sign provenance with NAME's key; default: this home's."
)
@click.option("--unsigned", is_flag=True, help="Print the provenance statement without envelope.")
@click.option("--as-of", metavar="TIME", help="Leave out what happened after TIME.")
@click.option("--known-at", metavar="TIME", help="Leave out what was ingested after TIME.")
@click.option(
    "-o", "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file."
)
def bom(
    reference: str,
    form: str,
    spec: str,
    name: str | None,
    unsigned: bool,
    as_of: str | None,
    known_at: str | None,
    out: Path | None,
) -> int:
    """Write what a model is made of, in the forms that other tools read.

    CycloneDX lists the whole ancestry: model card, data sets with digests, licences, sources and
    reviewers, the runs, and what people decided. SLSA provenance is a DSSE-signed in-toto
    Statement about the run that wrote REF.

    Exit status: 0 the ancestry is proven; 6 it is not, and the document says so; 3 not found.
    """
    with home_store() as connection:
        material = load_material(connection, reference, as_of=as_of, known_at=known_at)
    text = _provenance(material, name, unsigned) if form == "slsa" else _cyclonedx(material, spec)
    if out is None:
        click.echo(text)
    else:
        _write(out, text)
    for warning in material.ancestry.warnings:
        note(f"warning: {warning}")
    return Exit.INCOMPLETE if material.ancestry.defects else Exit.OK


def _cyclonedx(material: Material, spec: str) -> str:
    return to_json(cyclonedx(material, spec))


def _provenance(material: Material, name: str | None, unsigned: bool) -> str:
    document = statement(material)
    if unsigned:
        return to_json(document)
    return sign_envelope(PAYLOAD_TYPE, payload(document), [_signer(name)]).decode().rstrip()


def _signer(name: str | None) -> KeySigner:
    home = find_home()
    emitter = load_settings(home).emitter
    if name is None and emitter.key:
        return load_signer(emitter.key)
    who = name or emitter.producer
    if not who:
        raise ConfigurationError("nobody signs here; name a key with --as, or use --unsigned")
    return load_signer(file_uri(home.keys / f"{Holder.parse(who).stem}.pem"))


def _write(path: Path, text: str) -> None:
    try:
        replace_public(path, (text + "\n").encode())
    except OSError as error:
        raise Unreadable(f"cannot write {path}: {error.strerror}") from error
    note(f"wrote {path}")
