"""Every way in which a certificate chain fails to connect a device, and how to get there.

What is then said, and to whom, is data: tests/vectors/refusals/ways_to_fail.toml.
"""

from __future__ import annotations

import tomllib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

from cryptography import x509

from certinel.domain.errors import Code
from certinel.domain.identifiers import TenantId
from support.certificates import (
    CA,
    EXPIRED,
    NOT_A_CA,
    NOT_YET_VALID,
    SERVER_AUTH,
    VALID,
    Issued,
    new_key,
    root_authority,
    usage,
)
from support.certificates import self_signed_device as self_signed
from support.scene import OURS, THEIRS, Scene

NAME = "pump-7"
ENDS_IN_JANUARY = (VALID[0], datetime(2027, 1, 10, tzinfo=UTC))
LATER = datetime(2027, 2, 1, tzinfo=UTC)
TABLE = Path(__file__).parents[1] / "vectors/refusals/ways_to_fail.toml"


class SeenBy(Enum):
    """Who reads the true code: see the table."""

    ALL = "all"
    DEVICE = "device"
    TENANT = "tenant"


@dataclass(frozen=True)
class Failing:
    """What the device brings along."""

    presented: tuple[bytes, ...]
    key: Issued | None = None
    """Whose key the device has; None when no TLS client would load the chain."""
    client_id: str | None = NAME
    """None is the common name of the certificate, whatever it is."""
    tenant: TenantId | None = None
    """The tenant that it names."""

    @classmethod
    def whole(cls, device: Issued) -> Failing:
        return cls(device.chain_der, device)

    @classmethod
    def of(cls, *certificates: Issued) -> Failing:
        return cls(tuple(one.der for one in certificates), certificates[0])


Arrange = Callable[[Scene], Awaitable[Failing]]


@dataclass(frozen=True, kw_only=True)
class WayToFail:
    """One row of the table."""

    name: str
    arrange: Arrange
    code: Code
    index: int | None
    sentence: str
    remedy: str
    seen_by: SeenBy
    is_seen_by_provers: bool
    require_proof: bool

    @property
    def told(self) -> Code:
        """The code that a stranger reads at CONNECT."""
        return Code.UNKNOWN_ISSUER if self.seen_by is SeenBy.TENANT else self.code

    @property
    def seen_by_others(self) -> Code:
        """The code that the administrator of another tenant reads."""
        return self.code if self.seen_by is SeenBy.ALL or self.is_seen_by_provers else Code.UNKNOWN_ISSUER


async def trusted_root(scene: Scene, **options: object) -> Issued:
    root = root_authority("Plant CA", **options)  # type: ignore[arg-type]
    await scene.trust(root)
    return root


def named(*common_names: str) -> Arrange:
    async def arrange(scene: Scene) -> Failing:
        return replace(Failing.whole((await trusted_root(scene)).device(*common_names)), client_id=None)

    return arrange


def device_of(**options: object) -> Arrange:
    """A device of the trusted CA that is odd in some way."""

    async def arrange(scene: Scene) -> Failing:
        return Failing.whole((await trusted_root(scene)).device(NAME, **options))  # type: ignore[arg-type]

    return arrange


def below(**options: object) -> Arrange:
    """A device below an intermediate that is odd in some way."""

    async def arrange(scene: Scene) -> Failing:
        hall = (await trusted_root(scene)).authority("Hall 3", **options)  # type: ignore[arg-type]
        return Failing.whole(hall.device(NAME))

    return arrange


async def no_certificate(scene: Scene) -> Failing:
    return Failing((), None)


async def too_large(scene: Scene) -> Failing:
    oid = x509.ObjectIdentifier("1.3.6.1.4.1.99999.1")
    padding = (x509.UnrecognizedExtension(oid, bytes(32_000)), False)
    root = await trusted_root(scene, key="rsa-2048", serial=1)  # signatures by RSA have always the same size
    return Failing.whole(root.device(NAME, key="rsa-2048", serial=1, extensions=[padding]))


async def too_many(scene: Scene) -> Failing:
    device = (await trusted_root(scene)).device(NAME)
    return Failing((*device.chain_der, *(root_authority(f"CA {number}").der for number in range(10))), device)


async def unreadable(scene: Scene) -> Failing:
    return Failing((b"no certificate", (await trusted_root(scene)).der))


async def unreadable_intermediate(scene: Scene) -> Failing:
    device = (await trusted_root(scene)).authority("Hall 3").device(NAME)
    return Failing((device.der, device.above[0].der[:-1], device.above[1].der))


async def trailing_byte(scene: Scene) -> Failing:
    return Failing(((await trusted_root(scene)).device(NAME).der + b"\0",))


async def unknown_ca(scene: Scene) -> Failing:
    await trusted_root(scene)
    return Failing.whole(root_authority("Unheard-of CA").device(NAME))


