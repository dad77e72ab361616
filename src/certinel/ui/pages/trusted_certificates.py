"""The CAs that a tenant vouches for: the list, one of them, its switches and its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from starlette.responses import Response

from certinel.domain.certificate import Certificate
from certinel.domain.certificate_fields import fields_of
from certinel.domain.connection_attempt import ConnectionAttempt, Outcome
from certinel.domain.extension_words import extension_words
from certinel.domain.identifiers import TenantId
from certinel.domain.pem import armoured
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus
from certinel.services import connection_attempts, rehearsals, tenants, trusted_certificates
from certinel.services.rehearsals import TrustedCertificateChange
from certinel.services.trusted_certificates import Change
from certinel.storage.connection_attempts import AttemptFilter
from certinel.storage.engine import Transaction
from certinel.storage.page import PageRequest
from certinel.storage.trusted_certificates import TrustFilter, TrustOrder
from certinel.ui import chain_drawing
from certinel.ui.chain_drawing import ChainDrawing
from certinel.ui.files import download
from certinel.ui.forms import Form
from certinel.ui.remedies import attempts_of
from certinel.ui.rights import CHANGE_TRUST, SEE_TRUST
from certinel.ui.routing import FaultError, Pages
from certinel.ui.texts import ENGLISH
from certinel.ui.trust_states import ALARMING, State, lets_in, standing_of, validity_of
from certinel.ui.visit import Visit

pages = Pages()

LIST: Final = "/ui/trusted-certificates"
ONE: Final = "/trusted-certificates/{fingerprint}"
PAGE_SIZE: Final = 50
LOSING: Final = 100
"""Devices that are named on one page before a certificate is deleted."""
LATELY: Final = 5
"""Attempts that are shown beside a certificate."""

COLUMNS: Final = (
    TrustOrder.NAME,
    TrustOrder.STATUS,
    TrustOrder.ALGORITHM,
    TrustOrder.EXPIRES,
    TrustOrder.AUTO_REGISTRATION,
    TrustOrder.PROOF,
)
KINDS: Final = ("enabled", "disabled", "unproven", "expiring", "expired")
"""What the list can be narrowed to."""


@dataclass(frozen=True, slots=True)
class Row:
    """A trusted certificate, with what is to be said of it."""

    trusted: TrustedCertificate
    validity: State | None
    standing: State | None

    @classmethod
    def of(cls, visit: Visit, trusted: TrustedCertificate) -> "Row":
        """Look at ``trusted`` as it is now."""
        return cls(
            trusted,
            validity_of(trusted.certificate, visit.now),
            standing_of(trusted, visit.platform.trust, visit.now),
        )


@pages.show("/trusted-certificates", SEE_TRUST)
async def show_list(visit: Visit) -> Response:
    """List what the tenant trusts; the row of ``open`` is opened in place."""
    order, is_descending = _order(visit)
    wanted, tenant = PageRequest(visit.page_number, PAGE_SIZE, with_total_elements=True), visit.session.tenant
    async with visit.platform.database.reading() as tx:
        page = await trusted_certificates.list_of(
            tx, tenant, wanted, wanted=_filter(visit), order=order, is_descending=is_descending
        )
    return visit.page(
        "trusted_certificates/list.html",
        title=ENGLISH("trusted.title"),
        lead=ENGLISH("trusted.lead"),
        page=page,
        rows=[Row.of(visit, trusted) for trusted in page.items],
        columns=COLUMNS,
        order=order,
        is_descending=is_descending,
        kinds=KINDS,
        kind=visit.query("kind") if visit.query("kind") in KINDS else "",
        opened=visit.query("open").lower(),
        drawing_of=lambda trusted: _drawing(visit, trusted),
        warns_of_long_chains=visit.platform.policy.max_chain_length > 2,  # noqa: PLR2004 - CA and device
        max_chain_length=visit.platform.policy.max_chain_length,
    )


def _order(visit: Visit) -> tuple[TrustOrder, bool]:
    text = visit.query("sort")
    name = text.removeprefix("-")
    return (TrustOrder(name), text.startswith("-")) if name in {*TrustOrder} else (TrustOrder.EXPIRES, False)


def _filter(visit: Visit) -> TrustFilter:
    kind = visit.query("kind")
    ends_before = {"expiring": visit.now + ALARMING, "expired": visit.now}.get(kind)
    return TrustFilter(
        text=visit.query("text") or None,
        status={"enabled": TrustStatus.ENABLED, "disabled": TrustStatus.DISABLED}.get(kind),
        is_proven=False if kind == "unproven" else None,
        ends_before=ends_before,
    )


# ---- one of them


def tenant_of(visit: Visit) -> TenantId:
    """Return whose certificates are meant: the visitor's own tenant's; people of the management tenant may name any."""
    named = visit.query("tenant")
    return TenantId(named) if named and visit.session.is_operator else visit.session.tenant


async def found(visit: Visit, tx: Transaction) -> TrustedCertificate:
    """Return the trusted certificate that the address names; raises the services' not-found errors."""
    tenant = tenant_of(visit)
    await tenants.get(tx, tenant)
    return await trusted_certificates.get(tx, tenant, visit.request.path_params["fingerprint"])


def page_of(visit: Visit, trusted: TrustedCertificate, part: str = "") -> str:
    """Return the address of the page of ``trusted``, or of a part of it."""
    suffix = f"?{urlencode({'tenant': trusted.tenant})}" if trusted.tenant != visit.session.tenant else ""
    return f"{LIST}/{trusted.fingerprint}{part}{suffix}"


