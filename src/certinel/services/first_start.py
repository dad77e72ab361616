"""What a new platform begins with: two tenants, an administrator in each, the bootstrap user, a key for tokens."""

import secrets
import string
from dataclasses import dataclass, field
from datetime import datetime

from certinel.domain.audit import PLATFORM, AuditEntry, AuditType
from certinel.domain.identifiers import MANAGEMENT_TENANT, TenantId
from certinel.domain.role import ADMINS, BOOTSTRAP, UserKind
from certinel.domain.tenant import Tenant
from certinel.domain.user_account import UserAccount
from certinel.services import audit, signing_keys
from certinel.services.passwords import Passwords
from certinel.services.secrets import Sealer
from certinel.services.signing_keys import SigningAlgorithm
from certinel.storage import tenants, users
from certinel.storage.engine import Transaction

FIRST_TENANT = TenantId("t1000")
ADMINISTRATOR = "admin"
BOOTSTRAP_USER = "devicebootstrap"
"""In the management tenant, as agents expect it. Without a password until an administrator gives it one."""

_PASSWORD_CHARACTERS = string.ascii_letters + string.digits
_PASSWORD_LENGTH = 24
"""142 random bits that can be marked with a double click and need no quoting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstAdministrators:
    """Who can log in to a new platform; the password is known here once and stored only as a hash."""

    tenants: tuple[TenantId, ...]
    user_name: str
    password: str = field(repr=False)
    was_generated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginnings:
    """What a platform needs to begin."""

    passwords: Passwords
    sealer: Sealer
    algorithm: SigningAlgorithm = SigningAlgorithm.ES256
    given_password: str | None = field(default=None, repr=False)
    """The administrators' password; without one, it is generated."""


async def prepare(tx: Transaction, beginnings: Beginnings, at: datetime) -> FirstAdministrators | None:
    """Make tenants and administrators in an empty database, and a signing key where one of the algorithm is missing.

    Later calls change nothing and return None, also those of another node that started at the same time.
    """
    made = await _begin(tx, beginnings, at)
    await signing_keys.ensure(tx, beginnings.sealer, beginnings.algorithm, at)
    return made


async def _begin(tx: Transaction, beginnings: Beginnings, at: datetime) -> FirstAdministrators | None:
    if not await tenants.insert_if_absent(tx, Tenant(id=MANAGEMENT_TENANT, admin_name=ADMINISTRATOR, created_at=at)):
        return None
    await tenants.insert_if_absent(tx, Tenant(id=FIRST_TENANT, admin_name=ADMINISTRATOR, created_at=at))
    password = beginnings.given_password or _generated_password()
    made = (MANAGEMENT_TENANT, FIRST_TENANT)
    for tenant in made:
        administrator = UserAccount(
            tenant=tenant,
            name=ADMINISTRATOR,
            kind=UserKind.PERSON,
            groups=frozenset({ADMINS}),
            created_at=at,
            password_hash=await beginnings.passwords.hash(password),
        )
        await users.insert_if_absent(tx, administrator)
        audit.record(tx, _tenant_created(tenant, at))
    bootstrap = UserAccount.of_person(
        MANAGEMENT_TENANT, BOOTSTRAP_USER, groups=frozenset({BOOTSTRAP}), created_at=at, password_hash=None
    )
    await users.insert_if_absent(tx, bootstrap)
    return FirstAdministrators(
        tenants=made, user_name=ADMINISTRATOR, password=password, was_generated=not beginnings.given_password
    )


def _tenant_created(tenant: TenantId, at: datetime) -> AuditEntry:
    return AuditEntry(
        tenant=tenant,
        by=PLATFORM,
        type=AuditType.TENANT,
        source=tenant,
        activity=f"Tenant created: '{tenant}'.",
        text=f"First start of the platform.\n Administrator='{ADMINISTRATOR}'",
        time=at,
        recorded_at=at,
    )


def _generated_password() -> str:
    return "".join(secrets.choice(_PASSWORD_CHARACTERS) for _ in range(_PASSWORD_LENGTH))
