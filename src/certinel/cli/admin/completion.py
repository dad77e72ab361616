"""What a shell can complete: names that the platform knows, asked for with the saved login; never a question."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

from certinel.cli.admin import saved_logins
from certinel.cli.node_client import NodeAddress, NodeClient, path
from certinel.cli.terminal import CommandError

AT_MOST: Final = 100
PATIENCE_SECONDS: Final = 2.0
"""Somebody has pressed a key and waits."""

Completion = list[tuple[str, str] | str]
Offer = Callable[[NodeClient, str], Iterator[tuple[str, str]]]
"""Yields what is offered, with a few words about it; is given the tenant."""


def saved_names(incomplete: str) -> Completion:
    """Complete the name of a saved login."""
    with suppress(CommandError):
        logins = saved_logins.load().by_name
        return [(name, one.user) for name, one in sorted(logins.items()) if name.startswith(incomplete)]
    return []


def tenants(ctx: Any, incomplete: str) -> Completion:
    """Complete the id of a tenant."""

    def offer(rest: NodeClient, _tenant: str) -> Iterator[tuple[str, str]]:
        for one in rest.get("/tenant/tenants", {"pageSize": AT_MOST})["tenants"]:
            yield str(one["id"]), str(one.get("company") or one["status"])

    return _offered(ctx, incomplete, offer)


def users(ctx: Any, incomplete: str) -> Completion:
    """Complete the name of a user."""

    def offer(rest: NodeClient, tenant: str) -> Iterator[tuple[str, str]]:
        query = {"username": incomplete, "pageSize": AT_MOST}
        for one in rest.get(path("user", tenant, "users"), query)["users"]:
            yield str(one["userName"]), "enabled" if one["enabled"] else "disabled"

    return _offered(ctx, incomplete, offer)


def groups(ctx: Any, incomplete: str) -> Completion:
    """Complete the name of a group."""

    def offer(rest: NodeClient, tenant: str) -> Iterator[tuple[str, str]]:
        for one in rest.get(path("user", tenant, "groups"), {"pageSize": AT_MOST})["groups"]:
            yield str(one["name"]), "group"

    return _offered(ctx, incomplete, offer)


def devices(ctx: Any, incomplete: str) -> Completion:
    """Complete the id of a device."""

    def offer(rest: NodeClient, _tenant: str) -> Iterator[tuple[str, str]]:
        query = {"search": incomplete or None, "pageSize": AT_MOST}
        for one in rest.get("/certinel/devices", query)["devices"]:
            yield str(one["id"]), "connected" if one["connected"] else "away"

    return _offered(ctx, incomplete, offer)


def trusted_certificates(ctx: Any, incomplete: str) -> Completion:
    """Complete the fingerprint of a trusted certificate."""

    def offer(rest: NodeClient, tenant: str) -> Iterator[tuple[str, str]]:
        where = path("tenant", "tenants", tenant, "trusted-certificates")
        for one in rest.get(where, {"pageSize": AT_MOST})["certificates"]:
            yield str(one["fingerprint"]), str(one["name"])

    return _offered(ctx, incomplete, offer)


def signing_keys(ctx: Any, incomplete: str) -> Completion:
    """Complete the id of a signing key."""

    def offer(rest: NodeClient, _tenant: str) -> Iterator[tuple[str, str]]:
        for one in rest.get("/certinel/signingKeys")["signingKeys"]:
            yield str(one["id"]), "signs" if one["current"] else "accepted"

    return _offered(ctx, incomplete, offer)


def features(ctx: Any, incomplete: str) -> Completion:
    """Complete the key of a feature."""

    def offer(rest: NodeClient, _tenant: str) -> Iterator[tuple[str, str]]:
        for one in rest.get("/features"):
            yield str(one["key"]), "on" if one["active"] else "off"

    return _offered(ctx, incomplete, offer)


def _offered(ctx: Any, incomplete: str, offer: Offer) -> Completion:
    """Ask the node of the saved login; whatever goes wrong, there is just nothing to offer."""
    with suppress(CommandError, KeyError, TypeError):
        given = ctx.params
        logins = saved_logins.load()
        if given.get("platform"):
            login = logins.named(given["platform"])
        else:
            found = logins.meant(given.get("url"), given.get("user"))
            if found is None:
                return []
            login = found[1]
        address = NodeAddress(login.url, login.user, server_ca=login.server_ca, token=login.token)
        with NodeClient(address, patience_seconds=PATIENCE_SECONDS) as rest:
            return [one for one in offer(rest, login.tenant) if one[0].startswith(incomplete)]
    return []
