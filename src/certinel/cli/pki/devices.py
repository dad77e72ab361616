"""``certinel pki device``: one device, or all of a CSV file."""

import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509
from rich.console import Console
from rich.progress import track

from certinel.cli.pki.files import (
    CaFile,
    CaKeyFile,
    Force,
    content_of,
    file_name_of,
    read_authority,
    read_chain,
    refuse_existing,
    write_public,
    write_secret,
)
from certinel.cli.pki.issued import Issued, IssuedIndex
from certinel.cli.pki.outcome import AsJson, report
from certinel.cli.pki.secrets_given import CaPassphraseFile, Encrypt, PassphraseFile, for_new_key
from certinel.cli.terminal import EXIT_USAGE, CommandError, complain, console
from certinel.domain.device_table import DeviceTable, EncodingFinder, UnusableTableError
from certinel.pki.authority import Authority, Validity, distinguished_name, issue_device
from certinel.pki.chain import chain_to_pem, ordered
from certinel.pki.keys import KeyType, generate_key, key_from_pem, key_to_pem
from certinel.services.clock import SystemClock

DEVICE_DAYS = 365
NAME_COLUMNS = ("common_name", "cn", "id", "serial", "name", "device")
"""Headings of the column with the names; ``ID`` is that of bulk registration."""
SAVED_EVERY = 500
"""Certificates between two writings of the index, when many are made."""


@dataclass(frozen=True, slots=True)
class _Order:
    """What is the same for every device of a command."""

    issuer: Authority
    above: Sequence[x509.Certificate]
    folder: Path
    key_type: KeyType
    validity: Validity
    organization: str | None
    passphrase: str | None
    force: bool
    goes_on: bool
    """Use keys that are there without a certificate: an interrupted run has left them."""


