"""Who has tried to connect, and how it ended: a list that goes on by itself, each attempt with its chain drawn."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from starlette.responses import Response

from certinel.domain.connection_attempt import ConnectionAttempt, Outcome
from certinel.domain.errors import Code
from certinel.domain.identifiers import Fingerprint
from certinel.domain.trusted_certificate import TrustedCertificate
from certinel.services import connection_attempts, trusted_certificates
from certinel.services.trusted_certificates import TrustedCertificateNotFoundError
from certinel.storage.connection_attempts import AttemptFilter
from certinel.storage.engine import Transaction
from certinel.storage.page import PageRequest
from certinel.ui import chain_drawing, frame
from certinel.ui.csv_export import csv_file
from certinel.ui.formats import exact
from certinel.ui.live import LiveStreams
from certinel.ui.remedies import Remedy, remedies_of
from certinel.ui.rights import SEE_TRUST
from certinel.ui.routing import Pages
from certinel.ui.session import session_of
from certinel.ui.texts import ENGLISH
from certinel.ui.visit import Visit

pages = Pages()

LIST: Final = "/ui/attempts"
PAGE_SIZE: Final = 50
MAX_EXPORTED: Final = 10_000
MAX_DIGITS: Final = 19
"""Of the number of an attempt."""
FILTERS: Final = ("outcome", "code", "device", "fingerprint", "trusted", "from", "to")


@pages.show("/attempts", SEE_TRUST)
async def show_list(visit: Visit) -> Response:
    """List the attempts that the address asks for, the latest first; the one of ``open`` is opened in place."""
    wanted = PageRequest(visit.page_number, PAGE_SIZE, with_total_elements=True)
    async with visit.platform.database.reading() as tx:
        page = await connection_attempts.list_of(tx, visit.session.tenant, _filter(visit), wanted)
        opened = await _opened(visit, tx, page.items)
    return visit.page(
        "attempts/list.html",
        title=ENGLISH("attempts.title"),
        lead=ENGLISH("attempts.lead"),
        page=page,
        opened=opened,
        codes=[code.value for code in Code],
        filters=FILTERS,
        is_filtered=any(visit.query(name) for name in FILTERS),
        is_live=wanted.current_page == 1 and not visit.query("paused"),
        live_address=visit.address_with(page=None, open=None, paused=None).replace(LIST, f"{LIST}/live", 1),
        csv_address=visit.address_with(page=None, open=None, paused=None).replace(LIST, f"{LIST}/export", 1),
    )


@dataclass(frozen=True, slots=True)
class _Opened:
    """The attempt that is shown in full."""

    attempt: ConnectionAttempt
    drawing: chain_drawing.ChainDrawing
    remedies: Sequence[Remedy]

    @property
    def spoken(self) -> str:
        """Which TLS and which MQTT, as people write them: TLS 1.3, MQTT 3.1.1."""
        tls, mqtt = self.attempt.tls_version, self.attempt.mqtt_version
        parts = (tls.replace("TLSv", "TLS ") if tls else "", f"MQTT {mqtt[1:].replace('_', '.')}" if mqtt else "")
        return ", ".join(part for part in parts if part)


async def _opened(visit: Visit, tx: Transaction, shown: Sequence[ConnectionAttempt]) -> _Opened | None:
    """Return the attempt of ``open``: one that is on the page, or any of the tenant's."""
    number = visit.query("open")
    if not (number.isascii() and number.isdigit() and len(number) <= MAX_DIGITS):
        return None
    attempt = next((one for one in shown if one.id == int(number)), None)
    if attempt is None:
        attempt = await connection_attempts.get(tx, visit.session.tenant, int(number))
    trusted = await _trusted(tx, attempt)
    drawing = chain_drawing.of_attempt(attempt, trusted, visit.now)
    return _Opened(attempt, drawing, remedies_of(attempt, trusted))


async def _trusted(tx: Transaction, attempt: ConnectionAttempt) -> TrustedCertificate | None:
    if attempt.trusted is None:
        return None
    try:
        return await trusted_certificates.get(tx, attempt.tenant, attempt.trusted)
    except TrustedCertificateNotFoundError:  # deleted since then
        return None


