"""What a device is told about a row that was not carried out.

The lines of ``s/e`` help people find faults; no device may depend on them, apart from the few texts that agents
are known to wait for.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from certinel.smartrest.csv import encode_row

MAX_ECHOED_CHARACTERS = 64
"""As much of a stranger's text comes back to it in an error line: enough to recognise it."""


class ErrorCode(IntEnum):
    """The first field of an error line."""

    UNKNOWN_TEMPLATE = 40
    NOT_CREATED = 41
    MALFORMED_ROW = 42
    INVALID_MESSAGE_ID = 43
    INVALID_ARGUMENTS = 45
    SERVER_ERROR = 50


class ArgumentError(Exception):
    """The arguments of a row do not fit its template; the text is what the device is told."""

    @classmethod
    def wrong_number(cls) -> Self:
        """Too few, too many, or a mandatory one is empty: an empty field and a missing one are the same."""
        return cls("Wrong number of arguments")

    @classmethod
    def wrong_value(cls, type_name: str, value: str) -> Self:
        """A field does not read as the type its template wants."""
        return cls(f"Value is not a {type_name}: {echo(value)}")

    @classmethod
    def reserved_name(cls, name: str) -> Self:
        """A fragment has the name of something that every measurement has already."""
        return cls(f"Fragment name is reserved: {name}")


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not carried out, and why: ``<code>,<message id>,<text>`` on ``s/e``."""

    code: ErrorCode
    message_id: str
    text: str

    def row(self) -> str:
        """Return the error line without its line end."""
        return encode_row((str(self.code.value), self.message_id, self.text))

    @classmethod
    def unknown_template(cls, message_id: str) -> Self:
        """No static template has this message id."""
        return cls(ErrorCode.UNKNOWN_TEMPLATE, echo(message_id), "No static template for this message id")

    @classmethod
    def malformed(cls, message_id: str) -> Self:
        """The row, or with an empty message id the whole payload, cannot be read."""
        return cls(ErrorCode.MALFORMED_ROW, echo(message_id), "Malformed Request")

    @classmethod
    def invalid_message_id(cls, message_id: str) -> Self:
        """The first field is empty or no number."""
        return cls(ErrorCode.INVALID_MESSAGE_ID, echo(message_id), "Invalid message identifier")

    @classmethod
    def invalid_arguments(cls, message_id: str, error: ArgumentError) -> Self:
        """The arguments do not fit the template."""
        return cls(ErrorCode.INVALID_ARGUMENTS, message_id, str(error))


def echo(text: str) -> str:
    """Return ``text`` as far as it may come back to the one who sent it."""
    return text if len(text) <= MAX_ECHOED_CHARACTERS else text[:MAX_ECHOED_CHARACTERS] + "..."
