"""The query language of the inventory, read."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certinel.domain.inventory_query import (
    Compare,
    Comparison,
    Every,
    Has,
    InGroup,
    InvalidInventoryQueryError,
    InventoryQuery,
    Not,
    Order,
    OrderField,
    Some,
)

IS_DEVICE = Has(("c8y_IsDevice",))
NAMED = Compare(("name",), Comparison.EQUAL, "pump*")


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("", None),
        ("$filter=has(c8y_IsDevice)", IS_DEVICE),
        ("$filter=(has(c8y_IsDevice) and name eq 'pump*')", Every((IS_DEVICE, NAMED))),
        (
            "$filter=name eq 'pump*' and has(c8y_IsDevice) or bygroupid(7)",
            Some((Every((NAMED, IS_DEVICE)), InGroup(7))),
        ),  # type: ignore[arg-type]
        ("$filter=not(has(c8y_IsDevice))", Not(IS_DEVICE)),
        ("$filter=type eq pump", Compare(("type",), Comparison.EQUAL, "pump")),
        ("name eq 'it''s'", Compare(("name",), Comparison.EQUAL, "it's")),
        ("c8y_Hardware.serialNumber ne 'x y'", Compare(("c8y_Hardware", "serialNumber"), Comparison.NOT_EQUAL, "x y")),
        ("HAS(a.b) AND id GT 5", Every((Has(("a", "b")), Compare(("id",), Comparison.GREATER, "5")))),
    ],
)
def test_condition_is_read(text: str, condition: object) -> None:
    assert InventoryQuery.parse(text).condition == condition


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("$filter=has(a) $orderby=name", (Order(OrderField.NAME),)),
        ("$filter=has(a)+$orderby=name+desc,id", (Order(OrderField.NAME, is_descending=True), Order(OrderField.ID))),
        ("$orderby=creationTime asc", (Order(OrderField.CREATION_TIME),)),
    ],
)
def test_order_is_read(text: str, order: tuple[Order, ...]) -> None:
    assert InventoryQuery.parse(text).order == order


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("$filter=(has(a)", "the end where )"),
        ("$filter=has(a) has(b)", "has at character 8 where and, or, or the end"),
        ("$filter=name like 'x'", "compares with like"),
        ("$filter=name eq", "the end where a value"),
        ("$filter=name eq 'x", "quote that does not end"),
        ("$filter=drop(table)", "calls drop(table), which means nothing"),
        ("$filter=bygroupid(x)", "means nothing"),
        ("$filter=a.b.c eq 1", "names a.b.c"),
        ('$filter=has(a";--)', "names a"),
        ("$orderby=password", "can order by id, name"),
        ("$orderby=name up", "asc or desc"),
        (f"$filter={'(' * 30}has(a){')' * 30}", "brackets more than 20 deep"),
        (f"$filter={' or '.join(['has(a)'] * 51)}", "more than 50 conditions"),
        ("x" * 5000, "more than 4096 characters"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(InvalidInventoryQueryError) as caught:
        InventoryQuery.parse(text)
    assert said in str(caught.value)


@given(st.text(alphabet="()' andornothaseqbygupid.*$+=,x1", max_size=60))
def test_anything_is_read_or_refused_with_its_own_error(text: str) -> None:
    with suppress(InvalidInventoryQueryError):
        InventoryQuery.parse(text)
