"""Rows of a table of devices, read: which device, with which credentials, and what the inventory shall hold of it.

A row that is wrong becomes a ``FailedRow`` with its reason; it never keeps the others from being registered.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Self

from certinel.domain.client_id import MAX_DEVICE_ID_CHARACTERS
from certinel.domain.device_group import GroupPath
from certinel.domain.device_table import TableRow, UnusableTableError
from certinel.domain.identifiers import DeviceId, TenantId
from certinel.domain.managed_object import SERIAL

MIN_PASSWORD_CHARACTERS: Final = 8
MAX_PASSWORD_CHARACTERS: Final = 32
MAX_NAME_CHARACTERS: Final = 254
"""Of names, types, groups and external ids; ours."""
MAX_GROUP_DEPTH: Final = 10
MAX_PROPERTY_DEPTH: Final = 10
"""Dots in a heading; ours."""

ACTIVE_AGENT: Final = "com_cumulocity_model_agent.active"
EXTERNAL_PREFIX: Final = "external-"
AGENT_FRAGMENT: Final = "com_cumulocity_model_Agent"

_COLUMNS: Final = frozenset(
    {
        "id",
        "credentials",
        "auth_type",
        "enrollment_otp",
        "tenant",
        "type",
        "name",
        "iccid",
        "idtype",
        "path",
        "shell",
        ACTIVE_AGENT,
    }
)
_SIMPLE_COLUMNS: Final = frozenset({"id", "path", "tenant"})
_FORBIDDEN_IN_ID: Final = frozenset("/\\$+:")


class AuthType(StrEnum):
    """How a device proves who it is."""

    BASIC = "BASIC"
    CERTIFICATES = "CERTIFICATES"


_AUTH_TYPES: Final[Mapping[str, AuthType]] = MappingProxyType(
    {
        "": AuthType.BASIC,
        "BASIC": AuthType.BASIC,
        "CREDENTIALS": AuthType.BASIC,
        "CERTIFICATES": AuthType.CERTIFICATES,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedDevice:
    """A device that is to connect and be accepted: a row of the simple form."""

    device: DeviceId
    tenant: TenantId
    path: GroupPath = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRegistration(ExpectedDevice):
    """A device with its credentials and what the inventory shall hold: a row of the full form."""

    auth_type: AuthType
    password: str | None = field(default=None, repr=False)
    """None for a device with a certificate."""
    enrollment_otp: str | None = field(default=None, repr=False)
    name: str | None = None
    type: str | None = None
    external_ids: tuple[tuple[str, str], ...]
    """Type and value; the first is the device's own."""
    fragments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRow:
    """A row that is not carried out."""

    device: str
    reason: str
    tenant: str = ""

    @property
    def line(self) -> str:
        """The row as the contract shows it, without the credentials."""
        return f"DeviceInfo{{id='{self.device}', credentials='', tenant='{self.tenant}'}}"

    @classmethod
    def of(cls, entry: ExpectedDevice, reason: str) -> Self:
        """Say why ``entry`` was not carried out."""
        return cls(device=entry.device, tenant=entry.tenant, reason=reason)


Entry = ExpectedDevice | FailedRow
"""``DeviceRegistration`` is an ``ExpectedDevice`` that says more."""


class RowError(ValueError):
    """Why a row cannot be carried out. Never holds credentials."""


def check_device_id(text: str) -> DeviceId:
    """Return ``text`` as the name of a device; raises ``RowError`` with the contract's sentence."""
    if not text:
        raise RowError("ID is missing.")
    for character in text:
        if character in _FORBIDDEN_IN_ID or character.isspace() or not character.isprintable():
            shown = character if character.isprintable() else repr(character).strip("'")
            named = text[:MAX_DEVICE_ID_CHARACTERS]
            raise RowError(f"Device id '{named}' contains '{shown}' character which is not permitted.")
    if len(text) > MAX_DEVICE_ID_CHARACTERS:
        raise RowError(f"ID has more than {MAX_DEVICE_ID_CHARACTERS} characters.")
    return DeviceId(text)


