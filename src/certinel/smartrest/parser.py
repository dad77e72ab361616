"""A published payload to requests: the one way in."""

from certinel.smartrest.csv import MalformedRow, Row, rows
from certinel.smartrest.errors import ArgumentError, Rejected
from certinel.smartrest.message_ids import TEMPLATES
from certinel.smartrest.requests import Request

MAX_MESSAGE_ID_DIGITS = 10
"""Static templates have three digits; the rest is room."""


def parse(payload: bytes) -> list[Request | Rejected]:
    """Return what each row asks for or why it cannot be carried out, in the order of the rows.

    Never raises. An empty payload asks for nothing. The number of rows is bounded by the size of the payload only.
    """
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return [Rejected.malformed("")]
    return [_request(row) for row in rows(text)]


def _request(row: Row) -> Request | Rejected:
    if isinstance(row, MalformedRow):
        return Rejected.malformed(row.message_id)
    while len(row) > 1 and not row[-1]:
        row.pop()
    message_id = row[0]
    template = TEMPLATES.get(message_id)
    if template is None:
        return _without_template(message_id)
    try:
        return template.request(row[1:])
    except ArgumentError as error:
        return Rejected.invalid_arguments(message_id, error)


def _without_template(message_id: str) -> Rejected:
    if message_id.isascii() and message_id.isdigit() and len(message_id) <= MAX_MESSAGE_ID_DIGITS:
        return Rejected.unknown_template(message_id)
    return Rejected.invalid_message_id(message_id)
