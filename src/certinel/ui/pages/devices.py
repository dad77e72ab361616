"""All devices: found, filtered, let in or kept out together, taken away as a table."""

import csv
import io
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from certinel.domain.device import Device
from certinel.domain.identifiers import Fingerprint
from certinel.services import devices, user_administration
from certinel.services.devices import DeviceQuestion, Place
from certinel.storage.devices import DeviceFilter
from certinel.ui.forms import Form
from certinel.ui.places import place_of, written_place
from certinel.ui.rights import CHANGE_DEVICES, SEE_TRUST
from certinel.ui.routing import FaultError, Pages
from certinel.ui.texts import ENGLISH
from certinel.ui.visit import Visit

pages = Pages()

PAGE_SIZE: Final = 50
EXPORTED_AT_ONCE: Final = 500
STATES: Final = ("connected", "absent", "disabled")
EXPIRIES: Final = ("0", "30", "90", "365")
"""Days within which a certificate ends; 0 for those that have ended."""
_MONTH: Final = re.compile(r"(20\d{2})-(0[1-9]|1[0-2])", re.ASCII)
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{40}", re.ASCII)
_BEGINS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_DECEMBER: Final = 12


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for; what it holds besides is left alone."""

    search: str
    state: str
    expires: str
    month: str
    trusted: str

    @classmethod
    def of(cls, visit: Visit) -> "Filters":
        """Read the address of a page."""
        state, expires, month = visit.query("state"), visit.query("expires"), visit.query("month")
        trusted = visit.query("trusted").replace(":", "").lower()
        return cls(
            search=visit.query("q")[: devices.MAX_SEARCH_CHARACTERS],
            state=state if state in STATES else "",
            expires=expires if expires in EXPIRIES else "",
            month=month if _MONTH.fullmatch(month) else "",
            trusted=trusted if _FINGERPRINT.fullmatch(trusted) else "",
        )

    @property
    def are_any(self) -> bool:
        """Whether only some devices are asked for."""
        return any((self.search, self.state, self.expires, self.month, self.trusted))

    @property
    def query(self) -> str:
        """The same for another address, with its question mark."""
        given = {
            "q": self.search,
            "state": self.state,
            "expires": self.expires,
            "month": self.month,
            "trusted": self.trusted,
        }
        kept = {name: value for name, value in given.items() if value}
        return f"?{urlencode(kept)}" if kept else ""

    def question(self, now: datetime) -> DeviceQuestion:
        """Return what is asked of the service."""
        stored = DeviceFilter(
            is_enabled=False if self.state == "disabled" else None,
            trusted=Fingerprint(self.trusted) if self.trusted else None,
            expires_by=now + timedelta(days=int(self.expires)) if self.expires else None,
        )
        if self.month:
            begins, ends = _bounds(self.month)
            stored = replace(stored, expires_from=begins, expires_by=min(ends, stored.expires_by or ends))
        return DeviceQuestion(
            search=self.search or None,
            is_connected={"connected": True, "absent": False}.get(self.state),
            stored=stored,
        )


def _bounds(month: str) -> tuple[datetime, datetime]:
    begins = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    is_last = begins.month == _DECEMBER
    following = begins.replace(year=begins.year + is_last, month=begins.month % _DECEMBER + 1)
    return begins, following - timedelta(microseconds=1)


@pages.show("/devices", SEE_TRUST)
async def show_list(visit: Visit) -> Response:
    """List the devices that the address asks for."""
    filters, tenant = Filters.of(visit), visit.session.tenant
    place = place_of(visit.query("after"))
    async with visit.platform.database.reading() as tx:
        found = await devices.list_of(tx, visit.platform, tenant, filters.question(visit.now), place, PAGE_SIZE)
    return visit.page(
        "devices/list.html",
        title=ENGLISH("devices.title"),
        lead=ENGLISH("devices.lead"),
        filters=filters,
        month_words=f"{_bounds(filters.month)[0]:%B %Y}" if filters.month else "",
        trusted_name=_name_of_trusted(visit, filters.trusted),
        devices=found.devices,
        next_place=written_place(found.next) if found.next is not None else "",
        is_first=not visit.query("after"),
        total=visit.platform.trust.device_count(tenant),
        states=STATES,
        expiries=EXPIRIES,
        may_change=visit.may(CHANGE_DEVICES),
    )


def _name_of_trusted(visit: Visit, fingerprint: str) -> str:
    known = visit.platform.trust.trusted_certificates(visit.session.tenant) if fingerprint else []
    return next((one.label for one in known if one.fingerprint == fingerprint), fingerprint)


@pages.act("/devices/change", CHANGE_DEVICES)
async def change_some(visit: Visit, form: Form) -> Response:
    """Let the chosen devices in, or keep them out."""
    chosen = list(dict.fromkeys(form.lists.get("device", ())))
    if not chosen:
        raise FaultError(ENGLISH("devices.none-chosen"))
    is_enabled = form.text("do") == "enable"
    async with visit.platform.database.transaction() as tx:
        for device in chosen:
            found = await devices.get(tx, visit.platform, visit.session.tenant, device)
            await user_administration.set_device_enabled(
                tx,
                visit.platform,
                visit.session.tenant,
                found.user_name,
                is_enabled=is_enabled,
                by=visit.session.principal,
            )
    key = "devices.were-enabled" if is_enabled else "devices.were-disabled"
    return visit.go(form.text("back") or "/ui/devices", key, count=len(chosen))


@pages.show("/devices.csv", SEE_TRUST)
async def export(visit: Visit) -> Response:
    """Give the devices that the address asks for as a table, however many they are."""
    name = f"devices-{visit.session.tenant}-{visit.now:%Y-%m-%d}.csv"
    return StreamingResponse(
        _table(visit, Filters.of(visit).question(visit.now)),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _table(visit: Visit, question: DeviceQuestion) -> AsyncIterator[str]:
    yield "\ufeff" + _lines([[ENGLISH(f"devices.csv-{column}") for column in _COLUMNS]])
    place: Place | None = Place()
    while place is not None:
        async with visit.platform.database.reading() as tx:
            found = await devices.list_of(tx, visit.platform, visit.session.tenant, question, place, EXPORTED_AT_ONCE)
        if found.devices:
            yield _lines([_row(device) for device in found.devices])
        place = found.next


_COLUMNS: Final = (
    "id",
    "name",
    "enabled",
    "connected",
    "last-seen",
    "subject",
    "serial",
    "sha1",
    "not-after",
    "trusted",
)


def _row(device: Device) -> list[str]:
    known = device.certificate
    return [
        device.id,
        (device.object.name or "") if device.object is not None else "",
        "yes" if device.is_enabled else "no",
        "yes" if device.connected_since is not None else "no",
        device.last_seen_at.isoformat(timespec="seconds") if device.last_seen_at is not None else "",
        *(
            (
                known.subject,
                known.serial,
                known.sha1,
                known.not_after.isoformat(timespec="seconds"),
                known.trusted or "",
            )
            if known is not None
            else ("",) * 5
        ),
    ]


def _lines(rows: Sequence[Sequence[str]]) -> str:
    """Write rows so that no program that opens them takes a cell for a formula (OWASP: CSV injection)."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerows([[f"'{cell}" if cell.startswith(_BEGINS_A_FORMULA) else cell for cell in row] for row in rows])
    return text.getvalue()
