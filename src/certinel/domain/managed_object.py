"""What the inventory holds: objects that stand for devices and other things, and the names others know them by."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NewType

from certinel.domain.identifiers import TenantId

ManagedObjectId = NewType("ManagedObjectId", int)
"""The key of a managed object; REST shows its decimal digits. Never given out twice."""

SERIAL = "c8y_Serial"
"""The type of the external id by which a device's object is found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedObject:
    """One object of a tenant's inventory. ``owner`` is a user name; a device owns its own object."""

    id: ManagedObjectId
    tenant: TenantId
    name: str | None
    type: str | None
    owner: str
    created_at: datetime
    updated_at: datetime
    fragments: Mapping[str, Any]
    """All other properties, as JSON."""


@dataclass(frozen=True, slots=True)
class ExternalId:
    """A name of a managed object, unique for its type within the tenant."""

    type: str
    value: str
    managed_object: ManagedObjectId
