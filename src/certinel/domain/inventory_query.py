"""The query language of the inventory: ``$filter=(has(c8y_IsDevice) and name eq 'pump*') $orderby=name``.

What can be said is a small part of OData: ``and``, ``or``, ``not``, brackets, comparisons, ``has`` and ``bygroupid``.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from certinel.domain.errors import DeviceIdentityError
from certinel.domain.managed_object import ManagedObjectId

MAX_CHARACTERS: Final = 4096
MAX_CONDITIONS: Final = 50
"""Each costs a look into every object of the tenant."""
MAX_DEPTH: Final = 20
MAX_STEPS: Final = 2
"""Names in a path, as in ``c8y_Hardware.serialNumber``."""


class InvalidInventoryQueryError(DeviceIdentityError):
    """The query cannot be understood; the message says where."""

    code = "inventory/invalid-query"


class Comparison(StrEnum):
    """How a property is compared with a value."""

    EQUAL = "eq"
    NOT_EQUAL = "ne"
    GREATER = "gt"
    GREATER_OR_EQUAL = "ge"
    LESS = "lt"
    LESS_OR_EQUAL = "le"


@dataclass(frozen=True, slots=True)
class Has:
    """The object has a fragment, or a fragment with a member."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InGroup:
    """The object is directly in a group."""

    group: ManagedObjectId


@dataclass(frozen=True, slots=True)
class Compare:
    """A property is as ``value``, in which ``*`` stands for anything when it is compared with ``eq`` or ``ne``."""

    path: tuple[str, ...]
    comparison: Comparison
    value: str


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold."""

    condition: "Condition"


@dataclass(frozen=True, slots=True)
class Every:
    """All conditions hold."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one condition holds."""

    conditions: tuple["Condition", ...]


Condition: TypeAlias = Has | InGroup | Compare | Not | Every | Some


class OrderField(StrEnum):
    """What objects can be ordered by."""

    ID = "id"
    NAME = "name"
    TYPE = "type"
    OWNER = "owner"
    CREATION_TIME = "creationTime"
    LAST_UPDATED = "lastUpdated"


@dataclass(frozen=True, slots=True)
class Order:
    """One thing to order by."""

    field: OrderField
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class InventoryQuery:
    """Which objects, and in which order; None means all."""

    condition: Condition | None = None
    order: tuple[Order, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "InventoryQuery":
        """Read a query; raises ``InvalidInventoryQueryError``."""
        if len(text) > MAX_CHARACTERS:
            raise InvalidInventoryQueryError(f"The query has more than {MAX_CHARACTERS} characters.")
        filter_, mark, order = text.partition("$orderby=")
        wanted = filter_.strip(" +").removeprefix("$filter=").strip()
        condition = _Parser(wanted).parsed() if wanted else None
        return cls(condition, tuple(_order(order)) if mark else ())


EVERYTHING: Final = InventoryQuery()

_TOKEN: Final = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<bracket>[()])|(?P<word>[^\s()']+))")
_PATH: Final = re.compile(r"[A-Za-z0-9_\-]{1,256}(?:\.[A-Za-z0-9_\-]{1,256})*", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Token:
    place: int
    kind: str
    text: str


class _Parser:
    """Recursive descent, a method for each level of binding."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._next = 0
        self._depth = 0
        self._conditions = 0

    def parsed(self) -> Condition:
        condition = self._some()
        if self._peek() is not None:
            raise self._fault("and, or, or the end")
        return condition

    def _some(self) -> Condition:
        conditions = [self._every()]
        while self._takes_word("or"):
            conditions.append(self._every())
        return conditions[0] if len(conditions) == 1 else Some(tuple(conditions))

    def _every(self) -> Condition:
        conditions = [self._negated()]
        while self._takes_word("and"):
            conditions.append(self._negated())
        return conditions[0] if len(conditions) == 1 else Every(tuple(conditions))

    def _negated(self) -> Condition:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise InvalidInventoryQueryError(f"The query has brackets more than {MAX_DEPTH} deep.")
        condition = Not(self._negated()) if self._takes_word("not") else self._bracketed()
        self._depth -= 1
        return condition

    def _bracketed(self) -> Condition:
        if not self._takes("bracket", "("):
            return self._simple()
        condition = self._some()
        self._expect_bracket(")")
        return condition

    def _simple(self) -> Condition:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            raise InvalidInventoryQueryError(f"The query has more than {MAX_CONDITIONS} conditions.")
        word = self._word("a property, has(…) or bygroupid(…)")
        if self._takes("bracket", "("):
            argument = self._word("a name")
            self._expect_bracket(")")
            match word.lower():
                case "has":
                    return Has(_path(argument))
                case "bygroupid" if argument.isascii() and argument.isdigit() and len(argument) < len(str(2**63)):
                    return InGroup(ManagedObjectId(int(argument)))
                case _:
                    raise InvalidInventoryQueryError(
                        f"The query calls {word[:40]}({argument[:40]}), which means nothing."
                    )
        named = self._word("eq, ne, gt, ge, lt or le").lower()
        if named not in set(Comparison):
            raise InvalidInventoryQueryError(
                f"The query compares with {named[:40]}; there are {', '.join(Comparison)}."
            )
        return Compare(_path(word), Comparison(named), self._value())

    def _value(self) -> str:
        token = self._peek()
        if token is None or token.kind == "bracket":
            raise self._fault("a value")
        self._next += 1
        return token.text[1:-1].replace("''", "'") if token.kind == "text" else token.text

    def _word(self, expected: str) -> str:
        token = self._peek()
        if token is None or token.kind != "word":
            raise self._fault(expected)
        self._next += 1
        return token.text

    def _takes_word(self, word: str) -> bool:
        token = self._peek()
        return self._takes("word", token.text) if token is not None and token.text.lower() == word else False

    def _takes(self, kind: str, text: str) -> bool:
        token = self._peek()
        is_it = token is not None and (token.kind, token.text) == (kind, text)
        self._next += is_it
        return is_it

    def _expect_bracket(self, bracket: str) -> None:
        if not self._takes("bracket", bracket):
            raise self._fault(bracket)

    def _peek(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _fault(self, expected: str) -> InvalidInventoryQueryError:
        token = self._peek()
        found = f"{token.text[:40]} at character {token.place + 1}" if token is not None else "the end"
        return InvalidInventoryQueryError(f"The query has {found} where {expected} is expected.")


def _tokens(text: str) -> Iterator[_Token]:
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            if text[place:].isspace():
                return
            raise InvalidInventoryQueryError(f"The query has a quote that does not end at character {place + 1}.")
        kind = found.lastgroup or ""
        yield _Token(found.start(kind), kind, found.group(kind))
        place = found.end()


def _path(text: str) -> tuple[str, ...]:
    steps = tuple(text.split("."))
    if not _PATH.fullmatch(text) or len(steps) > MAX_STEPS:
        raise InvalidInventoryQueryError(f"The query names {text[:40]}, which is no property or fragment.")
    return steps


def _order(text: str) -> Iterator[Order]:
    for part in text.strip(" +").split(","):
        words: Sequence[str] = part.replace("+", " ").split()
        direction = words[1].lower() if len(words) > 1 else "asc"
        if not words or words[0] not in set(OrderField) or direction not in {"asc", "desc"} or len(words) > 2:  # noqa: PLR2004
            raise InvalidInventoryQueryError(
                f"The query orders by {part.strip()[:40]}; it can order by {', '.join(OrderField)}, asc or desc."
            )
        yield Order(OrderField(words[0]), direction == "desc")
