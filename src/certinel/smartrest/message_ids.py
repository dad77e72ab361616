"""The table of static templates: which message id takes which fields and asks for what.

A new message is one entry here and, when nothing like it exists yet, one class in ``requests``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from certinel.smartrest import values
from certinel.smartrest.errors import ArgumentError
from certinel.smartrest.requests import CreateDevice, CreateMeasurement, Request, Series

Number = float | int


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a template; an optional one reads as None when it is empty or left out."""

    read: Callable[[str], object]
    mandatory: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """The fields after the message id, those of a group that may repeat after them, and what is made of them.

    ``build`` takes one argument per field and, where there is a group, a list with the values of each repetition.
    """

    build: Callable[..., Request]
    meaning: str
    """What it does, in a sentence for people who write devices."""
    fields: tuple[Field, ...] = ()
    group: tuple[Field, ...] = ()

    def request(self, given: Sequence[str]) -> Request:
        """Make the request from fields of which the last is not empty.

        Raise ``ArgumentError`` when they do not fit.
        """
        count = len(self.fields)
        if not self.group:
            if len(given) > count:
                raise ArgumentError.wrong_number()
            return self.build(*_read(self.fields, given))
        repetitions = [
            _read(self.group, given[start : start + len(self.group)])
            for start in range(count, len(given), len(self.group))
        ]
        return self.build(*_read(self.fields, given[:count]), repetitions)


def _read(fields: Sequence[Field], given: Sequence[str]) -> list[Any]:
    read: list[Any] = []
    available = len(given)
    for index, field in enumerate(fields):
        text = given[index] if index < available else ""
        if text:
            read.append(field.read(text))
        elif field.mandatory:
            raise ArgumentError.wrong_number()
        else:
            read.append(None)
    return read


def _measurement(fragment: str, name: str, value: Number, unit: str | None, time: datetime | None) -> CreateMeasurement:
    return CreateMeasurement("200", fragment, time, (Series(fragment, name, value, unit),))


def _measurement_of_many_series(
    type_: str, time: datetime | None, quads: Iterable[tuple[str, str, Number, str | None]]
) -> CreateMeasurement:
    series = tuple(Series(*quad) for quad in quads)
    if not series:
        raise ArgumentError.wrong_number()
    return CreateMeasurement("201", type_, time, series)


def _signal_strength(rssi: Number | None, ber: Number | None, time: datetime | None) -> CreateMeasurement:
    fragment = "c8y_SignalStrength"
    given = (("rssi", rssi, "dBm"), ("ber", ber, "%"))
    series = tuple(Series(fragment, name, value, unit) for name, value, unit in given if value is not None)
    if not series:
        raise ArgumentError.wrong_number()
    return CreateMeasurement("210", fragment, time, series)


def _temperature(value: Number, time: datetime | None) -> CreateMeasurement:
    fragment = "c8y_TemperatureMeasurement"
    return CreateMeasurement("211", fragment, time, (Series(fragment, "T", value, "C"),))


def _battery(value: Number, time: datetime | None) -> CreateMeasurement:
    fragment = "c8y_Battery"
    return CreateMeasurement("212", fragment, time, (Series(fragment, "level", value, "%"),))


_TEXT = Field(values.text)
_MANDATORY_TEXT = Field(values.text, mandatory=True)
_FRAGMENT = Field(values.fragment, mandatory=True)
_NUMBER = Field(values.number)
_MANDATORY_NUMBER = Field(values.number, mandatory=True)
_TIME = Field(values.moment)

TEMPLATES: Mapping[str, Template] = MappingProxyType(
    {
        "100": Template(
            CreateDevice, "Make the object that stands for the device, with its name and type.", (_TEXT, _TEXT)
        ),
        "200": Template(
            _measurement,
            "One number of any kind, as `{fragment: {name: {value, unit}}}`.",
            (_FRAGMENT, _MANDATORY_TEXT, _MANDATORY_NUMBER, _TEXT, _TIME),
        ),
        "201": Template(
            _measurement_of_many_series,
            "Several numbers at once as one measurement of the type that is named.",
            (_MANDATORY_TEXT, _TIME),
            group=(_FRAGMENT, _MANDATORY_TEXT, _MANDATORY_NUMBER, _TEXT),
        ),
        "210": Template(
            _signal_strength,
            "Signal strength in dBm and bit error rate in %; one of the two is needed.",
            (_NUMBER, _NUMBER, _TIME),
        ),
        "211": Template(_temperature, "A temperature in °C.", (_MANDATORY_NUMBER, _TIME)),
        "212": Template(_battery, "The level of a battery in %.", (_MANDATORY_NUMBER, _TIME)),
    }
)
