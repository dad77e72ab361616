"""What a tenant has revoked, and what that means for a path (trust.md section 3, rule 8).

Two sources: the tenant's own list, by serial number alone or by issuer and serial, which counts while the offline check
is on; and revocation lists that a tenant has uploaded of its CAs, which always count: who uploads one means it. With
the online check on, every issuing CA of a path must have a list that is current; nothing is ever fetched.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from certinel.domain.certificate import Certificate
from certinel.domain.errors import Code, Refusal
from certinel.domain.identifiers import TenantId
from certinel.domain.path_fault import Path, day
from certinel.domain.revoked_serials import RevokedSerials, issuer_digest, serial_octets
from certinel.domain.signature import is_signed_by

OFFLINE_CHECK = ("configuration", "crl.offline.check.enabled")
ONLINE_CHECK = ("configuration", "crl.online.check.enabled")
"""The tenant options that switch the checks; both are off unless they say ``true``."""

AuthorityIdentity = tuple[bytes, bytes]
"""DER of a CA's subject and of its public key: a renewed CA keeps it, an evil twin does not have it."""


def identity_of(authority: Certificate) -> AuthorityIdentity:
    """Return what the revocation list of ``authority`` is kept under."""
    return authority.subject, authority.public_key


def serial_text(serial: int) -> str:
    """Write a serial number as the contract has it in revocation lists: hexadecimal, lower case, no leading zeros."""
    return f"{serial:x}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityList:
    """A CA's own revocation list, as a tenant has uploaded it, accepted and stored."""

    id: int
    tenant: TenantId
    issuer: Certificate
    """The CA certificate that verified the list."""
    number: int | None
    this_update: datetime
    next_update: datetime
    uploaded_at: datetime
    count: int
    serials: RevokedSerials = field(repr=False)

    def is_current(self, at: datetime) -> bool:
        """Tell whether the CA has not yet promised a newer one."""
        return at <= self.next_update


class TenantRevocation:
    """Everything one tenant has revoked, as a node keeps it in memory."""

    __slots__ = ("_lists", "last_entry", "offline_check", "online_check", "own")

    def __init__(self) -> None:
        self.offline_check = False
        self.online_check = False
        self.own = RevokedSerials()
        self.last_entry = 0
        """The number of the last entry of the tenant's own list that is in ``own``."""
        self._lists: Mapping[AuthorityIdentity, AuthorityList] = {}

    @property
    def lists(self) -> Iterable[AuthorityList]:
        """The uploaded lists, one for each CA."""
        return self._lists.values()

    def replace_lists(self, lists: Iterable[AuthorityList]) -> None:
        """Make ``lists`` all that the tenant has uploaded."""
        self._lists = {identity_of(one.issuer): one for one in lists}

    def with_own(self, own: RevokedSerials) -> "TenantRevocation":
        """Return the same with ``own`` for the tenant's own list; for questions only."""
        other = TenantRevocation()
        other.offline_check, other.online_check = self.offline_check, self.online_check
        other.own, other._lists = own, self._lists
        return other

    def ends_between(self, since: datetime, until: datetime) -> bool:
        """Tell whether, by ``until`` but not by ``since``, a list ends that the online check asks for."""
        return self.online_check and any(since <= one.next_update < until for one in self.lists)

    def refusal(self, path: Path, tenant: TenantId, at: datetime) -> Refusal | None:
        """Return why rule 8 keeps ``path`` out, the certificate nearest the device first, or None."""
        for index, certificate in enumerate(path):
            since = self._own_date(certificate) or self._date_by_issuer(path, index)
            if since is not None:
                facts = {
                    "subject": certificate.subject_text,
                    "serial": serial_text(certificate.serial_number),
                    "date": day(since),
                }
                code = Code.DEVICE_REVOKED if index == 0 else Code.AUTHORITY_REVOKED
                return Refusal(code, facts, index, tenant=tenant, path=path)
        return self._staleness(path, tenant, at) if self.online_check else None

    def listed_since(self, certificate: Certificate) -> datetime | None:
        """Return since when the tenant's own list names a certificate, whether or not the list counts."""
        if not self.own:
            return None
        serial = serial_octets(certificate.serial_number)
        return self.own.since(serial) or self.own.since(serial, issuer_digest(certificate.issuer))

    def _own_date(self, certificate: Certificate) -> datetime | None:
        return self.listed_since(certificate) if self.offline_check else None

    def _date_by_issuer(self, path: Path, index: int) -> datetime | None:
        if not self._lists:
            return None
        certificate = path[index]
        serial = serial_octets(certificate.serial_number)
        if index + 1 < len(path):
            of_issuer = self._lists.get(identity_of(path[index + 1]))
            return of_issuer.serials.since(serial) if of_issuer is not None else None
        # the trusted certificate: whoever issued it is not on the path, so its signature tells
        for one in self.lists:
            if one.issuer.subject == certificate.issuer:
                since = one.serials.since(serial)
                if since is not None and is_signed_by(certificate, one.issuer):
                    return since
        return None

    def _staleness(self, path: Path, tenant: TenantId, at: datetime) -> Refusal | None:
        for index, authority in enumerate(path[1:], start=1):
            known = self._lists.get(identity_of(authority))
            if known is None or not known.is_current(at):
                facts = {"subject": authority.subject_text}
                return Refusal(Code.LIST_STALE, facts, index, tenant=tenant, path=path)
        return None


NOTHING_REVOKED = TenantRevocation()
"""Of a tenant that has revoked nothing and switched nothing on; never to be changed."""
