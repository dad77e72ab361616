"""What every tenant of the platform vouches for, in memory, indexed for admission.

A node keeps one trust store and decides from it without asking the database. Loading it and keeping it true is *not*
done here: see the service of the same noun.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from certinel.domain.certificate import Certificate
from certinel.domain.identifiers import DeviceId, TenantId, device_user_name
from certinel.domain.revocation import NOTHING_REVOKED, TenantRevocation
from certinel.domain.trusted_certificate import TrustedCertificate

CLAIMS_OUTLIVE_DELETION = timedelta(days=30)
"""A deleted trusted certificate keeps its claim for so long (trust.md section 4)."""


class DeviceUserState(StrEnum):
    """What the platform knows of a device's user."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class TenantFacts:
    """What admission needs to know of a tenant."""

    id: TenantId
    domain: str | None
    is_active: bool
    max_devices: int | None = None
    """How many devices it may have; None for any number."""


class TrustStore:
    """The trusted certificates, tenants and device users of a platform.

    Not safe for use by several threads; every change is complete when the call returns.
    """

    def __init__(self) -> None:
        self._by_subject: dict[bytes, dict[int, TrustedCertificate]] = {}
        self._by_tenant: dict[TenantId, dict[int, TrustedCertificate]] = {}
        self._deleted: dict[int, tuple[datetime, TrustedCertificate]] = {}
        """Those of them whose claims will end, with the moment of their deletion."""
        self._tenants: dict[TenantId, TenantFacts] = {}
        self._tenant_by_domain: dict[str, TenantId] = {}
        self._device_users: dict[TenantId, dict[str, bool]] = {}
        self._revocations: dict[TenantId, TenantRevocation] = {}

    def put_tenant(self, tenant: TenantFacts) -> None:
        """Add a tenant or replace what is known of it."""
        self._forget_domain(tenant.id)
        self._tenants[tenant.id] = tenant
        if tenant.domain:
            self._tenant_by_domain[tenant.domain.lower()] = tenant.id

    def remove_tenant(self, tenant: TenantId) -> None:
        """Forget a tenant with all that belongs to it."""
        self.replace_trusted_certificates(tenant, ())
        self._forget_domain(tenant)
        self._tenants.pop(tenant, None)
        self._device_users.pop(tenant, None)
        self._revocations.pop(tenant, None)

    def _forget_domain(self, tenant: TenantId) -> None:
        known = self._tenants.get(tenant)
        if known is not None and known.domain and self._tenant_by_domain.get(known.domain.lower()) == tenant:
            del self._tenant_by_domain[known.domain.lower()]

    def replace_trusted_certificates(
        self, tenant: TenantId, certificates: Iterable[TrustedCertificate], subject: bytes | None = None
    ) -> None:
        """Make ``certificates`` all that ``tenant`` vouches for, those deleted lately included.

        With a ``subject`` (DER), all of that subject, and others stay as they are.
        """
        of_tenant = self._by_tenant.get(tenant, {})
        if subject is None:
            replaced = list(of_tenant.values())
        else:
            replaced = [one for one in self._by_subject.get(subject, {}).values() if one.tenant == tenant]
        for known in replaced:
            del of_tenant[known.id]
            self._deleted.pop(known.id, None)
            same_subject = self._by_subject[known.certificate.subject]
            del same_subject[known.id]
            if not same_subject:
                del self._by_subject[known.certificate.subject]
        for certificate in certificates:
            self._by_tenant.setdefault(tenant, {})[certificate.id] = certificate
            self._by_subject.setdefault(certificate.certificate.subject, {})[certificate.id] = certificate
            if certificate.deleted_at is not None:
                self._deleted[certificate.id] = certificate.deleted_at, certificate

    def put_device_user(self, tenant: TenantId, user_name: str, *, is_enabled: bool) -> None:
        """Add a device user or change whether it is enabled."""
        self._device_users.setdefault(tenant, {})[user_name] = is_enabled

    def remove_device_user(self, tenant: TenantId, user_name: str) -> None:
        """Forget a device user; one that is not known is no error."""
        self._device_users.get(tenant, {}).pop(user_name, None)

    def replace_device_users(self, tenant: TenantId, is_enabled_by_name: dict[str, bool]) -> None:
        """Make ``is_enabled_by_name`` all device users of ``tenant``."""
        self._device_users[tenant] = dict(is_enabled_by_name)

    def put_revocation(self, tenant: TenantId, revocation: TenantRevocation) -> None:
        """Make ``revocation`` all that ``tenant`` has revoked."""
        self._revocations[tenant] = revocation

    def tenant(self, tenant: TenantId) -> TenantFacts | None:
        """Return what is known of ``tenant``."""
        return self._tenants.get(tenant)

    def tenant_of_domain(self, domain: str) -> TenantId | None:
        """Return the tenant whose own domain this is, upper and lower case alike."""
        return self._tenant_by_domain.get(domain.lower())

    def trusted_certificates(self, tenant: TenantId) -> list[TrustedCertificate]:
        """Return all that ``tenant`` vouches for, those deleted lately included."""
        return list(self._by_tenant.get(tenant, {}).values())

    def read_certificates(self, tenant: TenantId) -> dict[bytes, Certificate]:
        """Return the certificates that ``tenant`` vouches for by their DER, for those who would read them again."""
        return {one.certificate.der: one.certificate for one in self._by_tenant.get(tenant, {}).values()}

    def trusted_count(self, tenant: TenantId) -> int:
        """Return how many certificates ``tenant`` vouches for, those deleted lately included."""
        return len(self._by_tenant.get(tenant, {}))

    def only_of(self, tenant: TenantId) -> "TrustStore":
        """Return a store that knows what ``tenant`` has made known, and nothing of any other tenant."""
        alone = TrustStore()
        facts = self._tenants.get(tenant)
        if facts is not None:
            alone.put_tenant(facts)
        alone.replace_trusted_certificates(tenant, self.trusted_certificates(tenant))
        alone._device_users[tenant] = self._device_users.get(tenant, {})
        alone._revocations[tenant] = self.revocation(tenant)
        return alone

    def as_if(
        self, trusted: TrustedCertificate | None = None, revocation: tuple[TenantId, TenantRevocation] | None = None
    ) -> "TrustStore":
        """Return a store with ``trusted`` in place of what has its id, or ``revocation`` as all that a tenant revoked.

        For questions only: it shares everything else with this store and must not be changed.
        """
        other = TrustStore()
        other._by_subject, other._by_tenant = self._by_subject, self._by_tenant
        other._tenants, other._tenant_by_domain = self._tenants, self._tenant_by_domain
        other._device_users, other._revocations = self._device_users, self._revocations
        if trusted is not None:
            tenant, subject = trusted.tenant, trusted.certificate.subject
            of_tenant = self._by_tenant.get(tenant, {}) | {trusted.id: trusted}
            of_subject = self._by_subject.get(subject, {}) | {trusted.id: trusted}
            other._by_tenant, other._by_subject = (
                self._by_tenant | {tenant: of_tenant},
                self._by_subject | {subject: of_subject},
            )
        if revocation is not None:
            other._revocations = self._revocations | dict([revocation])
        return other

    def device_count(self, tenant: TenantId) -> int:
        """Return how many device users ``tenant`` has."""
        return len(self._device_users.get(tenant, {}))

    def everything(self) -> Iterator[TrustedCertificate]:
        """Yield what all tenants vouch for, those deleted lately included."""
        for of_tenant in self._by_tenant.values():
            yield from of_tenant.values()

    def revocation(self, tenant: TenantId) -> TenantRevocation:
        """Return what ``tenant`` has revoked."""
        return self._revocations.get(tenant, NOTHING_REVOKED)

    def tenants_whose_lists_end(self, since: datetime, until: datetime) -> list[TenantId]:
        """Return the tenants that ask for current revocation lists and of which one ends between the two moments."""
        return [tenant for tenant, known in self._revocations.items() if known.ends_between(since, until)]

    def subjects_whose_claims_end(self, since: datetime, until: datetime) -> set[bytes]:
        """Return the subjects of deleted certificates whose claims still count at ``since`` and not at ``until``."""
        after, last = since - CLAIMS_OUTLIVE_DELETION, until - CLAIMS_OUTLIVE_DELETION
        return {one.certificate.subject for at, one in self._deleted.values() if after < at <= last}

    def device_user(self, tenant: TenantId, device: DeviceId) -> DeviceUserState:
        """Return the state of the user of ``device``."""
        match self._device_users.get(tenant, {}).get(device_user_name(device)):
            case None:
                return DeviceUserState.UNKNOWN
            case True:
                return DeviceUserState.ENABLED
            case False:
                return DeviceUserState.DISABLED

    def device_limit_reached(self, tenant: TenantId) -> int | None:
        """Return how many devices ``tenant`` may have if it has as many already; None if there is room for another."""
        facts = self._tenants.get(tenant)
        limit = facts.max_devices if facts is not None else None
        return limit if limit is not None and len(self._device_users.get(tenant, {})) >= limit else None

    def candidates(self, presented: Sequence[Certificate], at: datetime) -> list[TrustedCertificate]:
        """Return the trusted certificates that may stand at the end of a path of ``presented``, in no order.

        That are those of the subject and key of a presented certificate, and those that by name and key identifier
        can have issued one (trust.md section 3, rule 3). Whether they did is *not* checked here: see `lineage.trace`.
        """
        found: dict[int, TrustedCertificate] = {}
        for certificate in presented:
            for trusted in self._by_subject.get(certificate.subject, {}).values():
                if trusted.certificate.public_key == certificate.public_key:
                    found[trusted.id] = trusted
            for trusted in self._by_subject.get(certificate.issuer, {}).values():
                if trusted.certificate.may_have_issued(certificate):
                    found[trusted.id] = trusted
        return [trusted for trusted in found.values() if _still_claims(trusted, at)]

    def is_overruled(self, trusted: TrustedCertificate, at: datetime) -> bool:
        """Tell whether another tenant's claim on the same CA comes before that of ``trusted``, so that it is inert.

        Only for those of the same subject and key, and for devices that name no tenant (trust.md section 4).
        """
        others = [
            other
            for other in self._by_subject.get(trusted.certificate.subject, {}).values()
            if other.tenant != trusted.tenant
            and other.certificate.public_key == trusted.certificate.public_key
            and _still_claims(other, at)
        ]
        if trusted.is_proven:
            return False
        return any(other.is_proven or other.place < trusted.place for other in others)


def _still_claims(trusted: TrustedCertificate, at: datetime) -> bool:
    return trusted.deleted_at is None or at < trusted.deleted_at + CLAIMS_OUTLIVE_DELETION