async def sent_without_intermediate(scene: Scene) -> Failing:
    return Failing.of((await trusted_root(scene)).authority("Hall 3").device(NAME))


async def sent_with_root_only(scene: Scene) -> Failing:
    root = await trusted_root(scene)
    device = root.authority("Hall 3").device(NAME)
    return Failing.of(device, root)


async def self_signed_stranger(scene: Scene) -> Failing:
    await trusted_root(scene)
    return Failing.whole(self_signed(NAME))


async def expired_self_signed(scene: Scene) -> Failing:
    device = self_signed(NAME, valid=ENDS_IN_JANUARY)
    await scene.trust(device)
    scene.clock.set(LATER)
    return Failing.whole(device)


async def forged(scene: Scene) -> Failing:
    root = await trusted_root(scene)
    impostor = root_authority("Plant CA", key_identifiers=False).device(NAME, key_identifiers=False)
    return Failing.of(impostor, root)


async def evil_twin(scene: Scene) -> Failing:
    """Another key under the name and the key identifier of the trusted CA."""
    root = await trusted_root(scene)
    identifier = root.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    twin = root_authority("Plant CA", key_identifiers=False, extensions=[(identifier, False)])
    return Failing.whole(twin.device(NAME))


async def signed_by_another_key(scene: Scene) -> Failing:
    root = await trusted_root(scene)
    hall = root.authority("Hall 3", signed_with=new_key())
    return Failing.whole(hall.device(NAME))


async def five_certificates(scene: Scene) -> Failing:
    root = await trusted_root(scene)
    return Failing.whole(root.authority("Site").authority("Hall 3").authority("Line 1").device(NAME))


async def path_length(scene: Scene) -> Failing:
    root = await trusted_root(scene, path_length=1)
    hall = root.authority("Site", path_length=0).authority("Hall 3", path_length=0)
    return Failing.whole(hall.device(NAME))


async def path_length_of_root(scene: Scene) -> Failing:
    return Failing.whole((await trusted_root(scene, path_length=0)).authority("Hall 3").device(NAME))


async def forbidden_name(scene: Scene) -> Failing:
    allowed = x509.NameConstraints([x509.DNSName("plant.example.org")], None)
    hall = (await trusted_root(scene)).authority("Hall 3", name_constraints=allowed)
    return Failing.whole(hall.device(NAME, san=[x509.DNSName("pump.example.net")]))


async def disabled_trust(scene: Scene) -> Failing:
    root = root_authority("Plant CA")
    await scene.disable(await scene.trust(root))
    return Failing.whole(root.device(NAME))


async def stored_only(scene: Scene) -> Failing:
    root = root_authority("Plant CA")
    await scene.trust(root, in_trust_store=False)
    return Failing.whole(root.device(NAME))


async def deleted_trust(scene: Scene) -> Failing:
    root = root_authority("Plant CA")
    await scene.delete(await scene.trust(root))
    return Failing.whole(root.device(NAME))


async def expired_trust(scene: Scene) -> Failing:
    root = await trusted_root(scene, valid=ENDS_IN_JANUARY)
    scene.clock.set(LATER)
    return Failing.whole(root.device(NAME))


async def trust_of_the_future(scene: Scene) -> Failing:
    return Failing.whole((await trusted_root(scene, valid=NOT_YET_VALID)).device(NAME))


async def proof_required(scene: Scene) -> Failing:
    return Failing.whole((await trusted_root(scene)).device(NAME))


async def proven_by_another(scene: Scene) -> Failing:
    root = await trusted_root(scene)
    await scene.prove(await scene.trust(root, THEIRS))
    return replace(Failing.whole(root.device(NAME)), tenant=OURS)


async def proven_by_both(scene: Scene) -> Failing:
    root = root_authority("Plant CA")
    for tenant in (OURS, THEIRS):
        await scene.prove(await scene.trust(root, tenant))
    return Failing.whole(root.device(NAME))


async def names_another_tenant(scene: Scene) -> Failing:
    return replace(Failing.whole((await trusted_root(scene)).device(NAME)), tenant=THEIRS)


def client_id(text: str) -> Arrange:
    async def arrange(scene: Scene) -> Failing:
        return replace(Failing.whole((await trusted_root(scene)).device(NAME)), client_id=text)

    return arrange


async def unregistered(scene: Scene) -> Failing:
    root = root_authority("Plant CA")
    await scene.trust(root, auto_registration=False)
    return Failing.whole(root.device(NAME))


async def one_device_too_many(scene: Scene) -> Failing:
    device = (await trusted_root(scene)).device(NAME)
    await scene.register("pump-6")
    await scene.limit_devices(OURS, 1)
    return Failing.whole(device)


async def disabled_device(scene: Scene) -> Failing:
    device = (await trusted_root(scene)).device(NAME)
    await scene.register(NAME, is_enabled=False)
    return Failing.whole(device)


