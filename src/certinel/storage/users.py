"""Statements about users, people and devices alike."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Text, bindparam, cast, delete, false, func, or_, select, update

from certinel.domain.identifiers import TenantId
from certinel.domain.role import UserKind
from certinel.domain.user_account import UserAccount
from certinel.storage.engine import Transaction
from certinel.storage.page import Page, PageRequest, fetch_page
from certinel.storage.tables import user_account as table

_NAMES_AT_ONCE = 500
"""Far below what either engine takes as parameters of one statement."""


async def find(tx: Transaction, tenant: TenantId, name: str) -> UserAccount | None:
    """Return one user."""
    row = (await tx.execute(select(table).where(*_key(tenant, name)))).one_or_none()
    return _account(row) if row is not None else None


async def device_users(tx: Transaction, tenant: TenantId) -> dict[str, bool]:
    """Return the names of all device users of ``tenant``, and whether each is enabled."""
    statement = select(table.c.name, table.c.enabled).where(
        table.c.tenant_id == tenant, table.c.kind == UserKind.DEVICE.value
    )
    return {row.name: row.enabled for row in await tx.execute(statement)}


async def states_of(tx: Transaction, tenant: TenantId, names: Collection[str]) -> dict[str, bool]:
    """Return which of these device users there are, and whether each is enabled."""
    found: dict[str, bool] = {}
    ordered = sorted(names)
    for start in range(0, len(ordered), _NAMES_AT_ONCE):
        statement = select(table.c.name, table.c.enabled).where(
            table.c.tenant_id == tenant,
            table.c.kind == UserKind.DEVICE.value,
            table.c.name.in_(ordered[start : start + _NAMES_AT_ONCE]),
        )
        found.update({row.name: row.enabled for row in await tx.execute(statement)})
    return found


async def find_all(tx: Transaction, tenant: TenantId, names: Collection[str]) -> dict[str, UserAccount]:
    """Return which of these users there are; at most a few hundred at once."""
    statement = select(table).where(table.c.tenant_id == tenant, table.c.name.in_(sorted(names)))
    return {row.name: _account(row) for row in await tx.execute(statement)}


def add(tx: Transaction, account: UserAccount) -> None:
    """Add a user at commit, which raises ``RowConflictError`` if the tenant has one of this name."""
    tx.add(table, _row(account))


async def set_password_hashes(tx: Transaction, tenant: TenantId, hashes: Mapping[str, str | None]) -> None:
    """Give users new passwords, or none; everything else about them stays."""
    if hashes:
        statement = (
            update(table)
            .where(table.c.tenant_id == tenant, table.c.name == bindparam("user_name"))
            .values(password_hash=bindparam("new_hash"))
        )
        await tx.execute(statement, [{"user_name": name, "new_hash": hashes[name]} for name in sorted(hashes)])


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFilter:
    """Which users are meant; what is None does not matter."""

    kind: UserKind | None = None
    name_prefix: str | None = None
    groups: frozenset[str] | None = None
    """In one of these at least."""


async def list_of(tx: Transaction, tenant: TenantId, wanted: UserFilter, request: PageRequest) -> Page[UserAccount]:
    """Return a page of a tenant's users, by name."""
    conditions = [table.c.tenant_id == tenant]
    if wanted.kind is not None:
        conditions.append(table.c.kind == wanted.kind.value)
    if wanted.name_prefix is not None:
        conditions.append(table.c.name.startswith(wanted.name_prefix, autoescape=True))
    if wanted.groups is not None:
        conditions.append(or_(false(), *(_is_in(group) for group in sorted(wanted.groups))))
    return await fetch_page(tx, select(table).where(*conditions).order_by(table.c.name), request, _account)


async def count(tx: Transaction, tenant: TenantId, kind: UserKind) -> int:
    """Count the users of one kind, enabled or not."""
    statement = select(func.count()).select_from(table).where(table.c.tenant_id == tenant, table.c.kind == kind.value)
    number: int = (await tx.execute(statement)).scalar_one()
    return number


async def has_other_in(tx: Transaction, tenant: TenantId, group: str, name: str) -> bool:
    """Tell whether an enabled person besides ``name`` is in ``group``."""
    statement = select(table.c.name).where(
        table.c.tenant_id == tenant,
        table.c.kind == UserKind.PERSON.value,
        table.c.enabled,
        table.c.name != name,
        _is_in(group),
    )
    return (await tx.execute(statement.limit(1))).one_or_none() is not None


def _is_in(group: str) -> ColumnElement[bool]:
    """Groups are a JSON list of plain words; both engines write it alike."""
    return cast(table.c.groups, Text).contains(f'"{group}"', autoescape=True)


async def lock(tx: Transaction, tenant: TenantId, name: str) -> None:
    """Let no other transaction that locks the same user go on before this one has ended."""
    await tx.execute(select(table.c.name).where(*_key(tenant, name)).with_for_update())


async def insert_if_absent(tx: Transaction, account: UserAccount) -> bool:
    """Add a user unless the tenant has one of this name; tell whether it was added."""
    return await tx.insert_if_absent(table, _row(account))


async def save(tx: Transaction, account: UserAccount) -> None:
    """Make what is stored of a user equal to ``account``."""
    await tx.execute(update(table).where(*_key(account.tenant, account.name)).values(_row(account)))


async def remove(tx: Transaction, tenant: TenantId, name: str) -> bool:
    """Remove a user; tell whether there was one."""
    return (await tx.execute(delete(table).where(*_key(tenant, name)))).rowcount == 1


def _key(tenant: TenantId, name: str) -> tuple[Any, Any]:
    return table.c.tenant_id == tenant, table.c.name == name


def _row(account: UserAccount) -> dict[str, Any]:
    return {
        "tenant_id": account.tenant,
        "name": account.name,
        "kind": account.kind.value,
        "password_hash": account.password_hash,
        "groups": sorted(account.groups),
        "enabled": account.is_enabled,
        "created_at": account.created_at,
        "profile": dict(account.profile),
    }


def _account(row: Row[*tuple[Any, ...]]) -> UserAccount:
    return UserAccount(
        tenant=TenantId(row.tenant_id),
        name=row.name,
        kind=UserKind(row.kind),
        groups=frozenset(row.groups),
        is_enabled=row.enabled,
        created_at=row.created_at,
        password_hash=row.password_hash,
        profile=row.profile or {},
    )
