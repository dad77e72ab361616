"""``certinel pki keystore`` and ``truststore``: the two files of a Java client."""

import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certinel.cli.pki.files import (
    KEY_SUFFIX,
    Force,
    content_of,
    read_chain,
    read_key,
    refuse_existing,
    write_public,
    write_secret,
)
from certinel.cli.pki.keytool import JKS_MAGIC, keytool, passphrase_option
from certinel.cli.pki.secrets_given import KEY_VARIABLE, PassphraseFile, StorePassphraseFile, of_store
from certinel.cli.terminal import EXIT_USAGE, CommandError, console
from certinel.pki.chain import ordered
from certinel.pki.errors import WrongPassphraseError
from certinel.pki.keystore import (
    DEVICE_KEY_ALIAS,
    SERVER_CERTIFICATE_ALIAS,
    make_keystore,
    make_truststore,
    read_store,
    with_trusted,
)


class StoreType(StrEnum):
    """The two forms that Java reads."""

    PKCS12 = "pkcs12"
    JKS = "jks"


Type = Annotated[StoreType, typer.Option("--type", help="Form of the store; JKS is for old Java and needs keytool.")]


def keystore(  # noqa: PLR0917 - typer calls it by name
    chain: Annotated[Path, typer.Argument(help="Certificate of the device and those above it, in PEM.")],
    key: Annotated[Path | None, typer.Option(help="Its private key; by default beside it, ending .key.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The store; by default the chain's name ending .p12 or .jks.")
    ] = None,
    alias: Annotated[str, typer.Option(help="Name of the entry.")] = DEVICE_KEY_ALIAS,
    store_type: Type = StoreType.PKCS12,
    passphrase_file: PassphraseFile = None,
    store_passphrase_file: StorePassphraseFile = None,
    force: Force = False,
) -> None:
    """Make the store with which a Java device authenticates itself: its key and its chain, in the right order.

    The key in the store has the store's passphrase, as Java clients expect.
    """
    file = out or chain.with_suffix(".jks" if store_type is StoreType.JKS else ".p12")
    refuse_existing(file, force=force)
    found = read_chain(chain)
    private_key = read_key(key or chain.with_suffix(KEY_SUFFIX), passphrase_file, KEY_VARIABLE)
    own = next((one for one in found if one.public_key() == private_key.public_key()), found[0])
    passphrase = of_store(store_passphrase_file, file, is_new=True)
    content = make_keystore(private_key, ordered(own, found), passphrase, alias=alias)
    write_secret(file, _as_jks(content, passphrase) if store_type is StoreType.JKS else content, force=force)
    console.print(f"✓ Key store made: {file} (only you can read it), entry {alias}", markup=False)


def truststore(
    certificate: Annotated[Path, typer.Argument(help="Whom to trust: the platform's server CA, in PEM.")],
    out: Annotated[Path, typer.Option(help="The store; one that is there gets an entry more.")] = Path(
        "truststore.p12"
    ),
    alias: Annotated[str, typer.Option(help="Name of the new entry.")] = SERVER_CERTIFICATE_ALIAS,
    store_type: Type = StoreType.PKCS12,
    store_passphrase_file: StorePassphraseFile = None,
) -> None:
    """Make the store of those whom a Java device trusts, or add to one that is there.

    An alias that is in use is refused, never replaced. --type counts for a new store only. Adding to a store that
    holds a key too, or to a JKS one, needs keytool; keep keys and trusted certificates apart where you can.
    """
    found = read_chain(certificate)
    if len(found) > 1:
        console.print(f"Note: {certificate} has {len(found)} certificates; the first is taken", markup=False)
    is_new = not out.exists()
    passphrase = of_store(store_passphrase_file, out, is_new=is_new)
    if is_new:
        content = make_truststore({alias: found[0]}, passphrase)
        if store_type is StoreType.JKS:
            content = _as_jks(content, passphrase)
        write_public(out, content, force=False)
        console.print(f"✓ Trust store made: {out}, entry {alias}", markup=False)
        return
    present = content_of(out)
    mode = out.stat().st_mode & 0o777
    content = _added(present, alias, found[0], passphrase, out)
    (write_public if mode & 0o044 else write_secret)(out, content, force=True)
    console.print(f"✓ Entry {alias} added to {out}", markup=False)


def _added(store: bytes, alias: str, certificate: x509.Certificate, passphrase: str, file: Path) -> bytes:
    is_jks = store.startswith(JKS_MAGIC)
    try:
        if not is_jks and read_store(store, passphrase).key is None:
            return with_trusted(store, alias, certificate, passphrase)
    except WrongPassphraseError:
        raise CommandError(f"{file}: the passphrase does not open it", EXIT_USAGE) from None
    with tempfile.TemporaryDirectory() as folder:  # mode 0700
        copy, pem = Path(folder) / "store", Path(folder) / "certificate.pem"
        copy.write_bytes(store)
        pem.write_bytes(certificate.public_bytes(Encoding.PEM))
        words = ("-importcert", "-noprompt", "-alias", alias, "-file", pem, "-keystore", copy)
        kind = ("-storetype", "JKS" if is_jks else "PKCS12")
        keytool(*words, *kind, *passphrase_option("storepass"), passphrase=passphrase)
        return copy.read_bytes()


def _as_jks(pkcs12: bytes, passphrase: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "store.p12", Path(folder) / "store.jks"
        source.write_bytes(pkcs12)
        keytool(
            *("-importkeystore", "-noprompt", "-srckeystore", source, "-srcstoretype", "PKCS12"),
            *("-destkeystore", target, "-deststoretype", "JKS"),
            *passphrase_option("srcstorepass"),
            *passphrase_option("deststorepass"),
            passphrase=passphrase,
        )
        return target.read_bytes()