def device(  # noqa: PLR0917 - typer calls it by name
    name: Annotated[str | None, typer.Argument(help="Common name: the MQTT client id is d: and this.")] = None,
    csv_file: Annotated[
        Path | None,
        typer.Option(
            "--csv",
            help="Make one for every row: a list of names, or a table with a column ID or common_name.",
        ),
    ] = None,
    ca: CaFile = Path("ca.pem"),
    ca_key: CaKeyFile = None,
    out_dir: Annotated[Path, typer.Option(help="Where NAME.pem, the whole chain, and NAME.key go.")] = Path(),
    key_type: Annotated[KeyType, typer.Option(help="Kind of the new key.")] = KeyType.EC_P256,
    days: Annotated[int, typer.Option(help="How long the certificate is valid.")] = DEVICE_DAYS,
    organization: Annotated[str | None, typer.Option(help="O of the subject.")] = None,
    encrypt: Encrypt = False,
    passphrase_file: PassphraseFile = None,
    ca_passphrase_file: CaPassphraseFile = None,
    another: Annotated[
        bool, typer.Option("--another", help="Also for a subject that has a certificate which is still good.")
    ] = False,
    goes_on: Annotated[
        bool, typer.Option("--continue", help="Leave out those of --csv that a run before this one has made.")
    ] = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Make keys and certificates for devices, ready to connect: the file has the whole chain, the CA included.

    What was issued is noted beside the CA, in NAME.index.jsonl. When one of many cannot be made, the command says
    which before it makes any. A run of many that was interrupted goes on with --continue.
    """
    if (name is None) == (csv_file is None) or (goes_on and csv_file is None):
        raise CommandError("give the name of a device, or --csv FILE", EXIT_USAGE)
    names = [name] if name is not None else _names_in(csv_file or Path())
    issuer, above = read_authority(ca, ca_key, ca_passphrase_file)
    at = SystemClock().now()
    passphrase = for_new_key(passphrase_file, encrypt=encrypt, what="the new key")
    validity = Validity.of_days(days, at=at)
    order = _Order(issuer, above, out_dir, key_type, validity, organization, passphrase, force, goes_on)
    with IssuedIndex.locked(ca) as index:
        if goes_on:
            names = _left_to_make(names, order, index, at)
        if not another:
            _refuse_second(index, names, organization, at)
        _refuse_clashes(names, order)
        if csv_file is None:
            certificate = _made(names[0], order)
            index.add([Issued.of(certificate)])
            report("Device", [certificate, *above], *_files(names[0], order), as_json=as_json)
            return
        _make_many(names, order, index)
    if as_json:
        typer.echo(json.dumps({"made": len(names), "folder": str(out_dir)}))
    else:
        console.print(f"✓ {len(names)} devices made in {out_dir.absolute()}", markup=False)


def _names_in(file: Path) -> list[str]:
    content = content_of(file)
    try:
        finder = EncodingFinder()
        finder.feed(content)
        table = DeviceTable(io.StringIO(content.decode(finder.encoding()), newline=""))
        cells = [row.cells for row in table.rows()]
    except UnusableTableError as error:
        raise CommandError(f"{file}: {error}", EXIT_USAGE) from None
    headings = [heading.lower() for heading in table.headings]
    column = next((headings.index(heading) for heading in NAME_COLUMNS if heading in headings), None)
    if column is None and len(headings) > 1:
        raise CommandError(f"{file}: no column is headed ID or common_name, but {', '.join(headings)}", EXIT_USAGE)
    first = [] if column is not None else [table.headings[0]]  # a bare list of names has no heading
    names = first + [row[column or 0].strip() if len(row) > (column or 0) else "" for row in cells]
    if not names:
        raise CommandError(f"{file}: there is no device in it", EXIT_USAGE)
    twice, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise CommandError(f"{file}: it names {twice!r} more than once", EXIT_USAGE)
    return names


def _refuse_second(index: IssuedIndex, names: Iterable[str], organization: str | None, at: datetime) -> None:
    live = index.live_subjects(at)
    for one in names:
        if distinguished_name(one, organization=organization).rfc4514_string() in live:
            raise CommandError(f"{one} has a certificate that is still good; revoke it, or make --another", EXIT_USAGE)


def _refuse_clashes(names: Sequence[str], order: _Order) -> None:
    taken: dict[Path, str] = {}
    for one in names:
        file, key = _files(one, order)
        if file in taken:
            raise CommandError(f"{taken[file]!r} and {one!r} would both be in {file}", EXIT_USAGE)
        taken[file] = one
        refuse_existing(file, *(() if order.goes_on else (key,)), force=order.force)


def _left_to_make(names: Sequence[str], order: _Order, index: IssuedIndex, at: datetime) -> list[str]:
    """Return the names without a certificate in the folder; those that have one are noted if they were not yet."""
    made = {one: certificate for one in names if (certificate := _made_before(one, order, at)) is not None}
    index.note(Issued.of(certificate) for certificate in made.values())
    return [one for one in names if one not in made]


def _made_before(name: str, order: _Order, at: datetime) -> x509.Certificate | None:
    """Return the certificate of a device, if it is in the folder with its key, of this CA, and good for now."""
    file, key_file = _files(name, order)
    if not (file.is_file() and key_file.is_file()):
        return None
    certificate = read_chain(file)[0]
    is_of_this_ca = len(ordered(certificate, [order.issuer.certificate])) > 1
    is_of_this_name = certificate.subject == distinguished_name(name, organization=order.organization)
    return certificate if is_of_this_ca and is_of_this_name and at <= certificate.not_valid_after_utc else None


def _make_many(names: Sequence[str], order: _Order, index: IssuedIndex) -> None:
    key = generate_key()
    for one in names:  # before any file is written: would every name be accepted?
        issue_device(order.issuer, one, key.public_key(), order.validity, organization=order.organization)
    waiting: list[Issued] = []
    count = 0
    try:
        for one in track(names, "Making devices", console=Console(stderr=True), transient=True):
            waiting.append(Issued.of(_made(one, order)))
            count += 1
            if len(waiting) >= SAVED_EVERY:
                index.add(waiting)
                waiting = []
    except (CommandError, KeyboardInterrupt):
        complain(f"{count} of {len(names)} devices were made; the same with --continue makes the others")
        raise
    finally:
        index.add(waiting)  # also of what was made before an error


def _made(name: str, order: _Order) -> x509.Certificate:
    file, key_file = _files(name, order)
    has_key = order.goes_on and key_file.is_file()
    key = key_from_pem(content_of(key_file), order.passphrase) if has_key else generate_key(order.key_type)
    certificate = issue_device(order.issuer, name, key.public_key(), order.validity, organization=order.organization)
    if not has_key:
        write_secret(key_file, key_to_pem(key, order.passphrase), force=order.force)
    write_public(file, chain_to_pem([certificate, *order.above]), force=order.force)
    return certificate


def _files(name: str, order: _Order) -> tuple[Path, Path]:
    stem = file_name_of(name)
    return order.folder / f"{stem}.pem", order.folder / f"{stem}.key"
