"""The first page: is anything wrong, why, and what to do about it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from starlette.responses import Response

from certinel.domain.errors import EXPLANATIONS, Code
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus
from certinel.services import expiries, overview
from certinel.services.expiries import MonthOfExpiries
from certinel.services.overview import AttemptCounts, FleetState, Span
from certinel.ui import charts
from certinel.ui.charts import StackedBars
from certinel.ui.navigation import navigator_of
from certinel.ui.rights import SEE_TRUST
from certinel.ui.routing import Pages, problem
from certinel.ui.texts import ENGLISH
from certinel.ui.visit import Visit

pages = Pages()

MONTHS: Final = 12
SOON: Final = timedelta(days=30)
REASONS: Final = 6
UNPROVEN_NAMED: Final = 5
_SPANS: Final = {"day": (Span.HOUR, 24), "month": (Span.DAY, 30)}
_LABELS: Final = 5
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something to know, how bad it is, and where to go."""

    kind: str
    sentence: str
    remedy: str = ""
    address: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why attempts were refused, how often, and how often that is of the most frequent one, in hundredths."""

    code: str
    name: str
    count: int
    share: int


@dataclass(frozen=True, slots=True)
class AttemptChart:
    """Attempts over time, drawn."""

    bars: StackedBars
    titles: tuple[str, ...]
    labels: tuple[str, ...]
    rows: tuple[tuple[str, int, int], ...]
    admitted: int
    refused: int


@pages.show("/")
async def show_first(visit: Visit) -> Response:
    """Show the overview, or to those who may not see it the first page that they may."""
    if visit.may(SEE_TRUST):
        return await _shown(visit)
    entries = [entry for group in navigator_of(visit.session) for entry in group.entries]
    return visit.go(entries[0].address) if entries else problem(visit, 403)


async def _shown(visit: Visit) -> Response:
    tenant, now = visit.session.tenant, visit.now
    span = visit.query("span") if visit.query("span") in _SPANS else "day"
    async with visit.platform.database.reading() as tx:
        counts = await overview.attempts_of(tx, tenant, *_SPANS[span], now)
        months = await expiries.by_month(tx, visit.platform, tenant, now, MONTHS)
        ended, ending = await expiries.counts_of_devices(tx, tenant, [(_EPOCH, now), (now, now + SOON)])
    state = overview.state_of(visit.platform, tenant)
    unproven = state.lacking_proof
    reasons = _reasons(counts)
    findings = [
        *_of_attempts(reasons, counts, span),
        *_of_trusted(expiries.of_trusted(visit.platform, tenant, now + SOON), now),
        *_of_devices(ending, ended),
        *_of_proofs(unproven),
    ]
    return visit.page(
        "overview.html",
        title=ENGLISH("overview.title"),
        lead=ENGLISH("overview.lead"),
        state=state,
        findings=findings or [_all_well(state)],
        span=span,
        chart=_chart(counts, span),
        reasons=reasons[:REASONS],
        more_reasons=max(len(reasons) - REASONS, 0),
        months=list(zip(months, charts.levels([one.device_certificates for one in months]), strict=True)),
        month_rows=_month_rows(months),
        unproven=unproven[:UNPROVEN_NAMED],
        more_unproven=max(len(unproven) - UNPROVEN_NAMED, 0),
    )


def _chart(counts: AttemptCounts, span: str) -> AttemptChart:
    form = "{:%H:%M}" if span == "day" else "{:%-d %b}"
    rows = tuple((form.format(one.begins), one.admitted, one.refused) for one in counts.spans)
    return AttemptChart(
        bars=StackedBars.of([(admitted, refused) for _, admitted, refused in rows]),
        titles=tuple(
            ENGLISH("overview.bar", time=time, admitted=admitted, refused=refused) for time, admitted, refused in rows
        ),
        labels=tuple(rows[round(n * (len(rows) - 1) / (_LABELS - 1))][0] for n in range(_LABELS)),
        rows=rows,
        admitted=sum(admitted for _, admitted, _ in rows),
        refused=sum(refused for _, _, refused in rows),
    )


def _reasons(counts: AttemptCounts) -> list[Reason]:
    most = counts.refusals[0][1] if counts.refusals else 1
    return [Reason(code, name_of(code), count, max(count * 100 // most, 1)) for code, count in counts.refusals]


def name_of(code: str) -> str:
    """Return a refusal's code in a few words."""
    return ENGLISH(f"code.{code}") if f"code.{code}" in ENGLISH else code


def _of_attempts(reasons: Sequence[Reason], counts: AttemptCounts, span: str) -> Iterator[Finding]:
    refused = sum(one.refused for one in counts.spans)
    if refused:
        first = reasons[0]
        yield Finding(
            kind="bad",
            sentence=ENGLISH(f"overview.refused-in-{span}", count=refused),
            remedy=ENGLISH("overview.mostly", name=first.name, count=first.count, remedy=_remedy(first.code)),
            address=f"/ui/attempts?code={first.code}",
            action=ENGLISH("overview.see-why"),
        )


def _remedy(code: str) -> str:
    """Say what to do about a code in general; what needs the facts of an attempt is said beside the attempt."""
    remedy = EXPLANATIONS[Code(code)].remedy if code in set(Code) else ""
    return "" if "{" in remedy else remedy


def _of_trusted(ending: Sequence[TrustedCertificate], now: datetime) -> Iterator[Finding]:
    used = [one for one in ending if one.status is TrustStatus.ENABLED]
    ended = [one for one in used if one.certificate.not_after < now]
    soon = [one for one in used if one.certificate.not_after >= now]
    for kind, key, found in (("bad", "overview.trusted-ended", ended), ("warn", "overview.trusted-ending", soon)):
        if found:
            yield Finding(
                kind=kind,
                sentence=ENGLISH(key, count=len(found), name=found[0].label),
                remedy=ENGLISH("overview.trusted-remedy"),
                address="/ui/trusted-certificates",
                action=ENGLISH("overview.see-cas"),
            )


def _of_devices(ending: int, ended: int) -> Iterator[Finding]:
    if ended:
        yield Finding(
            kind="bad",
            sentence=ENGLISH("overview.devices-ended", count=ended),
            address="/ui/devices?expires=0",
            action=ENGLISH("overview.see-devices"),
        )
    if ending:
        yield Finding(
            kind="warn",
            sentence=ENGLISH("overview.devices-ending", count=ending),
            address="/ui/devices?expires=30",
            action=ENGLISH("overview.see-devices"),
        )


def _of_proofs(unproven: Sequence[TrustedCertificate]) -> Iterator[Finding]:
    if unproven:
        yield Finding(
            kind="warn",
            sentence=ENGLISH("overview.unproven", count=len(unproven), name=unproven[0].label),
            remedy=ENGLISH("overview.unproven-why"),
            address="/ui/trusted-certificates",
            action=ENGLISH("overview.see-cas"),
        )


def _all_well(state: FleetState) -> Finding:
    if not state.trusted_certificates:
        return Finding(
            kind="info",
            sentence=ENGLISH("overview.nothing-yet"),
            remedy=ENGLISH("overview.first-step"),
            address="/ui/trusted-certificates",
            action=ENGLISH("overview.add-ca"),
        )
    return Finding(kind="good", sentence=ENGLISH("overview.all-well"))


def _month_rows(months: Sequence[MonthOfExpiries]) -> list[tuple[str, int, int]]:
    return [(f"{one.begins:%b %Y}", one.device_certificates, one.trusted_certificates) for one in months]
