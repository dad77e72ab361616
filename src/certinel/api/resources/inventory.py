"""Managed objects: what stands for devices and other things."""

from typing import Annotated, Final

from fastapi import Depends, Query, Request, Response

from certinel.api.authentication import Caller, requires
from certinel.api.json_body import JsonBody
from certinel.api.negotiation import represented_as
from certinel.api.numbered import number_of
from certinel.api.pagination import Collection, Paging, envelope
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.resources.managed_object_answer import ManagedObjectAnswer, ManagedObjectBody
from certinel.api.routing import router as router_for
from certinel.domain.inventory_query import InventoryQuery
from certinel.domain.managed_object import DEVICE_FRAGMENT, ManagedObjectId
from certinel.domain.role import Role
from certinel.services import inventory
from certinel.services.inventory import Deletion, Relatives
from certinel.storage.managed_objects import ManagedObjectFilter

MAX_IDS: Final = 1000
"""Ids in one query; ours. A URL of our servers holds about as many."""

router = router_for("inventory")
READERS: Final = requires(Role.INVENTORY_READ, Role.INVENTORY_ADMIN, or_device=True)
WRITERS: Final = requires(Role.INVENTORY_ADMIN, or_device=True)
CREATORS: Final = requires(Role.INVENTORY_ADMIN, Role.INVENTORY_CREATE, or_device=True)

ALL: Final = "/inventory/managedObjects"
ONE: Final = ALL + "/{id:segment}"

WithParents = Annotated[bool, Query(alias="withParents", description="Name what the objects belong to.")]


class ManagedObjects(Collection):
    """A page of managed objects, the oldest first."""

    managed_objects: list[ManagedObjectAnswer]


@router.get(
    ALL,
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
    query: Annotated[
        str | None, Query(description="As `$filter=(has(c8y_IsDevice) and name eq 'pump*') $orderby=name`.")
    ] = None,
    q: Annotated[str | None, Query(description="As `query`, of devices only.")] = None,
    with_children: Annotated[bool, Query(alias="withChildren", description="Name what belongs to the objects.")] = True,
    with_parents: WithParents = False,
) -> ManagedObjects:
    """List managed objects; all conditions must hold."""
    wanted = ManagedObjectFilter(
        type=type,
        fragment_type=fragment_type if q is None else DEVICE_FRAGMENT,
        owner=owner,
        text=text,
        ids=None if ids is None else _ids(ids),
        query=InventoryQuery.parse(query or q or ""),
    )
    async with platform.database.reading() as tx:
        page = await inventory.list_of(tx, principal, wanted, paging)
        relatives = Relatives()
        if with_children or with_parents:
            relatives = await inventory.relatives_of(tx, principal.tenant, page.items, with_parents=with_parents)
    answers = [ManagedObjectAnswer.of(found, request, relatives) for found in page.items]
    return ManagedObjects(managed_objects=answers, **envelope(request, page))


@router.get(
    ONE,
    dependencies=[READERS],
    responses=represented_as("managedobject") | documented_error(404),
)
async def get_managed_object(
    *,
    request: Request,
    platform: Served,
    principal: Caller,
    id: str,  # noqa: A002 - the name in the path
    with_parents: WithParents = False,
) -> ManagedObjectAnswer:
    """Return one managed object, with the first of what belongs to it."""
    async with platform.database.reading() as tx:
        found = await inventory.get(tx, principal, ManagedObjectId(number_of(id)))
        relatives = await inventory.relatives_of(tx, principal.tenant, [found], with_parents=with_parents)
    return ManagedObjectAnswer.of(found, request, relatives)


@router.post(ALL, dependencies=[CREATORS], status_code=201, responses=represented_as("managedobject", status=201))
async def create_managed_object(
    request: Request,
    response: Response,
    platform: Served,
    principal: Caller,
    body: Annotated[ManagedObjectBody, Depends(JsonBody(ManagedObjectBody))],
) -> ManagedObjectAnswer:
    """Make an object that belongs to the caller; administrators may name another `owner`."""
    async with platform.database.transaction() as tx:
        made = await inventory.create(tx, platform, principal, body.root)
    answer = ManagedObjectAnswer.of(made, request)
    response.headers["Location"] = answer.self
    return answer


@router.put(ONE, dependencies=[WRITERS], responses=represented_as("managedobject") | documented_error(404))
async def update_managed_object(
    request: Request,
    platform: Served,
    principal: Caller,
    id: str,  # noqa: A002 - the name in the path
    body: Annotated[ManagedObjectBody, Depends(JsonBody(ManagedObjectBody))],
) -> ManagedObjectAnswer:
    """Change an object: properties that are left out stay, null removes one."""
    async with platform.database.transaction() as tx:
        changed = await inventory.update(tx, platform, principal, ManagedObjectId(number_of(id)), body.root)
        relatives = await inventory.relatives_of(tx, principal.tenant, [changed], with_parents=False)
    return ManagedObjectAnswer.of(changed, request, relatives)


@router.delete(ONE, dependencies=[WRITERS], status_code=204, responses=documented_error(404))
async def delete_managed_object(
    *,
    platform: Served,
    principal: Caller,
    id: str,  # noqa: A002 - the name in the path
    cascade: Annotated[bool, Query(description="Also what belongs to it.")] = False,
    force_cascade: Annotated[bool, Query(alias="forceCascade", description="As `cascade`.")] = False,
    with_device_user: Annotated[
        bool, Query(alias="withDeviceUser", description="Also the device users that own what is deleted.")
    ] = False,
) -> None:
    """Remove an object with its external ids, measurements and relations."""
    deletion = Deletion(with_children=cascade or force_cascade, with_device_user=with_device_user)
    async with platform.database.transaction() as tx:
        await inventory.delete(tx, platform, principal, ManagedObjectId(number_of(id)), deletion)


def _ids(text: str) -> list[ManagedObjectId]:
    return [ManagedObjectId(number_of(part.strip())) for part in text.split(",")[:MAX_IDS]]
