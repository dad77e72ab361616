"""Revoking: serial numbers typed or in a file, or certificates; what they hit is shown first, then done."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from starlette.responses import Response

from certinel.domain.certificate import Certificate, MalformedCertificateError
from certinel.domain.revocation_entry import RevocationEntry, UnacceptableRevocationError, read_csv, read_serial
from certinel.pki.errors import PkiError
from certinel.services import known_certificates, rehearsals, revocation
from certinel.services.known_certificates import KnownCertificate
from certinel.storage.engine import Transaction
from certinel.ui.files import Brought, download
from certinel.ui.forms import Form
from certinel.ui.pages.settings import SETTINGS
from certinel.ui.rights import CHANGE_TRUST, SEE_TRUST
from certinel.ui.routing import FaultError, Pages, shown_with
from certinel.ui.texts import ENGLISH
from certinel.ui.visit import Visit

pages = Pages()

REVOKE: Final = f"{SETTINGS}/revoke"
TEMPLATE: Final = "SERIALNO,DATE\n8ab34fe5476,2026-11-23T10:00:00.000Z\n"
ROWS: Final = 3
MAX_ENTRIES: Final = 5000
SHOWN: Final = 50
"""Certificates and devices that are named before it happens."""
CERTIFICATE_MARKS: Final = (b"-----BEGIN CERTIFICATE", b"\x30")


@dataclass(frozen=True, slots=True)
class Review:
    """What is about to be revoked, and what it hits."""

    entries: Sequence[RevocationEntry]
    known: Sequence[KnownCertificate]
    unknown: Sequence[RevocationEntry]
    """Those of a serial number that no certificate has which the tenant knows."""
    losing: rehearsals.RehearsalPage
    is_checked: bool


@pages.show("/settings/crl-template.csv", SEE_TRUST)
async def download_template(_: Visit) -> Response:
    """Hand out the file that is filled in."""
    return download(TEMPLATE, "text/csv; charset=utf-8", "crl-template", ".csv")


@pages.show("/settings/revoke", CHANGE_TRUST)
async def show_revoke(visit: Visit) -> Response:
    """Ask for serial numbers or certificates; when some were read, show what they hit."""
    entries = [entry for text in visit.typed.get("entry", ())[:MAX_ENTRIES] if (entry := _read_back(text)) is not None]
    typed = list(zip(visit.typed.get("serial", ()), visit.typed.get("date", ()), strict=False))
    return visit.page(
        "settings/revoke.html",
        title=ENGLISH("revoke.title"),
        lead=ENGLISH("revoke.lead"),
        review=await _review(visit, entries) if entries else None,
        written=visit.typed.get("entry", ()),
        rows=typed + [("", "")] * (ROWS - len(typed) if len(typed) < ROWS else int("more" in visit.typed)),
        today=f"{visit.now:%Y-%m-%d}",
        shown=SHOWN,
    )


async def _review(visit: Visit, entries: Sequence[RevocationEntry]) -> Review:
    tenant = visit.session.tenant
    await visit.platform.device_sightings.flush()  # certificates that came a moment ago are known, too
    async with visit.platform.database.reading() as tx:
        known = await _hit(visit, tx, entries)
    serials = {one.certificate.serial_number for one in known}
    return Review(
        entries=entries,
        known=known,
        unknown=[entry for entry in entries if entry.serial not in serials],
        losing=await rehearsals.of_revocation(visit.platform, tenant, entries, limit=SHOWN),
        is_checked=visit.platform.trust.revocation(tenant).offline_check,
    )


async def _hit(visit: Visit, tx: Transaction, entries: Sequence[RevocationEntry]) -> list[KnownCertificate]:
    """Return the certificates that the tenant knows and that ``entries`` mean."""
    meant = {(entry.serial, entry.issuer) for entry in entries}
    known = await known_certificates.with_serials(tx, visit.session.tenant, {entry.serial for entry in entries})
    return [one for one in known if not meant.isdisjoint(_names_of(one.certificate))]


def _names_of(certificate: Certificate) -> set[tuple[int, bytes | None]]:
    """Return what an entry can say to mean this certificate."""
    return {(certificate.serial_number, None), (certificate.serial_number, certificate.issuer)}


# ---- entries travel in the form between the two steps, one line each


def _written(entry: RevocationEntry) -> str:
    issuer = entry.issuer.hex() if entry.issuer is not None else ""
    return f"{entry.serial:x} {int(entry.revoked_at.timestamp() * 1000)} {issuer}"


def _read_back(text: str) -> RevocationEntry | None:
    try:
        serial, milliseconds, issuer = text.split(" ")
        at = datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
        return RevocationEntry(serial=read_serial(serial), revoked_at=at, issuer=bytes.fromhex(issuer) or None)
    except (ValueError, OverflowError, OSError, UnacceptableRevocationError):
        return None  # damaged on its way, or not ours


@pages.act("/settings/revoke/read", CHANGE_TRUST)
async def read(visit: Visit, form: Form) -> Response:
    """Read what is to be revoked, and show what it hits; nothing is stored."""
    serials, dates = form.lists.get("serial", ()), form.lists.get("date", ())
    typed = {"serial": serials, "date": dates}
    if form.is_checked("more"):
        return shown_with(REVOKE, visit.session, {**typed, "more": ["1"]})
    entries = [_typed_entry(serial, date, visit.now) for serial, date in zip(serials, dates, strict=False) if serial]
    for file in form.files.get("file", ()):
        entries += await _of_file(visit, await file.read(), file.filename or "")
    if not entries:
        raise FaultError(ENGLISH("revoke.nothing"))
    written = list(dict.fromkeys(_written(entry) for entry in entries))
    if len(written) > MAX_ENTRIES:  # what is left out would not be revoked
        raise FaultError(ENGLISH("revoke.too-many", count=len(written), limit=MAX_ENTRIES))
    return shown_with(REVOKE, visit.session, {**typed, "entry": written})


def _typed_entry(serial: str, date: str, now: datetime) -> RevocationEntry:
    try:
        at = datetime.strptime(date, "%Y-%m-%d").replace(tzinfo=UTC) if date else now
    except ValueError:
        raise FaultError(ENGLISH("revoke.date", date=date)) from None
    return RevocationEntry(serial=read_serial(serial), revoked_at=min(at, now))


async def _of_file(visit: Visit, content: bytes, name: str) -> Sequence[RevocationEntry]:
    if not any(mark in content[:4096] if len(mark) > 1 else content.startswith(mark) for mark in CERTIFICATE_MARKS):
        return await asyncio.to_thread(read_csv, content, visit.now)
    found = Brought()
    await found.add(visit.platform, content, "", name)
    if found.faults:
        raise FaultError(" ".join(found.faults))
    try:
        certificates = await asyncio.to_thread(lambda: [Certificate.parse(der) for der in found.certificates])
    except (MalformedCertificateError, PkiError) as error:
        raise FaultError(ENGLISH("files.unreadable", name=name, reason=str(error))) from None
    return [RevocationEntry(serial=one.serial_number, revoked_at=visit.now, issuer=one.issuer) for one in certificates]


@pages.act("/settings/revoke", CHANGE_TRUST)
async def revoke(visit: Visit, form: Form) -> Response:
    """Put it on the list: known certificates alone, or every certificate with these serial numbers."""
    written = form.lists.get("entry", ())[:MAX_ENTRIES]
    entries = [entry for text in written if (entry := _read_back(text)) is not None]
    if not entries or len(entries) < len(written):
        raise FaultError(ENGLISH("revoke.unreadable"))
    if form.text("scope") != "all":
        async with visit.platform.database.reading() as tx:
            entries = _of_issuers(entries, await _hit(visit, tx, entries))
    await revocation.revoke_many(visit.platform, visit.session.tenant, entries, visit.session.actor)
    return visit.go(f"{SETTINGS}#revocation", "revoke.said", count=len(entries))


def _of_issuers(entries: Sequence[RevocationEntry], known: Sequence[KnownCertificate]) -> list[RevocationEntry]:
    """Name the issuer of every certificate that is known, so that no other CA's certificate of the number is meant."""
    result: list[RevocationEntry] = []
    for entry in entries:
        issuers = {one.certificate.issuer for one in known if one.certificate.serial_number == entry.serial}
        named = sorted(issuers) if entry.issuer is None else [entry.issuer]
        result += [
            RevocationEntry(serial=entry.serial, revoked_at=entry.revoked_at, issuer=issuer) for issuer in named
        ] or [entry]
    return result
