"""The form of a revocation list (RFC 5280, section 5): where its parts are, and what may not be in it.

A list of a million entries is read without holding a million objects: the library reads only what stands around the
entries, which are walked through here byte by byte.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Self

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from certinel.domain.der import (
    BIT_STRING,
    BOOLEAN,
    ENUMERATED,
    GENERALIZED_TIME,
    INTEGER,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
    UTC_TIME,
    MalformedDerError,
    content_of,
    element,
    read_time,
)
from certinel.domain.errors import DeviceIdentityError

_CERTIFICATE_ISSUER: Final = b"\x55\x1d\x1d"
_REASON_CODE: Final = b"\x55\x1d\x15"
_KNOWN_OF_ENTRIES: Final = frozenset({_REASON_CODE, b"\x55\x1d\x17", b"\x55\x1d\x18"})
"""Reason, hold instruction, invalidity date (RFC 5280, 5.3): none of them makes a certificate less revoked."""
_Z: Final = ord("Z")
_REMOVE_FROM_LIST: Final = b"\x08"
_KNOWN_OF_LIST: Final = frozenset(
    {
        ExtensionOID.CRL_NUMBER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.ISSUER_ALTERNATIVE_NAME,
        ExtensionOID.AUTHORITY_INFORMATION_ACCESS,
        ExtensionOID.FRESHEST_CRL,
    }
)
_MAX_REMEMBERED: Final = 10_000
"""Dates and extensions of entries that are not read twice; most lists have few different ones."""


class ListFault(StrEnum):
    """Why a revocation list is not accepted. The codes are public and never change."""

    MALFORMED = "revocation-list/malformed"
    TOO_LARGE = "revocation-list/too-large"
    DELTA = "revocation-list/delta"
    PARTIAL = "revocation-list/partial-scope"
    INDIRECT = "revocation-list/indirect"
    UNKNOWN_EXTENSION = "revocation-list/unknown-extension"
    UNKNOWN_ISSUER = "revocation-list/unknown-issuer"
    WEAK_SIGNATURE = "revocation-list/weak-signature"
    BAD_SIGNATURE = "revocation-list/bad-signature"
    MAY_NOT_SIGN = "revocation-list/issuer-may-not-sign"
    NOT_YET_VALID = "revocation-list/not-yet-valid"
    NO_NEXT_UPDATE = "revocation-list/no-next-update"
    STALE = "revocation-list/stale"
    OLDER = "revocation-list/older"


class UnacceptableListError(DeviceIdentityError):
    """A revocation list cannot be uploaded; ``fault`` says why in a word, the message in a sentence."""

    code = "revocation-list/unacceptable"

    def __init__(self, fault: ListFault, sentence: str) -> None:
        super().__init__(sentence)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class ListSignature:
    """The signature of a list and what it was made of."""

    signed: slice
    """Where in the list the signed bytes are."""
    value: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ListParts:
    """Where things are in a CertificateList (RFC 5280, 5.1)."""

    head: bytes
    """The whole list without its entries, for the library."""
    entries: tuple[int, int]
    signature: ListSignature

    @classmethod
    def of(cls, der: bytes) -> Self:
        start, end = content_of(der, 0, len(der), SEQUENCE)
        if end != len(der):
            raise MalformedDerError("there are bytes behind it")
        begin, after = content_of(der, start, end, SEQUENCE)
        inner_algorithm, entries = _before_entries(der, begin, after)
        algorithm, algorithm_end = after, content_of(der, after, end, SEQUENCE)[1]
        value, value_end = content_of(der, algorithm_end, end, BIT_STRING)
        if value_end != end or value == value_end or der[value] != 0:
            raise MalformedDerError("its signature is not readable")
        if inner_algorithm != der[algorithm:algorithm_end]:
            raise MalformedDerError("it names two different signature algorithms")
        shortened = element(SEQUENCE, der[begin : entries[0]], der[entries[1] : after])
        first, last = entries
        content = (first, last) if first == last else content_of(der, first, last, SEQUENCE)
        return cls(
            element(SEQUENCE, shortened, der[algorithm:end]),
            content,
            ListSignature(slice(start, after), der[value + 1 : value_end]),
        )


def _before_entries(der: bytes, start: int, end: int) -> tuple[bytes, tuple[int, int]]:
    """Return the inner signature algorithm, and from where to where the revokedCertificates are, if there are any."""
    if der[start : start + 1] == bytes((INTEGER,)):
        _, start = content_of(der, start, end, INTEGER)
    algorithm = start
    _, start = content_of(der, start, end, SEQUENCE)
    inner_algorithm = der[algorithm:start]
    _, start = content_of(der, start, end, SEQUENCE)
    _, start = content_of(der, start, end, UTC_TIME, GENERALIZED_TIME)
    if start < end and der[start] in {UTC_TIME, GENERALIZED_TIME}:
        _, start = content_of(der, start, end, UTC_TIME, GENERALIZED_TIME)
    if start < end and der[start] == SEQUENCE:
        return inner_algorithm, (start, content_of(der, start, end, SEQUENCE)[1])
    return inner_algorithm, (start, start)


def entries_of(der: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, bytes]]:
    """Yield serial and date of every entry, and no issuer: all are of the list's own.

    Raises:
        MalformedDerError: an entry is not what it should be.
        UnacceptableListError: an entry says that the list is not a complete list of one CA.
    """
    dates = _Dates()
    harmless: set[bytes] = set()
    while start < end:
        begin, start = content_of(der, start, end, SEQUENCE)
        serial, serial_end = content_of(der, begin, start, INTEGER)
        date, date_end = content_of(der, serial_end, start, UTC_TIME, GENERALIZED_TIME)
        if date_end != start:
            extensions = der[date_end:start]
            if extensions not in harmless:
                _check_entry_extensions(extensions)
                if len(harmless) < _MAX_REMEMBERED:
                    harmless.add(extensions)
        if serial == serial_end:
            raise MalformedDerError("a serial number without digits")
        yield der[serial:serial_end], dates.seconds_of(der[date:date_end], der[serial_end]), b""


class _Dates:
    """Reads the dates of entries, which are many of few days."""

    def __init__(self) -> None:
        self._days: dict[bytes, int] = {}

    def seconds_of(self, written: bytes, tag: int) -> int:
        """Return a date in seconds since 1970."""
        known = self._days.get(written[:-7])
        if known is not None:
            time = written[-7:-1]
            if time.isdigit() and time[:2] < b"24" and time[2:4] < b"60" and time[4:] < b"60" and written[-1] == _Z:
                return known + int(time[:2]) * 3600 + int(time[2:4]) * 60 + int(time[4:])
        moment = read_time(written, tag)
        if len(self._days) < _MAX_REMEMBERED:
            self._days[written[:-7]] = int(moment.replace(hour=0, minute=0, second=0).timestamp())
        return int(moment.timestamp())


def _check_entry_extensions(der: bytes) -> None:
    start, end = content_of(der, 0, len(der), SEQUENCE)
    if end != len(der):
        raise MalformedDerError("there is something behind the extensions of an entry")
    while start < end:
        begin, start = content_of(der, start, end, SEQUENCE)
        oid, position = content_of(der, begin, start, OBJECT_IDENTIFIER)
        name = der[oid:position]
        is_critical = der[position : position + 1] == bytes((BOOLEAN,))
        if is_critical:
            _, position = content_of(der, position, start, BOOLEAN)
        value, value_end = content_of(der, position, start, OCTET_STRING)
        if name == _CERTIFICATE_ISSUER:
            raise UnacceptableListError(ListFault.INDIRECT, _INDIRECT)
        if name == _REASON_CODE:
            reason, reason_end = content_of(der, value, value_end, ENUMERATED)
            if der[reason:reason_end] == _REMOVE_FROM_LIST:
                raise UnacceptableListError(ListFault.DELTA, _DELTA)
        elif is_critical and name not in _KNOWN_OF_ENTRIES:
            sentence = f"An entry of the revocation list has a critical extension that is not known: {name.hex()}."
            raise UnacceptableListError(ListFault.UNKNOWN_EXTENSION, sentence)


_DELTA: Final = "The revocation list is a delta, which only says what changed: upload the complete list."
_INDIRECT: Final = "The revocation list speaks for other CAs too (indirect): upload the list of each CA."
_PARTIAL: Final = "The revocation list is for a part of the certificates only: upload the complete list of the CA."


def check_extensions(extensions: x509.Extensions) -> int | None:
    """Refuse lists that do not say everything about their CA; return the list's number."""
    number = None
    for extension in extensions:
        match extension.value:
            case x509.CRLNumber():
                number = extension.value.crl_number
            case x509.DeltaCRLIndicator():
                raise UnacceptableListError(ListFault.DELTA, _DELTA)
            case x509.IssuingDistributionPoint():
                if extension.value.indirect_crl:
                    raise UnacceptableListError(ListFault.INDIRECT, _INDIRECT)
                # also with nothing but the name of a distribution point: it then is for certificates that name it
                raise UnacceptableListError(ListFault.PARTIAL, _PARTIAL)
            case _ if extension.critical and extension.oid not in _KNOWN_OF_LIST:
                sentence = (
                    f"The revocation list has a critical extension that is not known: {extension.oid.dotted_string}."
                )
                raise UnacceptableListError(ListFault.UNKNOWN_EXTENSION, sentence)
            case _:
                pass
    return number
