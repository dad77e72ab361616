"""Managed objects: what stands for devices and other things."""

from typing import Annotated, Any, Final, Self

from fastapi import Query, Request
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from certinel.api.authentication import Caller, requires
from certinel.api.negotiation import represented_as
from certinel.api.numbered import number_of
from certinel.api.pagination import Collection, Paging, envelope, link
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import ContractTime, References
from certinel.api.routing import router as router_for
from certinel.domain.managed_object import ManagedObject, ManagedObjectId
from certinel.domain.role import Role
from certinel.services import inventory
from certinel.storage.managed_objects import ManagedObjectFilter

MAX_IDS: Final = 1000
"""Ids in one query; ours. A URL of our servers holds about as many."""

router = router_for("inventory")
READERS: Final = requires(Role.INVENTORY_READ, Role.INVENTORY_ADMIN, or_device=True)


class ManagedObjectAnswer(BaseModel):
    """An object with its fragments, which are further properties of any name and form."""

    model_config = ConfigDict(extra="allow", alias_generator=to_camel)

    id: str = Field(pattern="^[0-9]+$")
    self: str
    owner: str
    creation_time: ContractTime
    last_updated: ContractTime
    name: str | None = None
    type: str | None = None
    child_devices: References
    child_assets: References
    child_additions: References
    device_parents: References
    asset_parents: References
    addition_parents: References

    @classmethod
    def of(cls, found: ManagedObject, request: Request) -> Self:
        """Describe ``found``; a fragment cannot take the place of one of the platform's own fields."""
        address = link(request, "inventory", "managedObjects", str(found.id))
        own: dict[str, Any] = {
            "id": str(found.id),
            "self": address,
            "owner": found.owner,
            "creationTime": found.created_at,
            "lastUpdated": found.updated_at,
            "name": found.name,
            "type": found.type,
        }
        relations = {name: References(self=f"{address}/{name}") for name in RELATIONS}
        return cls.model_validate({**found.fragments, **own, **relations})


RELATIONS: Final = (
    "childDevices",
    "childAssets",
    "childAdditions",
    "deviceParents",
    "assetParents",
    "additionParents",
)


class ManagedObjects(Collection):
    """A page of managed objects, the oldest first."""

    managed_objects: list[ManagedObjectAnswer]


@router.get(
    "/inventory/managedObjects",
    dependencies=[READERS],
    responses=represented_as("managedobjectcollection") | documented_error(422),
)
async def list_managed_objects(  # noqa: PLR0913 - each one is a part of the request
    *,
    request: Request,
    platform: Served,
    principal: Caller,
    paging: Paging,
    type: Annotated[str | None, Query(description="Objects of this type.")] = None,  # noqa: A002 - the contract's name
    fragment_type: Annotated[
        str | None, Query(alias="fragmentType", description="Objects that have this fragment.")
    ] = None,
    owner: Annotated[str | None, Query(description="Objects that this user owns.")] = None,
    text: Annotated[str | None, Query(description="Objects with a property of exactly this text.")] = None,
    ids: Annotated[str | None, Query(description="These objects: ids with commas between.")] = None,
) -> ManagedObjects:
    """List managed objects; all conditions must hold."""
    wanted = ManagedObjectFilter(
        type=type, fragment_type=fragment_type, owner=owner, text=text, ids=None if ids is None else _ids(ids)
    )
    async with platform.database.reading() as tx:
        page = await inventory.list_of(tx, principal, wanted, paging)
    answers = [ManagedObjectAnswer.of(found, request) for found in page.items]
    return ManagedObjects(managed_objects=answers, **envelope(request, page))


@router.get(
    "/inventory/managedObjects/{id:segment}",
    dependencies=[READERS],
    responses=represented_as("managedobject") | documented_error(404),
)
async def get_managed_object(
    request: Request,
    platform: Served,
    principal: Caller,
    id: str,  # noqa: A002 - the name in the path
) -> ManagedObjectAnswer:
    """Return one managed object."""
    async with platform.database.reading() as tx:
        found = await inventory.get(tx, principal, ManagedObjectId(number_of(id)))
    return ManagedObjectAnswer.of(found, request)


def _ids(text: str) -> list[ManagedObjectId]:
    return [ManagedObjectId(number_of(part.strip())) for part in text.split(",")[:MAX_IDS]]
