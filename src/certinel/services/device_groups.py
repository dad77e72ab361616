"""Groups of devices as a tree, and what is in one of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from certinel.domain.identifiers import TenantId
from certinel.domain.managed_object import ManagedObject, ManagedObjectId, Relation
from certinel.storage import device_groups, managed_object_children
from certinel.storage.device_groups import GroupNode
from certinel.storage.engine import Transaction
from certinel.storage.page import Page, PageRequest

MAX_GROUPS: Final = 2_000
"""Of one tree; who has more finds them by the inventory."""
MAX_DEPTH: Final = 32
"""Deeper groups are not shown: nobody reads so far to the right."""


@dataclass(frozen=True, slots=True)
class GroupTree:
    """A group and the groups inside it."""

    id: ManagedObjectId
    name: str
    member_count: int
    """Devices and groups that are directly in it."""
    groups: tuple["GroupTree", ...]

    def holds(self, number: ManagedObjectId | None) -> bool:
        """Tell whether a group is this one or somewhere inside."""
        return self.id == number or any(one.holds(number) for one in self.groups)


async def tree(tx: Transaction, tenant: TenantId) -> tuple[tuple[GroupTree, ...], bool]:
    """Return the groups that are in no other, with what is inside, and whether there are too many to show all.

    A group in several others comes in each of them; one that is inside itself, which the inventory does not forbid,
    comes once on the way down.
    """
    found = await device_groups.all_of(tx, tenant, MAX_GROUPS + 1)
    shown = found[:MAX_GROUPS]
    known = {one.id for one in shown}
    below: dict[ManagedObjectId | None, list[GroupNode]] = {}
    for one in shown:
        parents = [number for number in one.parents if number in known]
        for parent in parents or (None,):
            below.setdefault(parent, []).append(one)
    return _grown(below, None, ()), len(found) > MAX_GROUPS


def _grown(
    below: Mapping[ManagedObjectId | None, Sequence[GroupNode]],
    parent: ManagedObjectId | None,
    way: tuple[ManagedObjectId, ...],
) -> tuple[GroupTree, ...]:
    if len(way) == MAX_DEPTH:
        return ()
    return tuple(
        GroupTree(one.id, one.name or str(one.id), one.member_count, _grown(below, one.id, (*way, one.id)))
        for one in below.get(parent, ())
        if one.id not in way
    )


async def members_of(
    tx: Transaction, tenant: TenantId, group: ManagedObjectId, request: PageRequest
) -> Page[ManagedObject]:
    """Return a page of what is directly in a group."""
    return await managed_object_children.list_of(tx, tenant, Relation.ASSET, group, request)
