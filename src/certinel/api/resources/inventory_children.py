"""Which managed objects belong to which: child devices, members of groups, additions."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from fastapi import Depends, Path, Request, Response
from pydantic import Discriminator, Field, RootModel, Tag

from certinel.api.authentication import Caller
from certinel.api.json_body import JsonBody
from certinel.api.negotiation import represented_as
from certinel.api.numbered import number_of
from certinel.api.pagination import Collection, Paging, envelope, link
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import Answer, ObjectReference, Received
from certinel.api.resources.inventory import ONE, READERS, WRITERS
from certinel.api.resources.managed_object_answer import CHILDREN, ManagedObjectBody, reference
from certinel.api.routing import router as router_for
from certinel.domain.managed_object import ManagedObject, ManagedObjectId, Relation
from certinel.services import inventory
from certinel.storage.managed_object_children import Relative

MAX_AT_ONCE: Final = 1000
"""Objects in one call; ours."""

ALL: Final = ONE + "/{relation:children}"
CHILD: Final = ALL + "/{child:segment}"

router = router_for("inventory")


class Children(StrEnum):
    """In which way objects belong to another, as the paths have it."""

    DEVICES = "childDevices"
    ASSETS = "childAssets"
    ADDITIONS = "childAdditions"

    @property
    def relation(self) -> Relation:
        """The same, as the inventory has it."""
        return CHILDREN[self]


@dataclass(frozen=True, slots=True)
class Family:
    """An object, and those that belong to it in one way."""

    parent: ManagedObjectId
    children: Children

    @property
    def relation(self) -> Relation:
        """In which way they belong to it."""
        return self.children.relation


async def family(
    *,
    id: Annotated[str, Path(description="The object to which others belong.")],  # noqa: A002 - the name in the path
    relation: Annotated[Children, Path(description="In which way.")],
) -> Family:
    """Read what the path says."""
    return Family(ManagedObjectId(number_of(id)), relation)


OfFamily = Annotated[Family, Depends(family)]


class ObjectNamed(Received):
    """A managed object, by its id or its address."""

    id: str = Field(default="", coerce_numbers_to_str=True)
    self: str = ""

    @property
    def number(self) -> ManagedObjectId:
        """The object's number; one that nothing has if there is none."""
        return ManagedObjectId(number_of(self.id or self.self.rstrip("/").rpartition("/")[2]))


class ChildNamed(Received):
    """A managed object as a member of a list."""

    managed_object: ObjectNamed


class ChildrenNamed(Received):
    """Several members of a list."""

    references: list[ChildNamed] = Field(max_length=MAX_AT_ONCE)


def _form(body: object) -> str:
    fields = body if isinstance(body, dict) else {}
    return next((name for name in ("references", "managedObject") if name in fields), "object")


class ChildBody(
    RootModel[
        Annotated[
            Annotated[ChildNamed, Tag("managedObject")]
            | Annotated[ChildrenNamed, Tag("references")]
            | Annotated[ManagedObjectBody, Tag("object")],
            Discriminator(_form),
        ]
    ]
):
    """`{"managedObject": {"id"}}`, `{"references": […]}` with several of them, or a whole new object."""


class ChildReferences(Collection):
    """A page of what belongs to an object, by id."""

    references: list[ObjectReference]


class ChildList(Answer):
    """Objects that belong to another from now on."""

    references: list[ObjectReference]


@router.get(
    ALL,
    dependencies=[READERS],
    responses=represented_as("managedobjectreferencecollection") | documented_error(404, 422),
)
async def list_children(
    *,
    request: Request,
    platform: Served,
    principal: Caller,
    paging: Paging,
    family: OfFamily,
) -> ChildReferences:
    """List what belongs to an object."""
    async with platform.database.reading() as tx:
        page = await inventory.list_children(tx, principal, family.relation, family.parent, paging)
    references = [_reference(request, found, family) for found in page.items]
    return ChildReferences(references=references, **envelope(request, page))


@router.post(
    ALL,
    dependencies=[WRITERS],
    status_code=201,
    response_model=ObjectReference | ChildList,
    responses=represented_as("managedobjectreference", "managedobjectreferencecollection", status=201)
    | documented_error(404),
)
async def add_children(
    *,
    request: Request,
    response: Response,
    platform: Served,
    principal: Caller,
    family: OfFamily,
    body: Annotated[ChildBody, Depends(JsonBody(ChildBody))],
) -> ObjectReference | ChildList:
    """Make objects belong to another one: one that exists, several, or a new one."""
    asked = body.root
    async with platform.database.transaction() as tx:
        match asked:
            case ChildNamed():
                wanted = [asked.managed_object.number]
            case ChildrenNamed():
                wanted = [one.managed_object.number for one in asked.references]
            case _:
                wanted = [(await inventory.create(tx, platform, principal, asked.root)).id]
        added = await inventory.add_children(tx, principal, family.relation, family.parent, wanted)
    answers = [_reference(request, one, family) for one in added]
    if isinstance(asked, ChildrenNamed):
        return ChildList(references=answers)
    response.headers["Location"] = answers[0].self
    return answers[0]


@router.delete(ALL, dependencies=[WRITERS], status_code=204, responses=documented_error(404))
async def remove_children(
    *,
    platform: Served,
    principal: Caller,
    family: OfFamily,
    body: Annotated[ChildrenNamed, Depends(JsonBody(ChildrenNamed))],
) -> None:
    """End several relations, all or none; the objects stay."""
    wanted = [one.managed_object.number for one in body.references]
    async with platform.database.transaction() as tx:
        await inventory.remove_children(tx, principal, family.relation, family.parent, wanted)


@router.get(CHILD, dependencies=[READERS], responses=represented_as("managedobjectreference") | documented_error(404))
async def get_child(
    *,
    request: Request,
    platform: Served,
    principal: Caller,
    family: OfFamily,
    child: str,
) -> ObjectReference:
    """Return an object as one that belongs to another."""
    async with platform.database.reading() as tx:
        found = await inventory.get_child(
            tx, principal, family.relation, family.parent, ManagedObjectId(number_of(child))
        )
    return _reference(request, found, family)


@router.delete(CHILD, dependencies=[WRITERS], status_code=204, responses=documented_error(404))
async def remove_child(*, platform: Served, principal: Caller, family: OfFamily, child: str) -> None:
    """End a relation; the object stays."""
    wanted = [ManagedObjectId(number_of(child))]
    async with platform.database.transaction() as tx:
        await inventory.remove_children(tx, principal, family.relation, family.parent, wanted)


def _reference(request: Request, found: ManagedObject, family: Family) -> ObjectReference:
    collection = link(request, "inventory", "managedObjects", str(family.parent), family.children)
    return reference(request, Relative(family.parent, family.relation, found.id, found.name), collection)
