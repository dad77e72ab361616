"""One device: its certificates, its chain, its last connections, what it measures, and what can be done about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response

from certinel.domain.device import Device, DeviceCertificate
from certinel.domain.errors import Refusal
from certinel.domain.explained_chain import ExplainedChain
from certinel.domain.managed_object import ManagedObjectId
from certinel.domain.measurement import Measurement
from certinel.domain.revocation import OFFLINE_CHECK
from certinel.domain.revocation_entry import RevocationEntry
from certinel.domain.tenant_option import TenantOption
from certinel.services import (
    connection_attempts,
    devices,
    explanation,
    measurements,
    rehearsals,
    revocation,
    tenant_options,
    user_administration,
)
from certinel.services.explanation import ChainQuestion
from certinel.storage.connection_attempts import AttemptFilter
from certinel.storage.engine import Transaction
from certinel.storage.measurements import MeasurementFilter
from certinel.storage.page import PageRequest
from certinel.ui import charts
from certinel.ui.chain_drawing import of_explained
from certinel.ui.charts import Line
from certinel.ui.forms import Form
from certinel.ui.remedies import Remedy, remedies_for
from certinel.ui.rights import CHANGE_DEVICES, CHANGE_OPTIONS, CHANGE_TRUST, SEE_TRUST
from certinel.ui.routing import FaultError, Pages
from certinel.ui.texts import ENGLISH
from certinel.ui.visit import Visit

pages = Pages()

CONNECTIONS: Final = 10
MEASUREMENTS: Final = 500
"""The latest ones that charts are made of."""
SERIES: Final = 12
POINTS: Final = 120
ROWS: Final = 20
"""Of the table behind a chart."""
LOSING_NAMED: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Values of one kind that a device has sent lately, drawn."""

    name: str
    unit: str
    line: Line
    latest: str
    lowest: str
    highest: str
    rows: tuple[tuple[str, str], ...]
    """The latest values, the latest first."""


@dataclass(frozen=True, slots=True)
class ShownCertificate:
    """A certificate of a device, and since when it is on the tenant's list."""

    facts: DeviceCertificate
    revoked_since: datetime | None


def address_of(device: str) -> str:
    """Return the address of a device's page."""
    return f"/ui/devices/{quote(device, safe='')}"


@pages.show("/devices/{device:path}/delete", CHANGE_DEVICES)
async def ask_to_delete(visit: Visit) -> Response:
    """Say what goes with a device, and ask once."""
    async with visit.platform.database.reading() as tx:
        device = await _device(tx, visit)
        certificates = await devices.certificates_of(tx, visit.session.tenant, device.id)
    auto = _trusted_label(visit, device) if _comes_back(visit, device) else ""
    return visit.page(
        "devices/delete.html",
        title=ENGLISH("device.delete-title", device=device.id),
        device=device,
        certificates=certificates,
        comes_back_by=auto,
        back=address_of(device.id),
    )


@pages.show("/devices/{device:path}/revoke", CHANGE_TRUST)
async def ask_to_revoke(visit: Visit) -> Response:
    """Say whom revoking the chosen certificates hits, and ask once."""
    chosen = set(visit.request.query_params.getlist("sha256"))
    tenant = visit.session.tenant
    async with visit.platform.database.reading() as tx:
        device = await _device(tx, visit)
        known = await devices.certificates_of(tx, tenant, device.id)
        meant = [one for one in known if one.sha256 in chosen]
        entries = [
            RevocationEntry(serial=one.serial_number, revoked_at=visit.now, issuer=one.issuer)
            for _, one in await devices.parsed(tx, tenant, meant)
        ]
    is_checked = visit.platform.trust.revocation(tenant).offline_check
    losing = await rehearsals.of_revocation(visit.platform, tenant, entries, limit=LOSING_NAMED) if entries else None
    return visit.page(
        "devices/revoke.html",
        title=ENGLISH("device.revoke-title", count=len(meant), device=device.id),
        device=device,
        certificates=meant,
        losing=losing,
        is_checked=is_checked,
        may_switch=visit.may(CHANGE_OPTIONS),
        back=address_of(device.id),
    )


@pages.show("/devices/{device:path}", SEE_TRUST)
async def show_device(visit: Visit) -> Response:
    """Show everything that is known of a device."""
    tenant = visit.session.tenant
    async with visit.platform.database.reading() as tx:
        device = await _device(tx, visit)
        certificates = await _shown(tx, visit, device)
        wanted = AttemptFilter(device=device.id)
        attempts = await connection_attempts.list_of(tx, tenant, wanted, PageRequest(page_size=CONNECTIONS))
        series = await _series(tx, visit, device.object.id) if device.object is not None else []
        presented = await devices.chain_of(tx, tenant, device)
    chain = _explained(visit, presented) if presented else None
    return visit.page(
        "devices/device.html",
        title=device.id,
        device=device,
        certificates=certificates,
        drawing=of_explained(chain) if chain is not None else None,
        remedies=_remedies(chain, device) if chain is not None else [],
        attempts=attempts.items,
        series=series,
        trusted_labels=_labels(visit),
        is_checked=visit.platform.trust.revocation(tenant).offline_check,
        may_change=visit.may(CHANGE_DEVICES),
        may_revoke=visit.may(CHANGE_TRUST),
        here=address_of(device.id),
    )


