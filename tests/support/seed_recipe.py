"""The certificate recipe that device developers know: openssl and keytool, command by command.

The commands stand as the platform's old documentation prints them; only folders differ, and the answers that a person
would type are given on standard input. What to expect of each is in ``tests/integration/test_seed_recipe.py``.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.commands import Outcome, shell

CA_PASSWORD = "password of the CA key"
INTERMEDIATE_PASSWORD = "password of the intermediate key"
DEVICE_PASSWORD = "password of the device key"
STORE_PASSWORD = "password-of-the-stores"

CA_CONFIG = """\
[ ca ]
default_ca = CA_default
[ CA_default ]
dir               = {folder}
certs             = $dir # the CA certificate
crl_dir           = $dir/crl
new_certs_dir     = $dir/deviceCertificates
database          = $dir/database.txt
serial            = $dir/serial

private_key       = $dir/caKey.pem
certificate       = $dir/caCert.pem

default_md        = sha256
default_days      = 375 # days
preserve          = no
policy            = signing_policy

crl               = $crl_dir/caCrl.pem
crlnumber         = $crl_dir/crlnumber
crl_extensions    = crl_ext
default_crl_days  = 30

[ req ]
default_bits        = 4096
distinguished_name  = req_distinguished_name
string_mask         = utf8only
default_md          = sha256
x509_extensions     = v3_ca

[ req_distinguished_name ]
countryName                     = Country Name (2 letter code)
stateOrProvinceName             = State or Province Name
localityName                    = Locality Name
organizationName                = Organization Name
organizationalUnitName          = Organizational Unit Name
commonName                      = Common Name
emailAddress                    = Email Address

[ v3_ca ]
subjectKeyIdentifier = hash # an inline comment, as the page has them
authorityKeyIdentifier = keyid:always,issuer
basicConstraints = critical, CA:true, pathlen:10 # and another
keyUsage = digitalSignature, cRLSign, keyCertSign

[ v3_signed ]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid,issuer
basicConstraints = critical, CA:false
keyUsage = nonRepudiation, digitalSignature, keyEncipherment

[ crl_ext ]
authorityKeyIdentifier=keyid:always

