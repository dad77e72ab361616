"""External ids: the names by which the world knows managed objects."""

from typing import Annotated, Self

from fastapi import Depends, Request, Response

from certinel.api.authentication import Caller, requires
from certinel.api.json_body import JsonBody
from certinel.api.negotiation import represented_as
from certinel.api.numbered import number_of
from certinel.api.pagination import link
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import Answer, Received, Reference
from certinel.api.routing import router as router_for
from certinel.domain.managed_object import ExternalId, ManagedObjectId
from certinel.domain.role import Role
from certinel.services import identity

router = router_for("identity")
READERS = requires(Role.IDENTITY_READ, Role.IDENTITY_ADMIN, or_device=True)
WRITERS = requires(Role.IDENTITY_ADMIN, or_device=True)


class ExternalIdCreation(Received):
    """Another name of an object."""

    type: str
    external_id: str


class ExternalIdAnswer(Answer):
    """An external id and the object it belongs to."""

    external_id: str
    type: str
    managed_object: Reference
    self: str

    @classmethod
    def of(cls, external_id: ExternalId, request: Request) -> Self:
        """Describe ``external_id``."""
        id_ = str(external_id.managed_object)
        return cls(
            external_id=external_id.value,
            type=external_id.type,
            managed_object=Reference(id=id_, self=link(request, "inventory", "managedObjects", id_)),
            self=link(request, "identity", "externalIds", external_id.type, external_id.value),
        )


class ExternalIds(Answer):
    """All external ids of an object; not paged."""

    external_ids: list[ExternalIdAnswer]
    self: str


@router.get(
    "/identity/externalIds/{type:segment}/{external_id:segment}",
    dependencies=[READERS],
    responses=represented_as("externalid") | documented_error(404),
)
async def get_external_id(
    request: Request,
    platform: Served,
    principal: Caller,
    type: str,  # noqa: A002 - the name in the path
    external_id: str,
) -> ExternalIdAnswer:
    """Find a managed object by an external id."""
    async with platform.database.reading() as tx:
        found = await identity.get(tx, principal, type, external_id)
    return ExternalIdAnswer.of(found, request)


@router.delete(
    "/identity/externalIds/{type:segment}/{external_id:segment}",
    dependencies=[WRITERS],
    status_code=204,
    responses=documented_error(404),
)
async def delete_external_id(
    platform: Served,
    principal: Caller,
    type: str,  # noqa: A002 - the name in the path
    external_id: str,
) -> None:
    """Take an external id from its object; the object stays."""
    async with platform.database.transaction() as tx:
        await identity.unbind(tx, principal, type, external_id)


@router.post(
    "/identity/globalIds/{id:segment}/externalIds",
    dependencies=[WRITERS],
    status_code=201,
    responses=represented_as("externalid", status=201) | documented_error(404, 409),
)
async def create_external_id(
    *,
    request: Request,
    response: Response,
    platform: Served,
    principal: Caller,
    id: str,  # noqa: A002 - the name in the path
    creation: Annotated[ExternalIdCreation, Depends(JsonBody(ExternalIdCreation))],
) -> ExternalIdAnswer:
    """Give a managed object an external id, which no other object of the tenant may have."""
    external = ExternalId(creation.type, creation.external_id, ManagedObjectId(number_of(id)))
    async with platform.database.transaction() as tx:
        await identity.bind(tx, principal, external)
    answer = ExternalIdAnswer.of(external, request)
    response.headers["Location"] = answer.self
    return answer


@router.get(
    "/identity/globalIds/{id:segment}/externalIds",
    dependencies=[READERS],
    responses=represented_as("externalidcollection") | documented_error(404),
)
async def list_external_ids(
    request: Request,
    platform: Served,
    principal: Caller,
    id: str,  # noqa: A002 - the name in the path
) -> ExternalIds:
    """List the external ids of a managed object."""
    async with platform.database.reading() as tx:
        found = await identity.list_of(tx, principal, ManagedObjectId(number_of(id)))
    return ExternalIds(
        external_ids=[ExternalIdAnswer.of(external_id, request) for external_id in found],
        self=link(request, "identity", "globalIds", id, "externalIds"),
    )