def _filter(visit: Visit) -> AttemptFilter:
    outcome = visit.query("outcome").upper()
    return AttemptFilter(
        outcome=Outcome(outcome) if outcome in {*Outcome} else None,
        code=visit.query("code") or None,
        device=visit.query("device") or None,
        fingerprint=_bare(visit.query("fingerprint")) or None,
        trusted=Fingerprint(_bare(visit.query("trusted"))) if visit.query("trusted") else None,
        date_from=_day(visit.query("from")),
        date_to=_day(visit.query("to"), timedelta(days=1)),
    )


def _bare(fingerprint: str) -> str:
    """Take a fingerprint as openssl prints it, too: upper case, with colons."""
    return fingerprint.replace(":", "").lower()


def _day(text: str, more: timedelta = timedelta(0)) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) + more
    except (ValueError, OverflowError):
        return None


# ---- going on


@pages.show("/attempts/live", SEE_TRUST)
async def go_on(visit: Visit) -> Response:
    """Send the rows of attempts as they come in, made by the template that made those on the page."""
    streams: LiveStreams = visit.request.app.state.streams
    return streams.answer(visit.platform, _News(visit).look)


class _News:
    """What one page has not shown yet."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._since = visit.now - timedelta(seconds=10)  # what came between the page and the stream
        self._shown: dict[int, int] = {}

    async def look(self) -> str | None:
        visit = self._visit
        if await session_of(visit.platform, visit.request) is None:
            return json.dumps({"ended": True})
        wanted = _filter(visit)
        since = max(self._since, wanted.date_from) if wanted.date_from is not None else self._since
        async with visit.platform.database.reading() as tx:
            narrowed = AttemptFilter(
                outcome=wanted.outcome,
                code=wanted.code,
                device=wanted.device,
                fingerprint=wanted.fingerprint,
                trusted=wanted.trusted,
                date_from=since,
                date_to=wanted.date_to,
            )
            page = await connection_attempts.list_of(tx, visit.session.tenant, narrowed, PageRequest(1, PAGE_SIZE))
        new = [one for one in page.items if self._shown.get(one.id) != one.count]
        if not new:
            return None
        self._since = max(one.last_at for one in page.items) - timedelta(seconds=10)
        self._shown = {one.id: one.count for one in page.items}
        rows = [
            {"id": str(one.id), "html": frame.render(visit, "attempts/row.html", attempt=one, is_open=False)}
            for one in reversed(new)
        ]
        return json.dumps({"rows": rows})


# ---- taking along


@pages.show("/attempts/export", SEE_TRUST)
async def export(visit: Visit) -> Response:
    """Hand out what the filters leave as a file for a spreadsheet, the latest 10,000."""
    async with visit.platform.database.reading() as tx:
        page = await connection_attempts.list_of(tx, visit.session.tenant, _filter(visit), PageRequest(1, MAX_EXPORTED))
    headings = [ENGLISH(f"attempts.csv.{name}") for name in _COLUMNS]
    return csv_file("connection-attempts", headings, (_cells(one) for one in page.items))


_COLUMNS: Final = (
    "first",
    "last",
    "count",
    "outcome",
    "code",
    "sentence",
    "remedy",
    "device",
    "client-id",
    "address",
    "subject",
    "issuer",
    "serial",
    "sha1",
    "tls",
    "mqtt",
)


def _cells(attempt: ConnectionAttempt) -> Sequence[object]:
    leaf = attempt.leaf
    return (
        exact(attempt.first_at),
        exact(attempt.last_at),
        attempt.count,
        attempt.outcome.value,
        attempt.code,
        attempt.sentence,
        attempt.remedy,
        attempt.device,
        attempt.client_id,
        attempt.address,
        leaf.subject if leaf is not None else None,
        leaf.issuer if leaf is not None else None,
        leaf.serial_number_hex if leaf is not None else None,
        leaf.sha1 if leaf is not None else None,
        attempt.tls_version,
        attempt.mqtt_version,
    )
