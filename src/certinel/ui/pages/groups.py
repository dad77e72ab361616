"""Groups as a tree, and the devices in one of them."""

from typing import Final

from starlette.responses import Response

from certinel.domain.device_group import GROUP_FRAGMENT
from certinel.domain.identifiers import DEVICE_USER_PREFIX
from certinel.domain.managed_object import ManagedObject, ManagedObjectId
from certinel.services import device_groups, inventory
from certinel.storage.page import PageRequest
from certinel.ui.pages.device import address_of
from certinel.ui.rights import SEE_DEVICES
from certinel.ui.routing import Pages
from certinel.ui.texts import ENGLISH
from certinel.ui.visit import Visit

pages = Pages()

PAGE_SIZE: Final = 50
_MAX_DIGITS: Final = 18


@pages.show("/groups", SEE_DEVICES)
async def show_groups(visit: Visit) -> Response:
    """Show all groups, and what is in the one that the address names."""
    tenant, chosen = visit.session.tenant, _number(visit.query("group"))
    async with visit.platform.database.reading() as tx:
        tree, has_more = await device_groups.tree(tx, tenant)
        if chosen is None and tree:
            chosen = tree[0].id
        group = await inventory.get(tx, visit.session.principal, chosen) if chosen is not None else None
        request = PageRequest(visit.page_number, PAGE_SIZE, with_total_elements=True)
        page = await device_groups.members_of(tx, tenant, group.id, request) if group is not None else None
    return visit.page(
        "groups/list.html",
        title=ENGLISH("groups.title"),
        lead=ENGLISH("groups.lead"),
        tree=tree,
        has_more=has_more,
        group=group,
        page=page,
        address_of_member=_address_of_member,
        is_group=_is_group,
    )


def _number(text: str) -> ManagedObjectId | None:
    is_number = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    return ManagedObjectId(int(text)) if is_number else None


def _is_group(member: ManagedObject) -> bool:
    return GROUP_FRAGMENT in member.fragments


def _address_of_member(member: ManagedObject) -> str | None:
    """Return where a member has a page of its own, if it has."""
    if _is_group(member):
        return f"/ui/groups?group={member.id}"
    if member.owner.startswith(DEVICE_USER_PREFIX):
        return address_of(member.owner.removeprefix(DEVICE_USER_PREFIX))
    return None