class RegistrationLayout:
    """Which column holds what."""

    def __init__(self, headings: Sequence[str], caller: TenantId, *, is_management: bool) -> None:
        """Read the headings of a file that a user of ``caller`` has sent.

        Raises:
            UnusableTableError: there is no ID, a heading comes twice, or two contradict each other.
        """
        self._caller, self._is_management = caller, is_management
        self._width = len(headings)
        self._columns: dict[str, int] = {}
        self._external: list[tuple[str, int]] = []
        self._properties: list[tuple[tuple[str, ...], int]] = []
        for index, heading in enumerate(headings):
            self._take(heading, index)
        if "id" not in self._columns:
            raise UnusableTableError("The file has no column ID; its first line must name the columns.")
        _check_no_overlap([path for path, _ in self._properties])
        self.is_simple = not self._external and not self._properties and self._columns.keys() <= _SIMPLE_COLUMNS

    def _take(self, heading: str, index: int) -> None:
        place = f"Line 1, column {index + 1}"
        folded = heading.lower()
        if not heading or not heading.isprintable():
            raise UnusableTableError(f"{place}: the column has no name, or one that cannot be shown.")
        if folded in _COLUMNS:
            if folded in self._columns:
                raise UnusableTableError(f"{place}: there are two columns {heading}.")
            self._columns[folded] = index
        elif folded.startswith(EXTERNAL_PREFIX) and len(folded) > len(EXTERNAL_PREFIX):
            self._external.append((heading[len(EXTERNAL_PREFIX) :], index))
        else:
            path = tuple(heading.split("."))
            if not all(path) or len(path) > MAX_PROPERTY_DEPTH:
                raise UnusableTableError(f"{place}: {heading} is no name of a property.")
            self._properties.append((path, index))

    def entry(self, row: TableRow) -> Entry:
        """Read one row; never raises."""
        cell = self._cells(row)
        try:
            _check_cells(row, self._width)
            return self._expected(cell) if self.is_simple else self._registration(cell, row)
        except RowError as error:
            shown = cell("id").replace("\0", "")[:MAX_DEVICE_ID_CHARACTERS]
            return FailedRow(device=shown, tenant=self._tenant(cell)[:MAX_NAME_CHARACTERS], reason=str(error))

    def _cells(self, row: TableRow) -> Callable[[str], str]:
        def cell(name: str) -> str:
            index = self._columns.get(name, self._width)
            return row.cells[index].strip() if index < len(row.cells) else ""

        return cell

    def _tenant(self, cell: Callable[[str], str]) -> TenantId:
        return TenantId(cell("tenant").replace("\0", "")) if self._is_management else self._caller

    def _expected(self, cell: Callable[[str], str]) -> ExpectedDevice:
        tenant = self._tenant(cell)
        if not tenant:
            raise RowError("TENANT is missing.")
        return ExpectedDevice(device=check_device_id(cell("id")), tenant=tenant, path=_path(cell("path")))

    def _registration(self, cell: Callable[[str], str], row: TableRow) -> DeviceRegistration:
        expected = self._expected(cell)
        written = cell("auth_type")
        auth_type = _AUTH_TYPES.get(written.upper())
        if auth_type is None:
            raise RowError(f"AUTH_TYPE is {_short(written)}; BASIC or CERTIFICATES is expected.")
        enrollment_otp = cell("enrollment_otp") or None
        if enrollment_otp is not None and auth_type is not AuthType.CERTIFICATES:
            raise RowError("ENROLLMENT_OTP needs AUTH_TYPE CERTIFICATES.")
        return DeviceRegistration(
            device=expected.device,
            tenant=expected.tenant,
            path=expected.path,
            auth_type=auth_type,
            password=_password(cell("credentials")) if auth_type is AuthType.BASIC else None,
            enrollment_otp=enrollment_otp,
            name=_named(cell, "name"),
            type=_named(cell, "type"),
            external_ids=self._external_ids(expected.device, _named(cell, "idtype") or SERIAL, row),
            fragments=self._fragments(cell, row),
        )

    def _external_ids(self, device: DeviceId, id_type: str, row: TableRow) -> tuple[tuple[str, str], ...]:
        found: dict[tuple[str, str], None] = {(id_type, str(device)): None}
        for type_, index in self._external:
            value = row.cells[index].strip()
            if len(value) > MAX_NAME_CHARACTERS:
                raise RowError(f"{EXTERNAL_PREFIX}{type_} has more than {MAX_NAME_CHARACTERS} characters.")
            if value:
                found[type_, value] = None
        return tuple(found)

    def _fragments(self, cell: Callable[[str], str], row: TableRow) -> dict[str, Any]:
        fragments: dict[str, Any] = {}
        for path, index in self._properties:
            if value := row.cells[index].strip():
                _put(fragments, path, value)
        if iccid := cell("iccid"):
            _put(fragments, ("c8y_Mobile", "iccid"), iccid)
        if cell("shell") == "1":
            fragments["c8y_SupportedOperations"] = ["c8y_Command"]
        fragments["c8y_IsDevice"] = {}
        active = cell(ACTIVE_AGENT)
        if active.lower() != "false":
            _put(fragments, (AGENT_FRAGMENT, "active"), active) if active else fragments.setdefault(AGENT_FRAGMENT, {})
        return fragments


