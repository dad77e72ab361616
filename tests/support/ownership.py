"""Whose device is it, and what does its owner read? The trust rules' sections 3 to 5 in plain words.

Made from the words of the rules, to be compared with what a node says and does. Nothing of it is the product's. What is
left out: at most sixteen paths are tried, chains are small and well made, and signatures are what they are said to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

ADMITTED = "admitted"
NOBODYS = "nobody's"
"""No tenant has a claim; which of the faults of such a chain is named does not matter here."""

LONGEST_PATH = 2
CLAIMS_OUTLIVE_DELETION = timedelta(days=30)


@dataclass(frozen=True)
class Authority:
    """A key with a name, whatever certificates it has."""

    name: str
    issuer: Authority | None = None


@dataclass(frozen=True)
class Certificate:
    """A certificate of an authority's key."""

    authority: Authority
    serial: int
    ends: datetime


@dataclass(frozen=True)
class Device:
    """A device certificate."""

    name: str
    issuer: Authority
    serial: int


@dataclass
class Upload:
    """A tenant vouches for a certificate."""

    tenant: str
    certificate: Certificate
    place: int
    """In the order of uploads. What renews or replaces a claim that still counts has its place."""
    is_enabled: bool
    registers: bool
    is_proven: bool = False
    deleted_at: datetime | None = None

    @property
    def authority(self) -> Authority:
        return self.certificate.authority


@dataclass(frozen=True)
class Claim:
    """A path from a device to an upload."""

    upload: Upload
    length: int


@dataclass(frozen=True)
class Attempt:
    """How a device connects."""

    device: Device
    sent: Sequence[Authority] = ()
    """Whose certificates it sends with its own."""
    named: str | None = None
    """The tenant that it names."""


@dataclass(frozen=True)
class Verdict:
    """What a connect comes to, and who is told."""

    code: str
    told: frozenset[str] = frozenset()
    """The owner; several when they have an equal claim."""

    @property
    def owner(self) -> str | None:
        """The tenant that lets the device in."""
        return next(iter(self.told)) if self.code == ADMITTED else None


