"""Rows for the driver, without SQLAlchemy's way through every parameter (a third of the time of an insert)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

from sqlalchemy import Dialect, Table


@dataclass(frozen=True, slots=True)
class RowWriter:
    """Turns rows of one table with the same columns into tuples the driver takes."""

    insert_statement: str
    """With question marks, as SQLite's driver wants it."""
    columns: tuple[str, ...]
    converters: tuple[tuple[int, Callable[[Any], Any]], ...]
    """Position of a column and what its type does to a value; most columns need nothing."""

    @classmethod
    def of(cls, table: Table, dialect: Dialect, columns: tuple[str, ...]) -> Self:
        """Return the writer of ``table`` for rows that have exactly ``columns``."""
        writer = _writer(table, dialect, columns)
        return cls(*writer)

    def tuples(self, rows: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
        """Return the values of ``rows`` in the order of the columns."""
        converted = []
        for row in rows:
            values = [row[column] for column in self.columns]
            for position, convert in self.converters:
                values[position] = convert(values[position])
            converted.append(tuple(values))
        return converted


@cache
def _writer(
    table: Table, dialect: Dialect, columns: tuple[str, ...]
) -> tuple[str, tuple[str, ...], tuple[tuple[int, Callable[[Any], Any]], ...]]:
    names = ", ".join(columns)
    marks = ", ".join("?" * len(columns))
    processors = [table.c[column].type.dialect_impl(dialect).bind_processor(dialect) for column in columns]
    converters = tuple((position, convert) for position, convert in enumerate(processors) if convert is not None)
    statement = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608 - names from our own tables
    return statement, columns, converters