async def suspended_tenant(scene: Scene) -> Failing:
    device = (await trusted_root(scene)).device(NAME)
    await scene.suspend(OURS)
    return Failing.whole(device)


async def version1_below(scene: Scene) -> Failing:
    hall = (await trusted_root(scene)).authority("Hall 3")
    return Failing.whole(hall.device(NAME, version1=True))


async def revoked_device(scene: Scene) -> Failing:
    device = (await trusted_root(scene)).device(NAME, serial=0x1000)
    await scene.revoke(device)
    return Failing.whole(device)


async def revoked_intermediate(scene: Scene) -> Failing:
    hall = (await trusted_root(scene)).authority("Hall 3", serial=0x1001)
    await scene.revoke(hall)
    return Failing.whole(hall.device(NAME))


async def no_current_list(scene: Scene) -> Failing:
    device = (await trusted_root(scene)).device(NAME)
    await scene.switch("crl.online.check.enabled")
    return Failing.whole(device)


ARRANGEMENTS: Mapping[str, Arrange] = {
    "no certificate": no_certificate,
    "too many bytes": too_large,
    "too many certificates": too_many,
    "unreadable device certificate": unreadable,
    "unreadable intermediate": unreadable_intermediate,
    "a byte too many": trailing_byte,
    "no common name": named(),
    "two common names": named("pump-7", "pump-8"),
    "empty common name": named(""),
    "colon in the common name": named("d:pump-7"),
    "long common name": named("x" * 65),
    "control character in the common name": named("pump\n7"),
    "expired device": device_of(valid=EXPIRED),
    "device not yet valid": device_of(valid=NOT_YET_VALID),
    "short RSA key": device_of(key="rsa-1024"),
    "RSA exponent 3": device_of(key="rsa-2048-e3"),
    "small curve": device_of(key="ec-p224"),
    "foreign curve": device_of(key="ec-secp256k1"),
    "Ed448 key": device_of(key="ed448"),
    "curve by parameters": device_of(explicit_curve=True),
    "Ed25519 intermediate": below(key="ed25519"),
    "SHA-1 signature": device_of(digest="sha1"),
    "SHA-1 signature of an intermediate": below(digest="sha1"),
    "for servers only": device_of(eku=[SERVER_AUTH]),
    "device that is a CA": device_of(basic_constraints=CA),
    "version 1 intermediate": below(version1=True),
    "version 1 device below an intermediate": version1_below,
    "unknown CA": unknown_ca,
    "without its intermediate": sent_without_intermediate,
    "with the root instead of the intermediate": sent_with_root_only,
    "self-signed and not uploaded": self_signed_stranger,
    "self-signed and expired": expired_self_signed,
    "intermediate with CA:FALSE": below(basic_constraints=NOT_A_CA),
    "intermediate without basic constraints": below(basic_constraints=None),
    "intermediate that may not sign": below(key_usage=usage("digital_signature")),
    "forged, with the genuine root": forged,
    "forged under the same key identifier": evil_twin,
    "intermediate signed with another key": signed_by_another_key,
    "path length of an intermediate": path_length,
    "path length of the root": path_length_of_root,
    "five certificates": five_certificates,
    "name that the CA does not allow": forbidden_name,
    "expired intermediate": below(valid=EXPIRED),
    "intermediate not yet valid": below(valid=NOT_YET_VALID),
    "disabled trusted certificate": disabled_trust,
    "trusted certificate that is only stored": stored_only,
    "deleted trusted certificate": deleted_trust,
    "expired trusted certificate": expired_trust,
    "trusted certificate of the future": trust_of_the_future,
    "proof required": proof_required,
    "proven by another tenant": proven_by_another,
    "proven by both tenants": proven_by_both,
    "names another tenant": names_another_tenant,
    "revoked device": revoked_device,
    "revoked intermediate": revoked_intermediate,
    "no current revocation list": no_current_list,
    "client id with a colon too many": client_id("x:pump-7"),
    "client id of another device": client_id("pump-8"),
    "client id in capitals": client_id("d:PUMP-7"),
    "not registered": unregistered,
    "one device too many": one_device_too_many,
    "disabled device user": disabled_device,
    "suspended tenant": suspended_tenant,
}


def _rows() -> Iterator[WayToFail]:
    table = tomllib.loads(TABLE.read_text())
    assert table.keys() == ARRANGEMENTS.keys()
    for name, row in table.items():
        yield WayToFail(
            name=name,
            arrange=ARRANGEMENTS[name],
            code=Code(row["code"]),
            index=row.get("index"),
            sentence=row["sentence"],
            remedy=row["remedy"],
            seen_by=SeenBy(row["seen_by"]),
            is_seen_by_provers=row.get("provers", False),
            require_proof=row.get("policy") == "require_proof",
        )


WAYS = tuple(_rows())
