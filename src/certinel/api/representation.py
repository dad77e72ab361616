"""How plain values look in the contract's JSON."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel


def contract_time(at: datetime) -> str:
    """Write ``at`` as ``2022-06-17T13:47:33.000Z``: UTC, always with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


ContractTime = Annotated[
    datetime,
    PlainSerializer(contract_time, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$", "format": "date-time"}
    ),
]
"""A moment in UTC with milliseconds."""


class Received(BaseModel):
    """What callers send. Unknown fields are ignored: clients send back whole objects that they have read."""

    model_config = ConfigDict(alias_generator=to_camel)


class Answer(BaseModel):
    """What callers get, under the contract's names."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, serialize_by_alias=True)


class Reference(Answer):
    """An object, by its id and address."""

    id: str
    self: str


class NamedReference(Reference):
    """An object, by its id and address, with its name."""

    name: str | None = None


class ObjectReference(Answer):
    """A managed object as a member of a list."""

    managed_object: NamedReference
    self: str


class References(Answer):
    """Objects related to another one: the first few, when there are many."""

    self: str
    references: list[ObjectReference] = Field(default_factory=list)
