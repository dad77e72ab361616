"""How a managed object looks, with the objects around it."""

from typing import Any, Final, Self

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, RootModel
from pydantic.alias_generators import to_camel

from certinel.api.pagination import link
from certinel.api.representation import ContractTime, NamedReference, ObjectReference, References
from certinel.domain.managed_object import ManagedObject, Relation
from certinel.services.inventory import Relatives
from certinel.storage.managed_object_children import Relative

CHILDREN: Final = {
    "childDevices": Relation.DEVICE,
    "childAssets": Relation.ASSET,
    "childAdditions": Relation.ADDITION,
}
PARENTS: Final = {
    "deviceParents": Relation.DEVICE,
    "assetParents": Relation.ASSET,
    "additionParents": Relation.ADDITION,
}


class ManagedObjectBody(RootModel[dict[str, Any]]):
    """`name`, `type` and fragments: properties of any name and form. In an update, null removes a property."""


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
    def of(cls, found: ManagedObject, request: Request, relatives: Relatives = Relatives()) -> Self:  # noqa: B008 - immutable
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
        relations = {
            name: References(
                self=f"{address}/{name}",
                references=[
                    reference(request, one, f"{address}/{name}")
                    for one in known
                    if (one.of, one.relation) == (found.id, relation)
                ],
            )
            for fields, known in ((CHILDREN, relatives.children), (PARENTS, relatives.parents))
            for name, relation in fields.items()
        }
        return cls.model_validate({**found.fragments, **own, **relations})


def reference(request: Request, relative: Relative, collection: str) -> ObjectReference:
    """Describe an object as a member of ``collection``."""
    number = str(relative.id)
    named = NamedReference(id=number, self=link(request, "inventory", "managedObjects", number), name=relative.name)
    return ObjectReference(managed_object=named, self=f"{collection}/{number}")
