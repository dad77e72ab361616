"""Adding trusted certificates: read first, shown with what is wrong with them, then added together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from certinel.domain.certificate import Certificate, MalformedCertificateError
from certinel.domain.certificate_fields import fault_as_trusted, fields_of
from certinel.domain.pem import CertificateTextError, armoured, first_der
from certinel.domain.trusted_certificate import TrustStatus
from certinel.domain.trusted_certificate_draft import MAX_NAME_CHARACTERS, TrustedCertificateDraft
from certinel.services import trusted_certificates
from certinel.services.trusted_certificates import TrustedCertificateNotFoundError
from certinel.storage.engine import Transaction
from certinel.ui import chain_drawing
from certinel.ui.chain_drawing import ChainDrawing
from certinel.ui.files import MAX_CERTIFICATES, brought
from certinel.ui.forms import Form
from certinel.ui.pages.trusted_certificates import LIST
from certinel.ui.rights import CHANGE_TRUST
from certinel.ui.routing import FaultError, Pages, shown_with
from certinel.ui.texts import ENGLISH
from certinel.ui.visit import Visit

pages = Pages()

ADD: Final = f"{LIST}/add"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A certificate that somebody wants to add, and how."""

    index: int
    pem: str
    name: str
    certificate: Certificate | None
    """None when it cannot be read."""
    fault: str | None
    """Why it cannot be added."""
    drawing: ChainDrawing | None
    fields: Mapping[str, str]
    is_taken: bool
    is_registering: bool
    is_enabled: bool


@pages.show("/trusted-certificates/add", CHANGE_TRUST)
async def show_add(visit: Visit) -> Response:
    """Ask for certificates; when some were read, show them with what will become of each."""
    pems = visit.typed.get("pem", ())[:MAX_CERTIFICATES]
    async with visit.platform.database.reading() as tx:
        candidates = [await _candidate(visit, tx, index, pem) for index, pem in enumerate(pems)]
    return visit.page(
        "trusted_certificates/add.html",
        title=ENGLISH("adding.title"),
        lead=ENGLISH("adding.lead"),
        candidates=candidates,
        addable=sum(1 for one in candidates if one.fault is None),
        remarks=visit.typed.get("remark", ()),
    )


async def _candidate(visit: Visit, tx: Transaction, index: int, pem: str) -> Candidate:
    certificate, fault = _read(pem)
    if certificate is not None:
        fault = fault_as_trusted(certificate, visit.now) or await _here_already(visit, tx, certificate)
    names = visit.typed.get("name", ())
    return Candidate(
        index=index,
        pem=pem,
        name=names[index] if index < len(names) else "",
        certificate=certificate,
        fault=fault,
        drawing=chain_drawing.of_certificate(certificate, visit.now) if certificate is not None else None,
        fields=fields_of(certificate) if certificate is not None else {},
        is_taken=_is_checked(visit.typed, "take", index),
        is_registering=_is_checked(visit.typed, "auto-registration", index),
        is_enabled=_is_checked(visit.typed, "enabled", index),
    )


def _read(pem: str) -> tuple[Certificate | None, str | None]:
    try:
        return Certificate.parse(first_der(pem)), None
    except (CertificateTextError, MalformedCertificateError) as error:
        return None, ENGLISH("adding.unreadable", reason=str(error))


async def _here_already(visit: Visit, tx: Transaction, certificate: Certificate) -> str | None:
    try:
        known = await trusted_certificates.get(tx, visit.session.tenant, certificate.fingerprint)
    except TrustedCertificateNotFoundError:
        return None
    return ENGLISH("adding.here-already", name=known.label)


def _is_checked(typed: Mapping[str, Sequence[str]], name: str, index: int) -> bool:
    return str(index) in typed.get(name, ())


@pages.act("/trusted-certificates/add/read", CHANGE_TRUST)
async def read(visit: Visit, form: Form) -> Response:
    """Read certificates out of files and text, and show them; nothing is stored."""
    found = await brought(
        visit.platform, form.files.get("file", ()), form.whole_text("text"), form.whole_text("passphrase")
    )
    if not found.certificates:
        raise FaultError(" ".join(found.faults) or ENGLISH("files.none"))
    everyone = [str(index) for index in range(len(found.certificates))]
    remarks = [*found.faults, *([ENGLISH("files.key")] if found.has_key else [])]
    typed = {
        "pem": [armoured(der) for der in found.certificates],
        "name": [_usual_name(der) for der in found.certificates],
        "take": everyone,
        "enabled": everyone,
        "remark": remarks,
    }
    return shown_with(ADD, visit.session, typed)


def _usual_name(der: bytes) -> str:
    """Return the common name as the name to begin with; one that cannot be a name is left out."""
    try:
        names = Certificate.parse(der).common_names
    except MalformedCertificateError:
        return ""
    return names[0] if names and names[0].isprintable() and len(names[0]) <= MAX_NAME_CHARACTERS else ""


@pages.act("/trusted-certificates/add", CHANGE_TRUST)
async def add(visit: Visit, form: Form) -> Response:
    """Add those that were taken: all of them or, with the reason said, none."""
    pems, names = form.lists.get("pem", ()), form.lists.get("name", ())
    drafts = [
        TrustedCertificateDraft(
            certificate_text=pem,
            status=TrustStatus.ENABLED if _is_checked(form.lists, "enabled", index) else TrustStatus.DISABLED,
            name=names[index].strip() if index < len(names) else None,
            auto_registration=_is_checked(form.lists, "auto-registration", index),
        )
        for index, pem in enumerate(pems[:MAX_CERTIFICATES])
        if _is_checked(form.lists, "take", index)
    ]
    if not drafts:
        raise FaultError(ENGLISH("adding.nothing-taken"))
    async with visit.platform.database.transaction() as tx:
        added = await trusted_certificates.upload_all(
            tx, visit.platform, visit.session.tenant, drafts, visit.session.actor
        )
    if len(added) == 1:
        return visit.go(f"{LIST}/{added[0].fingerprint}", "adding.added-one", name=added[0].label)
    return visit.go(LIST, "adding.added-many", number=len(added))