@pages.act("/devices/{device:path}/enabled", CHANGE_DEVICES)
async def set_enabled(visit: Visit, form: Form) -> Response:
    """Let the device in, or keep it out."""
    is_enabled = form.text("enabled") == "true"
    async with visit.platform.database.transaction() as tx:
        device = await _device(tx, visit)
        await user_administration.set_device_enabled(
            tx,
            visit.platform,
            visit.session.tenant,
            device.user_name,
            is_enabled=is_enabled,
            by=visit.session.principal,
        )
    key = "device.was-enabled" if is_enabled else "device.was-disabled"
    return visit.go(address_of(device.id), key, device=device.id)


@pages.act("/devices/{device:path}/delete", CHANGE_DEVICES)
async def delete(visit: Visit, _: Form) -> Response:
    """Remove the device."""
    name = visit.request.path_params["device"]
    async with visit.platform.database.transaction() as tx:
        await devices.delete(tx, visit.platform, visit.session.tenant, name, visit.session.principal)
    return visit.go("/ui/devices", "device.was-deleted", device=name)


@pages.act("/devices/{device:path}/revoke", CHANGE_TRUST)
async def revoke(visit: Visit, form: Form) -> Response:
    """Revoke the chosen certificates of the device, each by issuer and serial number."""
    tenant, chosen = visit.session.tenant, set(form.lists.get("sha256", ()))
    async with visit.platform.database.transaction() as tx:
        device = await _device(tx, visit)
        known = await devices.certificates_of(tx, tenant, device.id)
        meant = await devices.parsed(tx, tenant, [one for one in known if one.sha256 in chosen])
        if not meant:
            raise FaultError(ENGLISH("device.none-chosen"))
        for _, certificate in meant:
            await revocation.revoke_certificate(tx, visit.platform, tenant, certificate, visit.now, visit.session.actor)
        if form.is_checked("switch") and visit.may(CHANGE_OPTIONS):
            option = TenantOption(tenant, *OFFLINE_CHECK, "true")
            await tenant_options.put(tx, visit.platform, option, visit.session.actor)
    return visit.go(address_of(device.id), "device.were-revoked", count=len(meant))


async def _device(tx: Transaction, visit: Visit) -> Device:
    return await devices.get(tx, visit.platform, visit.session.tenant, visit.request.path_params["device"])


def _comes_back(visit: Visit, device: Device) -> bool:
    trusted = device.certificate.trusted if device.certificate is not None else None
    known = visit.platform.trust.trusted_certificates(visit.session.tenant)
    return any(one.fingerprint == trusted and one.auto_registration and one.deleted_at is None for one in known)


def _trusted_label(visit: Visit, device: Device) -> str:
    fingerprint = device.certificate.trusted if device.certificate is not None else None
    return _labels(visit).get(fingerprint or "", "")


def _labels(visit: Visit) -> Mapping[str, str]:
    known = visit.platform.trust.trusted_certificates(visit.session.tenant)
    return {one.fingerprint: one.label for one in known if one.deleted_at is None}


def _explained(visit: Visit, presented: Sequence[bytes]) -> ExplainedChain:
    return explanation.explain(visit.platform, ChainQuestion(presented=presented), visit.session.tenant)


def _remedies(chain: ExplainedChain, device: Device) -> list[Remedy]:
    """Return what helps; that of a disabled device is a button of this page already."""
    if not isinstance(chain.verdict, Refusal):
        return []
    return [one for one in remedies_for(chain.verdict.code, chain.trusted, device.id) if one.key != "let-in"]


async def _shown(tx: Transaction, visit: Visit, device: Device) -> list[ShownCertificate]:
    tenant = visit.session.tenant
    known = await devices.certificates_of(tx, tenant, device.id)
    revoked = visit.platform.trust.revocation(tenant)
    since = {one.sha256: revoked.listed_since(parsed) for one, parsed in await devices.parsed(tx, tenant, known)}
    return [ShownCertificate(one, since.get(one.sha256)) for one in known]


async def _series(tx: Transaction, visit: Visit, source: ManagedObjectId) -> list[Series]:
    wanted = MeasurementFilter(source=source, revert=True)
    page = await measurements.list_of(tx, visit.session.principal, wanted, PageRequest(page_size=MEASUREMENTS))
    values: dict[tuple[str, str], list[tuple[Measurement, float, str]]] = {}
    for one in reversed(page.items):
        for (fragment, name), value, unit in _values(one.fragments):
            values.setdefault((fragment, name), []).append((one, value, unit))
    return [_drawn(name, values[name]) for name in sorted(values)[:SERIES]]


def _values(fragments: Mapping[str, Any]) -> list[tuple[tuple[str, str], float, str]]:
    """Return the numbers of a measurement; whatever else a device has put into it is left out."""
    return [
        ((fragment, name), float(entry["value"]), str(entry.get("unit", "")))
        for fragment, inner in fragments.items()
        if isinstance(inner, Mapping)
        for name, entry in inner.items()
        if isinstance(entry, Mapping)
        and isinstance(entry.get("value"), int | float)
        and not isinstance(entry["value"], bool)
    ]


def _drawn(name: tuple[str, str], values: Sequence[tuple[Measurement, float, str]]) -> Series:
    points = [(one.time.timestamp(), value) for one, value, _ in values]
    numbers = [value for _, value in points]
    fragment, series = name
    return Series(
        name=f"{fragment} · {series}" if series != fragment else series,
        unit=values[-1][2],
        line=Line.of(charts.thinned(points, POINTS)),
        latest=f"{numbers[-1]:g}",
        lowest=f"{min(numbers):g}",
        highest=f"{max(numbers):g}",
        rows=tuple(
            (f"{one.time:%-d %b %Y, %H:%M:%S}", f"{value:g} {unit}".strip())
            for one, value, unit in values[: -ROWS - 1 : -1]
        ),
    )
