"""One field finds devices, certificates and clients, by whatever somebody has at hand."""

from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from certinel.domain.client_id import ClientId, MalformedClientIdError
from certinel.domain.trusted_certificate import TrustedCertificate
from certinel.services import connection_attempts, devices
from certinel.services.devices import MAX_SEARCH_CHARACTERS, DeviceQuestion, Place
from certinel.storage.connection_attempts import AttemptFilter
from certinel.storage.devices import MIN_DIGITS
from certinel.storage.page import PageRequest
from certinel.ui.pages.device import address_of
from certinel.ui.rights import SEE_TRUST
from certinel.ui.routing import Pages
from certinel.ui.texts import ENGLISH
from certinel.ui.visit import Visit

pages = Pages()

FOUND: Final = 10
"""Of each kind; there is a list for the others."""
LONGEST_SERIAL: Final = 39
"""Digits that are compared with a serial number; a fingerprint has at least 40."""


@pages.show("/search", SEE_TRUST)
async def show_found(visit: Visit) -> Response:
    """Show what is meant; if it can be one device only, that device."""
    words = visit.query("q")[:MAX_SEARCH_CHARACTERS]
    device = _device_named_by(words)
    async with visit.platform.database.reading() as tx:
        question = DeviceQuestion(search=device) if device else DeviceQuestion(search="\0")
        found = await devices.list_of(tx, visit.platform, visit.session.tenant, question, Place(), FOUND)
        wanted = AttemptFilter(device=device or "")
        attempts = await connection_attempts.list_of(tx, visit.session.tenant, wanted, PageRequest(page_size=1))
    trusted = _trusted(visit, words)
    exact = [one for one in found.devices if one.id == device]
    if device and not trusted and (len(found.devices) == 1 or exact):
        return visit.go(address_of((exact or found.devices)[0].id))
    return visit.page(
        "search.html",
        title=ENGLISH("search.title", words=words) if words else ENGLISH("frame.search"),
        words=words,
        devices=found.devices,
        more_devices=f"/ui/devices?{urlencode({'q': device})}" if found.next is not None else "",
        trusted=trusted[:FOUND],
        more_trusted=max(len(trusted) - FOUND, 0),
        attempts_address=f"/ui/attempts?{urlencode({'device': device})}" if attempts.items else "",
        device=device,
    )


def _device_named_by(words: str) -> str:
    """Take an MQTT client id, ``d:name`` or longer, for the device that it names."""
    if ":" not in words or not words.startswith("d:"):
        return words
    try:
        return ClientId.parse(words).device
    except MalformedClientIdError:
        return words


def _trusted(visit: Visit, words: str) -> list[TrustedCertificate]:
    """Return trusted certificates by name, subject, serial number or fingerprint; those of a tenant are in memory."""
    digits = words.replace(":", "").replace(" ", "").lower().removeprefix("0x")
    folded = words.casefold()
    known = visit.platform.trust.trusted_certificates(visit.session.tenant)
    return [
        one
        for one in known
        if one.deleted_at is None and folded and (_is_named(one, folded) or _is_numbered(one, digits))
    ]


def _is_named(one: TrustedCertificate, folded: str) -> bool:
    return folded in one.name.casefold() or folded in one.certificate.subject_text.casefold()


def _is_numbered(one: TrustedCertificate, digits: str) -> bool:
    if len(digits) <= LONGEST_SERIAL:
        is_beginning = len(digits) >= MIN_DIGITS and one.fingerprint.startswith(digits)
        return is_beginning or (bool(digits) and f"{one.certificate.serial_number:x}" == digits.lstrip("0"))
    return one.fingerprint.startswith(digits) or one.certificate.sha256.hex().startswith(digits)
