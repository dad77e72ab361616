"""Conditions of the inventory's query language as conditions on rows."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, TypeAlias, assert_never

from sqlalchemy import ColumnElement, Text, and_, cast, exists, func, not_, or_, select
from sqlalchemy.sql.operators import ge, gt, le, lt

from certinel.domain.identifiers import TenantId
from certinel.domain.inventory_query import (
    Compare,
    Comparison,
    Condition,
    Every,
    Has,
    InGroup,
    InvalidInventoryQueryError,
    Not,
    Order,
    OrderField,
    Some,
)
from certinel.domain.managed_object import Relation
from certinel.storage.engine import EngineName
from certinel.storage.json_conditions import has_inner_key, has_key
from certinel.storage.tables import managed_object, managed_object_child

Column: TypeAlias = ColumnElement[Any]

_OBJECT = managed_object.c
_CHILD = managed_object_child.c

_TEXTS: Final[Mapping[str, Column]] = MappingProxyType(
    {"id": cast(_OBJECT.id, Text), "name": _OBJECT.name, "type": _OBJECT.type, "owner": _OBJECT.owner}
)
_MOMENTS: Final[Mapping[str, Column]] = MappingProxyType(
    {"creationTime": _OBJECT.created_at, "lastUpdated": _OBJECT.updated_at}
)
_COLUMN_OF: Final[Mapping[OrderField, Column]] = MappingProxyType(
    {
        OrderField.ID: _OBJECT.id,
        OrderField.NAME: _OBJECT.name,
        OrderField.TYPE: _OBJECT.type,
        OrderField.OWNER: _OBJECT.owner,
        OrderField.CREATION_TIME: _OBJECT.created_at,
        OrderField.LAST_UPDATED: _OBJECT.updated_at,
    }
)
_INEQUALITIES: Final[Mapping[Comparison, Callable[[Column, object], ColumnElement[bool]]]] = MappingProxyType(
    {
        Comparison.GREATER: gt,
        Comparison.GREATER_OR_EQUAL: ge,
        Comparison.LESS: lt,
        Comparison.LESS_OR_EQUAL: le,
    }
)


def condition_of(engine: EngineName, tenant: TenantId, wanted: Condition) -> ColumnElement[bool]:
    """Return what has to be true of a row; raises ``InvalidInventoryQueryError`` for a date that is none."""
    match wanted:
        case Every(conditions):
            return and_(*(condition_of(engine, tenant, one) for one in conditions))
        case Some(conditions):
            return or_(*(condition_of(engine, tenant, one) for one in conditions))
        case Not(condition):
            return not_(func.coalesce(condition_of(engine, tenant, condition), False))
        case Has(path) if len(path) == 1:
            return has_key(engine, _OBJECT.fragments, path[0])
        case Has(path):
            return has_inner_key(engine, _OBJECT.fragments, path[0], path[1])
        case InGroup(group):
            return exists(
                select(1).where(
                    _CHILD.tenant_id == tenant,
                    _CHILD.parent_id == group,
                    _CHILD.child_id == _OBJECT.id,
                    _CHILD.kind == Relation.ASSET.value,
                )
            )
        case Compare():
            return _compared(engine, wanted)
        case _:
            assert_never(wanted)


def order_of(wanted: tuple[Order, ...]) -> list[ColumnElement[Any]]:
    """Return what to order by; the id comes last, so that every order is complete."""
    columns = [
        _COLUMN_OF[one.field].desc().nulls_last() if one.is_descending else _COLUMN_OF[one.field].asc().nulls_last()
        for one in wanted
    ]
    return [*columns, _OBJECT.id]


def _compared(engine: EngineName, wanted: Compare) -> ColumnElement[bool]:
    first = wanted.path[0]
    if first in _MOMENTS:
        return _at(_MOMENTS[first], wanted)
    column = _TEXTS[first] if wanted.path in {(name,) for name in _TEXTS} else _text_at(engine, wanted.path)
    match wanted.comparison:
        case Comparison.EQUAL:
            return _is_like(engine, column, wanted.value)
        case Comparison.NOT_EQUAL:
            return not_(func.coalesce(_is_like(engine, column, wanted.value), False))
        case _:
            return _INEQUALITIES[wanted.comparison](column, wanted.value)


def _at(column: Column, wanted: Compare) -> ColumnElement[bool]:
    try:
        moment = datetime.fromisoformat(wanted.value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidInventoryQueryError(f"The query has {wanted.value[:40]} where a date with its zone is expected.")
    match wanted.comparison:
        case Comparison.EQUAL:
            return column == moment
        case Comparison.NOT_EQUAL:
            return column != moment
        case _:
            return _INEQUALITIES[wanted.comparison](column, moment)


def _text_at(engine: EngineName, path: tuple[str, ...]) -> Column:
    """Return a value inside the fragments as text; the names of a path hold no character that would need quoting."""
    if engine == "postgresql":
        return _OBJECT.fragments.op("#>>")(func.string_to_array(".".join(path), "."))
    return cast(func.json_extract(_OBJECT.fragments, "$" + "".join(f'."{step}"' for step in path)), Text)


def _is_like(engine: EngineName, column: Column, value: str) -> ColumnElement[bool]:
    if "*" not in value:
        return column == value
    if engine == "postgresql":
        return column.like(re.sub(r"([\\%_])", r"\\\1", value).replace("*", "%"), escape="\\")
    return column.op("GLOB")(re.sub(r"([\[?])", r"[\1]", value))