@pages.show("/trusted-certificates/look-up", SEE_TRUST)
async def look_up(visit: Visit) -> Response:
    """Lead people of the management tenant to a certificate of another tenant, by its fingerprint."""
    fingerprint = visit.query("fingerprint").replace(":", "").lower()
    return visit.go(f"{LIST}/{quote(fingerprint, safe='')}?{urlencode({'tenant': visit.query('tenant')})}")


@pages.show(ONE, SEE_TRUST)
async def show_one(visit: Visit) -> Response:
    """Show everything about one: its fields, its chain, who came by it lately, and its switches."""
    async with visit.platform.database.reading() as tx:
        trusted = await found(visit, tx)
        lately = await _lately(tx, trusted)
    return visit.page(
        "trusted_certificates/one.html",
        title=trusted.label,
        row=Row.of(visit, trusted),
        trusted=trusted,
        is_own=trusted.tenant == visit.session.tenant,
        drawing=_drawing(visit, trusted),
        fields=fields_of(trusted.certificate),
        extensions=list(extension_words(trusted.certificate)),
        pem=armoured(trusted.certificate.der),
        lately=lately,
        attempts_address=attempts_of(trusted),
        here=lambda part="": page_of(visit, trusted, part),
    )


async def _lately(tx: Transaction, trusted: TrustedCertificate) -> dict[Outcome, Sequence[ConnectionAttempt]]:
    latest = PageRequest(1, LATELY)
    return {
        outcome: (
            await connection_attempts.list_of(
                tx, trusted.tenant, AttemptFilter(trusted=trusted.fingerprint, outcome=outcome), latest
            )
        ).items
        for outcome in Outcome
    }


def _drawing(visit: Visit, trusted: TrustedCertificate) -> ChainDrawing:
    is_letting_in = lets_in(trusted, visit.platform.trust, visit.now)
    return chain_drawing.of_trusted(trusted, _above(visit, trusted), visit.now, lets_in=is_letting_in)


def _above(visit: Visit, trusted: TrustedCertificate) -> list[TrustedCertificate]:
    """Return those of the tenant's other trusted certificates that have issued this one, by name and key identifier."""
    others = visit.platform.trust.trusted_certificates(trusted.tenant)
    above: list[TrustedCertificate] = []
    top: Certificate | None = trusted.certificate
    while top is not None and top.subject != top.issuer:
        issuer = next((one for one in others if one.deleted_at is None and one.certificate.may_have_issued(top)), None)
        if issuer is None or issuer in above:
            break
        above.append(issuer)
        top = issuer.certificate
    return above


@pages.show(f"{ONE}/certificate.pem", SEE_TRUST)
async def download_certificate(visit: Visit) -> Response:
    """Hand out the certificate as a file."""
    async with visit.platform.database.reading() as tx:
        trusted = await found(visit, tx)
    return download(armoured(trusted.certificate.der), "application/x-pem-file", trusted.label, ".pem")


@pages.act(ONE, CHANGE_TRUST)
async def change(visit: Visit, form: Form) -> Response:
    """Enable or disable, switch auto registration, rename: whatever the form names."""
    status = form.text("status")
    registration = form.text("auto-registration")
    name = form.text("name") if "name" in form.lists else None
    if name == "":
        raise FaultError(ENGLISH("trusted.name-missing"))
    wanted = Change(
        name=name,
        status=TrustStatus(status) if status in {*TrustStatus} else None,
        auto_registration={"on": True, "off": False}.get(registration),
    )
    async with visit.platform.database.transaction() as tx:
        trusted = await found(visit, tx)
        updated = await trusted_certificates.update(
            tx, visit.platform, trusted.tenant, trusted.fingerprint, wanted, visit.session.actor
        )
    return visit.go(form.back(page_of(visit, updated)), _said(wanted), name=updated.label)


def _said(change: Change) -> str:
    if change.status is not None:
        return "trusted.said.enabled" if change.status is TrustStatus.ENABLED else "trusted.said.disabled"
    if change.auto_registration is not None:
        return "trusted.said.registering" if change.auto_registration else "trusted.said.not-registering"
    return "trusted.said.saved"


# ---- the end


@pages.show(f"{ONE}/delete", CHANGE_TRUST)
async def show_delete(visit: Visit) -> Response:
    """Show which devices would lose access, before it happens."""
    async with visit.platform.database.reading() as tx:
        trusted = await found(visit, tx)
    losing = await rehearsals.of_trusted_certificate(
        visit.platform,
        trusted.tenant,
        trusted.fingerprint,
        TrustedCertificateChange.DELETE,
        after=visit.query("after"),
        limit=LOSING,
    )
    return visit.page(
        "trusted_certificates/delete.html",
        title=ENGLISH("trusted.delete.title"),
        trusted=trusted,
        losing=losing,
        here=lambda part="": page_of(visit, trusted, part),
    )


@pages.act(f"{ONE}/delete", CHANGE_TRUST)
async def delete(visit: Visit, _: Form) -> Response:
    """Stop trusting it."""
    async with visit.platform.database.transaction() as tx:
        trusted = await found(visit, tx)
        await trusted_certificates.delete(tx, visit.platform, trusted.tenant, trusted.fingerprint, visit.session.actor)
    return visit.go(LIST, "trusted.said.deleted", name=trusted.label)