[ signing_policy ]
countryName             = optional
stateOrProvinceName     = optional
organizationName        = optional
organizationalUnitName  = optional
commonName              = supplied
emailAddress            = optional
"""


def intermediate_config(folder: Path) -> str:
    """The same configuration with its own folder and the three names that begin with "ca"."""
    config = CA_CONFIG.format(folder=folder)
    for name in ("caKey.pem", "caCert.pem", "caCrl.pem"):
        config = config.replace(f"/{name}", "/intermediate" + name.removeprefix("ca"))
    return config


def subject(common_name: str, *, locality: str = "Krakow") -> tuple[str, ...]:
    """The seven answers to ``openssl req``: C, ST, L, O, OU, CN and e-mail address."""
    return ("PL", "Lesser Poland", locality, "Example", "Devices", common_name, "")


@dataclass(frozen=True, slots=True)
class Authority:
    """A folder in which the recipe signs: the root's or the intermediate's."""

    folder: Path
    prefix: str
    password: str

    @property
    def config(self) -> Path:
        return self.folder / f"{self.prefix}Config.cnf"

    @property
    def key(self) -> Path:
        return self.folder / f"{self.prefix}Key.pem"

    @property
    def certificate(self) -> Path:
        return self.folder / f"{self.prefix}Cert.pem"

    @property
    def devices(self) -> Path:
        return self.folder / "deviceCertificates"

    def run(self, line: str, answers: Sequence[str] = ()) -> Outcome:
        return shell(line, answers=answers, folder=self.folder)

    def prepare(self, config: str) -> None:
        """Folders, history and serial number, as for every CA of the recipe."""
        self.folder.mkdir()
        for line in ("touch database.txt", "echo 1000 > serial", "mkdir deviceCertificates crl"):
            self.run(line).succeeded()
        self.config.write_text(config)


@dataclass(frozen=True, slots=True)
class Device:
    """The files of one device: ``deviceCertificates`` of the authority that signed it."""

    folder: Path

    @property
    def key(self) -> Path:
        return self.folder / "deviceKey.pem"

    @property
    def certificate(self) -> Path:
        return self.folder / "deviceCert.pem"

    @property
    def chain(self) -> Path:
        return self.folder / "deviceCertChain.pem"

    def run(self, line: str, answers: Sequence[str] = ()) -> Outcome:
        return shell(line, answers=answers, folder=self.folder)


@dataclass(frozen=True, slots=True)
class SeedRecipe:
    """Everything the recipe makes below one folder."""

    home: Path

    ROOT_DEVICE = "iotdevice0001"
    INTERMEDIATE_DEVICE = "iotdevice0002"

    @property
    def root(self) -> Authority:
        return Authority(self.home / "caCertificate", "ca", CA_PASSWORD)

    @property
    def intermediate(self) -> Authority:
        return Authority(self.root.folder / "intermediateCertificate", "intermediate", INTERMEDIATE_PASSWORD)

    @property
    def device(self) -> Device:
        """The device that the root signed."""
        return Device(self.root.devices)

    @property
    def device_below_intermediate(self) -> Device:
        return Device(self.intermediate.devices)

    def follow(self) -> None:
        """All of it, up to the key stores, which need nothing from a server."""
        self.make_root()
        self.make_intermediate()
        self.make_device(self.root, self.ROOT_DEVICE)
        self.make_device(self.intermediate, self.INTERMEDIATE_DEVICE)
        self.make_chains()
        for device in (self.device, self.device_below_intermediate):
            make_keystores(device)

    def make_root(self) -> None:
        root = self.root
        root.prepare(CA_CONFIG.format(folder=root.folder))
        root.run("openssl genrsa -aes256 -out caKey.pem 4096", [CA_PASSWORD] * 2).succeeded()
        root.run(
            "openssl req -config caConfig.cnf -key caKey.pem -new -x509 -days 7300 -sha256"
            " -extensions v3_ca -out caCert.pem",
            [CA_PASSWORD, *subject("Example Root CA")],
        ).succeeded()

    def make_intermediate(self) -> None:
        intermediate = self.intermediate
        intermediate.prepare(intermediate_config(intermediate.folder))
        intermediate.run(
            "openssl genrsa -aes256 -out intermediateKey.pem 4096", [INTERMEDIATE_PASSWORD] * 2
        ).succeeded()
        intermediate.run(
            "openssl req -config intermediateConfig.cnf -new -sha256 -key intermediateKey.pem -out intermediateCsr.pem",
            [INTERMEDIATE_PASSWORD, *subject("Example Intermediate CA"), "", ""],
        ).succeeded()
        self.root.run(
            "openssl ca -config caConfig.cnf -extensions v3_ca -days 3650 -notext -md sha256"
            " -in intermediateCertificate/intermediateCsr.pem -out intermediateCertificate/intermediateCert.pem",
            [CA_PASSWORD, "y", "y"],
        ).succeeded()

    def make_device(self, signer: Authority, common_name: str) -> None:
        config = signer.config.name
        signer.run(
            "openssl genrsa -aes256 -out deviceCertificates/deviceKey.pem 4096", [DEVICE_PASSWORD] * 2
        ).succeeded()
        signer.run(
            f"openssl req -config {config} -new -sha256 -key deviceCertificates/deviceKey.pem"
            " -out deviceCertificates/deviceCsr.pem",
            [DEVICE_PASSWORD, *subject(common_name)],
        ).succeeded()
        signer.run(
            f"openssl ca -config {config} -extensions v3_signed -days 365 -notext -md sha256"
            " -in deviceCertificates/deviceCsr.pem -out deviceCertificates/deviceCert.pem",
            [signer.password, "y", "y"],
        ).succeeded()

    def make_chains(self) -> None:
        self.root.run(
            "cat deviceCertificates/deviceCert.pem caCert.pem > deviceCertificates/deviceCertChain.pem"
        ).succeeded()
        self.root.run(
            "cat intermediateCertificate/deviceCertificates/deviceCert.pem intermediateCertificate/intermediateCert.pem"
            " caCert.pem > intermediateCertificate/deviceCertificates/deviceCertChain.pem"
        ).succeeded()

    def copied_to(self, home: Path) -> SeedRecipe:
        """The same files elsewhere, for a test that changes them."""
        copy = SeedRecipe(home)
        shutil.copytree(self.root.folder, copy.root.folder)
        copy.root.config.write_text(CA_CONFIG.format(folder=copy.root.folder))
        copy.intermediate.config.write_text(intermediate_config(copy.intermediate.folder))
        return copy


def make_keystores(device: Device) -> None:
    """The chain and the key as PKCS#12 and, converted by keytool, as JKS."""
    device.run(
        "openssl pkcs12 -export -name devicekeyentry -inkey deviceKey.pem -in deviceCertChain.pem"
        " -out deviceKeystore.pkcs12",
        [DEVICE_PASSWORD, STORE_PASSWORD, STORE_PASSWORD],
    ).succeeded()
    device.run(
        "keytool -importkeystore -srckeystore deviceKeystore.pkcs12 -srcstoretype PKCS12"
        " -destkeystore deviceKeystore.jks -deststoretype JKS",
        [STORE_PASSWORD] * 3,
    ).succeeded()


def followed_once(shared: Path) -> SeedRecipe:
    """Follow the recipe into ``shared``, or wait for the process that does: four RSA keys of 4096 bits take a while."""
    recipe, finished = SeedRecipe(shared / "seed-recipe"), shared / "seed-recipe.finished"
    with _only_process(shared / "seed-recipe.lock"):
        if not finished.exists():
            recipe.home.mkdir()
            recipe.follow()
            finished.touch()
    return recipe


@contextmanager
def _only_process(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
