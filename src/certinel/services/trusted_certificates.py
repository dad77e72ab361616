"""The CAs that a tenant vouches for: uploading, changing, deleting.

Whether a device of such a CA is let in is *not* decided here: see admission.
"""

import re
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from certinel.bus.messages import TrustChanged
from certinel.domain.audit import PLATFORM, Actor, AuditEntry, AuditType
from certinel.domain.audit import Change as AuditedChange
from certinel.domain.certificate import Certificate
from certinel.domain.errors import DeviceIdentityError, shown
from certinel.domain.identifiers import MANAGEMENT_TENANT, Fingerprint, TenantId
from certinel.domain.tenant_option import option_text
from certinel.domain.trust_store import CLAIMS_OUTLIVE_DELETION
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus
from certinel.domain.trusted_certificate_draft import (
    TrustedCertificateDraft,
    UnacceptableCertificateError,
    check_name,
    check_not_expired,
)
from certinel.domain.verification_code import CODE_BYTES, VerificationCode
from certinel.services import audit
from certinel.services.platform import Platform
from certinel.services.proof_advice import warn_after_commit
from certinel.storage import tenants, trusted_certificates
from certinel.storage.engine import Transaction
from certinel.storage.page import Page, PageRequest
from certinel.storage.trusted_certificates import EVERYTHING, TrustFilter, TrustOrder

_FINGERPRINT = re.compile(r"[0-9a-f]{40}")

MAX_TRUSTED = 20_000
"""Of a tenant; each takes some 12 kB of every node's memory."""
MAX_OF_SUBJECT = 250
"""Of a tenant. A connect looks at all that have the name of an issuer, of whatever tenant: a microsecond each."""

_NOT_STORED = 0
"""The id of a trusted certificate before the database gave it one."""


class TrustedCertificateNotFoundError(DeviceIdentityError):
    """The tenant has no trusted certificate of this fingerprint."""

    code = "trusted-certificate/not-found"

    def __init__(self, fingerprint: str) -> None:
        super().__init__(f"Cannot find certificate with fingerprint {fingerprint}.")
        self.fingerprint = fingerprint


