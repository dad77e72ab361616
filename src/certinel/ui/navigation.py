"""The navigator: which pages there are, in the groups and the order that people know."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from certinel.ui.rights import SEE_DEVICES, SEE_REGISTRATION, SEE_TENANTS, SEE_TRUST, SEE_USERS, Right
from certinel.ui.session import Session


@dataclass(frozen=True, slots=True)
class Entry:
    """A page that is reached from everywhere."""

    key: str
    """Of its text, ``navigator.<key>``."""
    address: str
    icon: str
    right: Right
    also: str = ""
    """Another address whose pages belong to this entry."""


@dataclass(frozen=True, slots=True)
class Group:
    """Entries under one heading; ``key`` is None for those that stand above all headings."""

    key: str | None
    entries: tuple[Entry, ...]


NAVIGATOR: Final = (
    Group(None, (Entry("overview", "/ui/", "overview", SEE_TRUST),)),
    Group(
        "devices",
        (
            Entry("devices", "/ui/devices", "devices", SEE_TRUST),
            Entry("registration", "/ui/registration", "registration", SEE_REGISTRATION),
            Entry("groups", "/ui/groups", "groups", SEE_DEVICES),
        ),
    ),
    Group(
        "management",
        (
            Entry("trusted-certificates", "/ui/trusted-certificates", "certificate", SEE_TRUST),
            Entry("attempts", "/ui/attempts", "attempts", SEE_TRUST, also="/ui/explain"),
            Entry("settings", "/ui/settings", "settings", SEE_TRUST),
            Entry("users", "/ui/users", "users", SEE_USERS),
            Entry("tenants", "/ui/tenants", "tenants", SEE_TENANTS),
        ),
    ),
)


def navigator_of(session: Session) -> Sequence[Group]:
    """Return what ``session`` may see, without empty groups."""
    seen = [Group(group.key, tuple(one for one in group.entries if session.may(one.right))) for group in NAVIGATOR]
    return [group for group in seen if group.entries]
