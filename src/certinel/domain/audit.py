"""The audit log: who changed what, each record holding the hash of the one before, so that a change of the past shows.

Every tenant has a chain of its own. A chain proves that nothing in its middle was altered, removed or slipped in; that
nothing was cut off its end shows only in comparison with a head that was noted elsewhere, such as in the node's log.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self

from certinel.domain.identifiers import TenantId
from certinel.domain.role import Principal, UserKind

FORMAT = "certinel audit 1"
"""Part of what is hashed; another canonical form needs another name."""

GENESIS = bytes(32)
"""What the first record of a chain has in the place of the hash of the one before."""


class AuditType(StrEnum):
    """What kind of thing was changed, under the names of the REST contract. Records handed in may have others."""

    TRUSTED_CERTIFICATES = "TrustedCertificates"
    OPTION = "Option"
    USER = "User"
    TENANT = "Tenant"
    NEW_DEVICE_REQUEST = "NewDeviceRequest"
    SYSTEM = "SYSTEM"


class Severity(StrEnum):
    """How much attention a record deserves."""

    CRITICAL = "CRITICAL"
    MAJOR = "MAJOR"
    MINOR = "MINOR"
    WARNING = "WARNING"
    INFORMATION = "INFORMATION"


class ActorKind(StrEnum):
    """What acts."""

    PERSON = "PERSON"
    DEVICE = "DEVICE"
    SYSTEM = "SYSTEM"
    """The platform itself, or whoever operates its process."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it."""

    kind: ActorKind
    name: str
    tenant: TenantId | None = None
    """Where the user belongs; None for the platform."""

    @classmethod
    def of(cls, principal: Principal) -> Self:
        """Return the one who is calling."""
        kind = ActorKind.DEVICE if principal.kind is UserKind.DEVICE else ActorKind.PERSON
        return cls(kind, principal.user_name, principal.tenant)

    @classmethod
    def of_device(cls, tenant: TenantId, user_name: str) -> Self:
        """Return a device that acts by connecting."""
        return cls(ActorKind.DEVICE, user_name, tenant)

    def seen_from(self, tenant: TenantId) -> str:
        """Return the name as ``tenant`` reads it: users of another tenant carry that tenant in front."""
        return self.name if self.tenant in {None, tenant} else f"{self.tenant}/{self.name}"


PLATFORM = Actor(ActorKind.SYSTEM, "system")
"""The platform itself."""


@dataclass(frozen=True, slots=True)
class Change:
    """One attribute before and after, as text; None where there was or is none."""

    attribute: str
    previous: str | None
    new: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """What is to be recorded; its place in the chain is found when the transaction commits."""

    tenant: TenantId
    by: Actor
    type: str
    source: str
    """What was changed: a fingerprint, a user's name, an option, a tenant."""
    activity: str
    text: str
    time: datetime
    """When it happened."""
    severity: Severity = Severity.INFORMATION
    changes: tuple[Change, ...] = ()
    recorded_at: datetime
    reported_by: str | None = None
    """Who handed the record in, which then says only what that caller says; None for what the platform has seen."""


@dataclass(frozen=True, slots=True)
class ChainHead:
    """Where a chain ends: enough to notice that it was cut or rewritten."""

    tenant: TenantId
    sequence: int = 0
    hash: bytes = GENESIS


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One link of a tenant's chain."""

    tenant: TenantId
    sequence: int
    """Counted from 1 without gaps."""
    recorded_at: datetime
    time: datetime
    type: str
    source: str
    severity: str
    user: str
    user_kind: str
    reported_by: str | None
    activity: str
    text: str
    changes: tuple[Change, ...]
    previous_hash: bytes
    hash: bytes = b""

    @property
    def head(self) -> ChainHead:
        """The end of a chain that ends here."""
        return ChainHead(self.tenant, self.sequence, self.hash)

    def computed_hash(self) -> bytes:
        """Return SHA-256 over everything the record says, its place and the hash before it, in one canonical form."""
        content = [
            FORMAT,
            self.tenant,
            self.sequence,
            self.previous_hash.hex(),
            _exact(self.recorded_at),
            _exact(self.time),
            self.type,
            self.source,
            self.severity,
            self.user,
            self.user_kind,
            self.reported_by,
            self.activity,
            self.text,
            [[change.attribute, change.previous, change.new] for change in self.changes],
        ]
        return hashlib.sha256(json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode("ascii")).digest()


def _exact(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def chained(entry: AuditEntry, after: ChainHead) -> AuditRecord:
    """Return ``entry`` as the record that follows ``after``."""
    link = AuditRecord(
        tenant=entry.tenant,
        sequence=after.sequence + 1,
        recorded_at=entry.recorded_at,
        time=entry.time,
        type=_storable(entry.type),
        source=_storable(entry.source),
        severity=entry.severity.value,
        user=_storable(entry.by.seen_from(entry.tenant)),
        user_kind=entry.by.kind.value,
        reported_by=entry.reported_by,
        activity=_storable(entry.activity),
        text=_storable(entry.text),
        changes=tuple(
            Change(change.attribute, _storable_or_none(change.previous), _storable_or_none(change.new))
            for change in entry.changes
        ),
        previous_hash=after.hash,
    )
    return replace(link, hash=link.computed_hash())


def broken_link(record: AuditRecord, *, after: ChainHead) -> str | None:
    """Say what is wrong with ``record`` as the one that follows ``after``; None when nothing is."""
    if record.sequence != after.sequence + 1:
        return f"record {after.sequence + 1} is missing"
    if record.previous_hash != after.hash:
        return f"record {record.sequence} does not follow record {after.sequence}"
    if record.hash != record.computed_hash():
        return f"record {record.sequence} was altered"
    return None


def _storable(text: str) -> str:
    """Keep what both engines keep as it is; names in certificates can hold anything."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\\0")


def _storable_or_none(text: str | None) -> str | None:
    return None if text is None else _storable(text)