class TrustedCertificateAlreadyExistsError(DeviceIdentityError):
    """The tenant has it already, or another tenant has and certificates may not be shared."""

    code = "trusted-certificate/already-exists"

    def __init__(self, fingerprint: Fingerprint) -> None:
        super().__init__(
            f"Cannot add certificate - certificate with {fingerprint} fingerprint already exists. : "
            f"Certificate with {fingerprint} fingerprint already exists."
        )
        self.fingerprint = fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be different; None stays as it is."""

    name: str | None = None
    status: TrustStatus | None = None
    auto_registration: bool | None = None


async def upload(
    tx: Transaction, platform: Platform, tenant: TenantId, draft: TrustedCertificateDraft, by: Actor = PLATFORM
) -> TrustedCertificate:
    """Trust a CA from the next connection on; raises as ``upload_all`` does."""
    return (await upload_all(tx, platform, tenant, [draft], by))[0]


async def upload_all(
    tx: Transaction,
    platform: Platform,
    tenant: TenantId,
    drafts: Sequence[TrustedCertificateDraft],
    by: Actor = PLATFORM,
) -> tuple[TrustedCertificate, ...]:
    """Trust all of these CAs, or, with the transaction rolled back by the error, none.

    Raises:
        UnacceptableCertificateError: one of them cannot be a trusted certificate, or there are too many.
        TrustedCertificateAlreadyExistsError: one of them is there already, or is twice among ``drafts``.
    """
    at = platform.clock.now()
    certificates = [draft.accepted_certificate(at) for draft in drafts]
    if not platform.options.shared_certificates:
        # two tenants that upload the same one at once would otherwise not see each other
        await tenants.lock(tx, MANAGEMENT_TENANT)
        for certificate in certificates:
            if await trusted_certificates.is_held_by_another(tx, tenant, certificate.fingerprint):
                raise TrustedCertificateAlreadyExistsError(certificate.fingerprint)
    subjects = {certificate.subject_text for certificate in certificates}
    earlier = await trusted_certificates.lock_claiming(
        tx, tenant, subjects, at - CLAIMS_OUTLIVE_DELETION, platform.trust.read_certificates(tenant)
    )
    _check_room(platform.trust.trusted_count(tenant), certificates, earlier)
    uploaded = [
        await _insert(tx, _new(tenant, draft, certificate, at).with_proof_of(earlier).in_place_of(earlier))
        for draft, certificate in zip(drafts, certificates, strict=True)
    ]
    for trusted in uploaded:
        record(tx, None, trusted, f"Trusted certificate added to '{tenant}'.", by=by, at=at)
    only_subject = certificates[0].subject if len(certificates) == 1 else None
    tx.after_commit(platform.bus.publish, TrustChanged(tenant, only_subject))
    warn_after_commit(tx, platform, uploaded)
    return tuple(uploaded)


def _check_room(count: int, certificates: Sequence[Certificate], earlier: Sequence[TrustedCertificate]) -> None:
    """Refuse what would make everybody's connects slow: all trusted certificates of an issuer's name are looked at."""
    if count + len(certificates) > MAX_TRUSTED:
        raise UnacceptableCertificateError(
            f"A tenant has at most {MAX_TRUSTED} trusted certificates, those deleted lately included."
        )
    same = Counter(one.certificate.subject for one in earlier) + Counter(one.subject for one in certificates)
    subject = next((one for one in certificates if same[one.subject] > MAX_OF_SUBJECT), None)
    if subject is not None:
        raise UnacceptableCertificateError(
            f"A tenant has at most {MAX_OF_SUBJECT} trusted certificates of one subject, those deleted lately "
            f"included. Give further CAs other names than {shown(subject.subject_text)}."
        )


def _new(
    tenant: TenantId, draft: TrustedCertificateDraft, certificate: Certificate, at: datetime
) -> TrustedCertificate:
    return TrustedCertificate(
        id=_NOT_STORED,
        tenant=tenant,
        name=draft.name if draft.name is not None else "",
        status=draft.status,
        auto_registration=draft.auto_registration,
        certificate=certificate,
        fingerprint=certificate.fingerprint,
        uploaded_at=at,
        in_trust_store=draft.in_trust_store,
        verification_code=new_code(at),
    )


def new_code(at: datetime) -> VerificationCode:
    """Return a code, to prove possession with, that nobody could foresee."""
    return VerificationCode.made_of(secrets.token_bytes(CODE_BYTES), at)


async def _insert(tx: Transaction, trusted: TrustedCertificate) -> TrustedCertificate:
    stored = await trusted_certificates.insert_if_absent(tx, trusted)
    if stored is None:
        raise TrustedCertificateAlreadyExistsError(trusted.fingerprint)
    return stored


async def list_of(
    tx: Transaction,
    tenant: TenantId,
    request: PageRequest,
    *,
    wanted: TrustFilter = EVERYTHING,
    order: TrustOrder = TrustOrder.UPLOADED,
    is_descending: bool = False,
) -> Page[TrustedCertificate]:
    """Return a page of what ``tenant`` trusts, enabled or not, in the order of upload unless another is asked for."""
    return await trusted_certificates.list_of(
        tx, tenant, request, wanted=wanted, order=order, is_descending=is_descending
    )


async def get(tx: Transaction, tenant: TenantId, fingerprint: str) -> TrustedCertificate:
    """Return one by its fingerprint in upper or lower case; raises ``TrustedCertificateNotFoundError``."""
    found = await trusted_certificates.find(tx, tenant, _read_fingerprint(fingerprint))
    if found is None:
        raise TrustedCertificateNotFoundError(fingerprint)
    return found


def _read_fingerprint(text: str) -> Fingerprint:
    if not _FINGERPRINT.fullmatch(text.lower()):
        raise TrustedCertificateNotFoundError(text)
    return Fingerprint(text.lower())


async def get_for_change(tx: Transaction, tenant: TenantId, fingerprint: str) -> TrustedCertificate:
    """Return one that nobody else changes until ``tx`` ends: a change must not undo a deletion beside it."""
    await trusted_certificates.lock(tx, tenant, _read_fingerprint(fingerprint))
    return await get(tx, tenant, fingerprint)


async def update(
    tx: Transaction, platform: Platform, tenant: TenantId, fingerprint: str, change: Change, by: Actor = PLATFORM
) -> TrustedCertificate:
    """Change name, status or auto registration; live sessions it no longer admits end.

    Raises:
        TrustedCertificateNotFoundError: the tenant has none of this fingerprint.
        UnacceptableCertificateError: an expired one is to be enabled, or the name cannot be.
    """
    trusted = await get_for_change(tx, tenant, fingerprint)
    check_name(change.name)
    if change.status is TrustStatus.ENABLED:
        check_not_expired(trusted.certificate, platform.clock.now())
    updated = trusted.updated(name=change.name, status=change.status, auto_registration=change.auto_registration)
    if updated != trusted:
        await trusted_certificates.save(tx, updated)
        activity = f"Trusted certificate updated on '{tenant}'."
        record(tx, trusted, updated, activity, by=by, at=platform.clock.now())
        tx.after_commit(platform.bus.publish, TrustChanged(tenant, trusted.certificate.subject))
    if change.status is not None:
        warn_after_commit(tx, platform, [updated])
    return updated


async def delete(tx: Transaction, platform: Platform, tenant: TenantId, fingerprint: str, by: Actor = PLATFORM) -> None:
    """Stop trusting a CA; its claim outlives it for a while, so that no other tenant gets its devices at once."""
    trusted = await get_for_change(tx, tenant, fingerprint)
    at = platform.clock.now()
    await trusted_certificates.save(tx, trusted.deleted(at))
    detail = f"NotAfter='{trusted.certificate.not_after:%Y-%m-%dT%H:%M:%S.000Z}'"
    record(tx, trusted, trusted, f"Trusted certificate deleted from '{tenant}'.", by=by, at=at, detail=detail)
    tx.after_commit(platform.bus.publish, TrustChanged(tenant, trusted.certificate.subject))


def record(  # noqa: PLR0913 - one sentence of the audit log
    tx: Transaction,
    before: TrustedCertificate | None,
    after: TrustedCertificate,
    activity: str,
    *,
    by: Actor,
    at: datetime,
    detail: str | None = None,
) -> None:
    """Write down what became of a trusted certificate; ``detail`` is the last line of the text, its status by default.

    What differs between ``before`` and ``after`` is listed.
    """
    subject, status = after.certificate.subject_text, f"Status='{after.status}'"
    audit.record(
        tx,
        AuditEntry(
            tenant=after.tenant,
            by=by,
            type=AuditType.TRUSTED_CERTIFICATES,
            source=after.fingerprint,
            activity=activity,
            text=f"Certificate fingerprint: '{after.fingerprint}'.\n Certificate subject name: "
            f"'{subject}'.\n {detail or status}",
            time=at,
            recorded_at=at,
            changes=_differences(before, after),
        ),
    )


def _differences(before: TrustedCertificate | None, after: TrustedCertificate) -> tuple[AuditedChange, ...]:
    was, now = _attributes(before) if before is not None else {}, _attributes(after)
    return tuple(AuditedChange(name, was.get(name), value) for name, value in now.items() if was.get(name) != value)


def _attributes(trusted: TrustedCertificate) -> dict[str, str]:
    return {
        "name": trusted.name,
        "status": trusted.status.value,
        "autoRegistrationEnabled": option_text(trusted.auto_registration),
        "addToTrustStore": option_text(trusted.in_trust_store),
        "proofOfPossessionValid": option_text(trusted.is_proven),
    }
