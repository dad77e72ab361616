"""What the inventory holds: objects that stand for devices and other things, and the names others know them by."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType, Self

from certinel.domain.errors import DeviceIdentityError
from certinel.domain.identifiers import TenantId

ManagedObjectId = NewType("ManagedObjectId", int)
"""The key of a managed object; REST shows its decimal digits. Never given out twice."""

SERIAL = "c8y_Serial"
"""The type of the external id by which a device's object is found."""

DEVICE_FRAGMENT = "c8y_IsDevice"

MAX_TEXT_CHARACTERS = 1024
"""Of names, types and external ids; ours."""

MAX_FRAGMENTS = 1000
"""Properties of one object; ours."""

OWN_FIELDS = frozenset(
    {
        "id",
        "self",
        "owner",
        "name",
        "type",
        "creationTime",
        "lastUpdated",
        "childDevices",
        "childAssets",
        "childAdditions",
        "deviceParents",
        "assetParents",
        "additionParents",
    }
)
"""What no fragment can be called; callers who send it back as they read it are not refused."""


class InvalidManagedObjectError(DeviceIdentityError):
    """An object, a relation or an external id cannot be as it is asked for."""

    code = "inventory/invalid"


class Relation(StrEnum):
    """How one object can belong to another."""

    DEVICE = "DEVICE"
    ASSET = "ASSET"
    ADDITION = "ADDITION"


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

    def changed(self, body: Mapping[str, Any], at: datetime) -> Self:
        """Return the object with what ``body`` says: null removes a property, what is not there stays.

        Raises:
            InvalidManagedObjectError: the name or the type is no text, or there would be too many properties.
        """
        name, type_ = (text_of(body, field, before) for field, before in (("name", self.name), ("type", self.type)))
        return replace(self, name=name, type=type_, fragments=merged(self.fragments, body), updated_at=at)


@dataclass(frozen=True, slots=True)
class ExternalId:
    """A name of a managed object, unique for its type within the tenant."""

    type: str
    value: str
    managed_object: ManagedObjectId

    def __post_init__(self) -> None:
        """Refuse what nobody could find again."""
        for what, text in (("type", self.type), ("externalId", self.value)):
            if not 0 < len(text) <= MAX_TEXT_CHARACTERS:
                raise InvalidManagedObjectError(f"{what} must have 1 to {MAX_TEXT_CHARACTERS} characters.")


def text_of(body: Mapping[str, Any], field: str, before: str | None = None) -> str | None:
    """Return the text that ``body`` gives a field, or ``before``; raises ``InvalidManagedObjectError``."""
    value = body.get(field, before)
    if value is not None and (not isinstance(value, str) or len(value) > MAX_TEXT_CHARACTERS):
        raise InvalidManagedObjectError(f"{field} must be text of at most {MAX_TEXT_CHARACTERS} characters.")
    return value


def merged(before: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fragments with those of ``body``; a null removes one.

    :raises InvalidManagedObjectError: there would be too many.
    """
    fragments = {**before, **{name: value for name, value in body.items() if name not in OWN_FIELDS}}
    kept = {name: value for name, value in fragments.items() if value is not None}
    if len(kept) > MAX_FRAGMENTS:
        raise InvalidManagedObjectError(f"An object has at most {MAX_FRAGMENTS} properties.")
    return kept