def _check_cells(row: TableRow, width: int) -> None:
    if len(row.cells) != width:
        raise RowError(f"Line {row.line} has {len(row.cells)} fields, the first line has {width}.")
    if any("\0" in cell for cell in row.cells):
        raise RowError("The row holds a NUL character, which cannot be stored.")


def _check_no_overlap(paths: Sequence[tuple[str, ...]]) -> None:
    known = set(paths)
    if len(known) < len(paths):
        raise UnusableTableError("Two columns have the same name.")
    for path in paths:
        for length in range(1, len(path)):
            if path[:length] in known:
                one, other = ".".join(path[:length]), ".".join(path)
                raise UnusableTableError(f"Column {one} cannot be a text and hold {other} too.")


def _password(text: str) -> str:
    if not text:
        raise RowError("CREDENTIALS are missing; devices with certificates have AUTH_TYPE CERTIFICATES.")
    if not MIN_PASSWORD_CHARACTERS <= len(text) <= MAX_PASSWORD_CHARACTERS:
        raise RowError(f"CREDENTIALS must have {MIN_PASSWORD_CHARACTERS} to {MAX_PASSWORD_CHARACTERS} characters.")
    return text


def _named(cell: Callable[[str], str], column: str) -> str | None:
    text = cell(column)
    if len(text) > MAX_NAME_CHARACTERS:
        raise RowError(f"{column.upper()} has more than {MAX_NAME_CHARACTERS} characters.")
    return text or None


def _path(text: str) -> GroupPath:
    names = tuple(name for part in text.split("/") if (name := part.strip()))
    if len(names) > MAX_GROUP_DEPTH:
        raise RowError(f"PATH has more than {MAX_GROUP_DEPTH} groups.")
    if any(len(name) > MAX_NAME_CHARACTERS for name in names):
        raise RowError(f"PATH holds a name of more than {MAX_NAME_CHARACTERS} characters.")
    return names


def _put(fragments: dict[str, Any], path: Sequence[str], value: str) -> None:
    """Put ``value`` at ``path``; what the platform says of a device itself goes over what a column says."""
    inner = fragments
    for step in path[:-1]:
        below = inner.setdefault(step, {})
        if not isinstance(below, dict):
            below = inner[step] = {}
        inner = below
    inner[path[-1]] = value


def _short(text: str) -> str:
    return repr(text[:MAX_PASSWORD_CHARACTERS])