@dataclass
class Ownership:
    """What all tenants have done."""

    at: datetime
    uploads: list[Upload] = field(default_factory=list)
    suspended: set[str] = field(default_factory=set)
    revoked: set[tuple[str, int]] = field(default_factory=set)
    """A tenant and a serial number."""
    not_checking: set[str] = field(default_factory=set)
    """Tenants for which that does not count just now."""
    device_users: dict[tuple[str, str], bool] = field(default_factory=dict)
    """Of a tenant and a device: whether it is enabled."""

    def upload(self, tenant: str, certificate: Certificate, *, is_enabled: bool, registers: bool) -> Upload:
        """Vouch for a certificate; a renewed one keeps what was proven with the same key."""
        before = [one for one in self.uploads if one.tenant == tenant and one.authority == certificate.authority]
        uploaded = Upload(
            tenant,
            certificate,
            place=min((one.place for one in before if self._counts(one)), default=len(self.uploads)),
            is_enabled=is_enabled,
            registers=registers,
            is_proven=any(one.is_proven and one.deleted_at is None for one in before),
        )
        self.uploads.append(uploaded)
        return uploaded

    def there(self, tenant: str, certificate: Certificate) -> Upload | None:
        """The upload that the tenant has not deleted."""
        found = (one for one in self.uploads if (one.tenant, one.certificate) == (tenant, certificate))
        return next((one for one in found if one.deleted_at is None), None)

    def has_claim(self, tenant: str, certificate: Certificate) -> bool:
        """Tell whether the tenant has an upload of the certificate, or had one lately."""
        return any((one.tenant, one.certificate) == (tenant, certificate) and self._counts(one) for one in self.uploads)

    def withdraw(self, tenant: str, certificate: Certificate) -> None:
        """Take back every proof that a tenant gave of a key, also what is left of a deleted certificate."""
        for one in self.uploads:
            if (one.tenant, one.authority) == (tenant, certificate.authority):
                one.is_proven = False

    def _counts(self, upload: Upload) -> bool:
        """A claim counts whatever the state of its certificate, and for 30 days after that was deleted."""
        return upload.deleted_at is None or self.at < upload.deleted_at + CLAIMS_OUTLIVE_DELETION

    def claims(self, attempt: Attempt) -> list[Claim]:
        """The paths from a device up through the certificates that it sends."""
        return [
            Claim(one, length)
            for authority, length in _ends(attempt)
            for one in self.uploads
            if one.authority == authority and self._counts(one)
        ]

    def is_outsider(self, tenant: str, attempt: Attempt) -> bool:
        """Tell whether a tenant has neither proven its claim nor uploaded before all others."""
        claims = self.claims(attempt)
        if any(claim.upload.tenant == tenant and claim.upload.is_proven for claim in claims):
            return False
        return not claims or _first(claims) != tenant

    def verdict(self, attempt: Attempt) -> Verdict:
        """Say whose device it is, and whether that tenant lets it in."""
        claims = self.claims(attempt)
        if not claims:
            return Verdict(NOBODYS)
        proven = [claim for claim in claims if claim.upload.is_proven]
        best = proven or claims
        if attempt.named is not None:
            of_named = [claim for claim in claims if claim.upload.tenant == attempt.named]
            if not of_named:
                return Verdict("client-id/wrong-tenant", frozenset({_first(best)}))
            best = [claim for claim in of_named if claim in best]
            if not best:
                return Verdict("trust/needs-proof-of-possession", frozenset({attempt.named}))
        owners = _in_order(best)
        if proven and len(owners) > 1:
            return Verdict("trust/ambiguous-tenant", frozenset(owners))
        return self._of_owner(attempt.device, [claim for claim in claims if claim.upload.tenant == owners[0]])

    def _of_owner(self, device: Device, claims: list[Claim]) -> Verdict:
        """The certificate that admits counts, else the one with which the device came furthest."""
        owner = claims[0].upload.tenant
        objections = [next(self._objections(owner, device, claim), None) for claim in claims]
        if None in objections:
            return Verdict(ADMITTED, frozenset({owner}))
        return Verdict(max((one for one in objections if one is not None), key=_RULES.index), frozenset({owner}))

    def _objections(self, owner: str, device: Device, claim: Claim) -> Iterator[str]:
        """What is to be said against a device under one claim, by rules 6 to 10."""
        upload, is_enabled = claim.upload, self.device_users.get((owner, device.name))
        if owner in self.suspended:
            yield "tenant/suspended"
        if upload.deleted_at is not None:
            yield "trust/deleted"
        if not upload.is_enabled:
            yield "trust/disabled"
        if upload.certificate.ends < self.at:
            yield "trust/expired"
        if claim.length > LONGEST_PATH:
            yield "chain/too-long"
        for serial, code in ((device.serial, "revocation/device"), (upload.certificate.serial, "revocation/authority")):
            if (owner, serial) in self.revoked and owner not in self.not_checking:
                yield code
        if is_enabled is False:
            yield "device/disabled"
        if is_enabled is None and not upload.registers:
            yield "registration/required"

    def alone(self, tenant: str) -> Ownership:
        """How things were if there were no other tenant."""
        own = [one for one in self.uploads if one.tenant == tenant]
        return replace(self, uploads=own)

    def verdict_seen_by(self, viewer: str, attempt: Attempt) -> Verdict:
        """What a tenant is told of a device: the truth when it is concerned, else what is so without the others."""
        verdict = self.verdict(attempt)
        if viewer in verdict.told:
            return Verdict(verdict.code, frozenset({viewer}))  # and not who else is concerned
        alone = self.alone(viewer).verdict(attempt)
        if alone.code == ADMITTED:
            return Verdict("trust/needs-proof-of-possession", frozenset({viewer}))
        return alone


_RULES = (
    "tenant/suspended",
    "trust/deleted",
    "trust/disabled",
    "trust/expired",
    "chain/too-long",
    "revocation/authority",
    "revocation/device",
    "device/disabled",
    "registration/required",
)
"""In the order in which a device comes past them."""


def _ends(attempt: Attempt) -> Iterator[tuple[Authority, int]]:
    """Yield every authority that a path can end with, and how many certificates it has then."""
    authority, length = attempt.device.issuer, 2
    while True:
        yield authority, length
        if authority not in attempt.sent or authority.issuer is None:
            return
        authority, length = authority.issuer, length + 1


def _in_order(claims: Sequence[Claim]) -> list[str]:
    by_place = sorted(claims, key=lambda claim: claim.upload.place)
    return list(dict.fromkeys(claim.upload.tenant for claim in by_place))


def _first(claims: Sequence[Claim]) -> str:
    return _in_order(claims)[0]
