"""Who may come in, by certificate or by password, and what is written down when somebody may not."""

import structlog

from certinel.domain.admission import Admission, ConnectAttempt
from certinel.domain.client_id import ClientId, MalformedClientIdError
from certinel.domain.connection_attempt import ADMITTED, Origin, Sighting
from certinel.domain.errors import Code, Refusal
from certinel.domain.identifiers import MANAGEMENT_TENANT, TenantId, device_user_name
from certinel.domain.path_fault import day
from certinel.domain.role import Role, UserKind
from certinel.gateway.sessions import BootstrapEntry, SessionIdentity
from certinel.gateway.surroundings import Surroundings
from certinel.services.authentication import PasswordCredentials, WrongCredentialsError, by_password
from certinel.services.login_attempts import TooManyAttemptsError
from certinel.services.passwords import PasswordsBusyError

logger = structlog.get_logger(__name__)


def admitted(around: Surroundings, attempt: ConnectAttempt, admission: Admission) -> SessionIdentity:
    """Return the identity of a device that was admitted with its certificate."""
    presented = around.platform.verdicts.read(attempt.presented)
    certificates = admission.path if isinstance(presented, Refusal) else presented.certificates
    return SessionIdentity(
        tenant=admission.tenant,
        device=admission.device,
        user_name=device_user_name(admission.device),
        attempt=attempt,
        admission=admission,
        names=frozenset(name for one in certificates for name in (one.subject, one.issuer)),
    )


async def password_session(
    around: Surroundings, attempt: ConnectAttempt, password: str, address: str
) -> SessionIdentity | Refusal:
    """Check user name and password of a client that presented no certificate."""
    try:
        client_id = ClientId.parse(attempt.client_id)
    except MalformedClientIdError:
        return Refusal(Code.CLIENT_ID_MALFORMED, {"client_id": repr(attempt.client_id)})
    if not attempt.user_name:
        return Refusal(Code.WRONG_PASSWORD)
    tenant, slash, user_name = attempt.user_name.partition("/")
    credentials = PasswordCredentials(
        tenant=TenantId(tenant) if slash else None,
        user_name=user_name if slash else attempt.user_name,
        password=password,
        host=attempt.server_name or "",
        address=address,
    )
    try:
        principal = await by_password(around.platform, credentials)
    except (TooManyAttemptsError, PasswordsBusyError) as error:
        return Refusal(Code.TRY_LATER, {"reason": str(error).rstrip(".")})
    except WrongCredentialsError:
        return Refusal(Code.WRONG_PASSWORD)
    if principal.kind is UserKind.DEVICE and principal.user_name != device_user_name(client_id.device):
        # a device speaks for itself; people may try out any device of their tenant
        facts = {"device": client_id.device, "common_name": principal.user_name}
        return Refusal(Code.CLIENT_ID_MISMATCH, facts, tenant=principal.tenant)
    return SessionIdentity(
        tenant=principal.tenant,
        device=client_id.device,
        user_name=principal.user_name,
        attempt=attempt,
        admission=None,
        bootstrap=BootstrapEntry(principal, address) if principal.has_any(Role.DEVICE_BOOTSTRAP) else None,
    )


def report_admission(around: Surroundings, identity: SessionIdentity, origin: Origin) -> None:
    """Let the tenant see who is connected since when, and from where."""
    sighting = Sighting(identity.tenant, ADMITTED, identity.admission, identity.attempt, origin)
    around.platform.connection_attempts.record(sighting, is_owned=True)
    _note_device(around, identity)


def report_departure(around: Surroundings, identity: SessionIdentity) -> None:
    """Let the tenant see when a device was there last."""
    _note_device(around, identity)


def _note_device(around: Surroundings, identity: SessionIdentity) -> None:
    if identity.admission is not None:
        around.platform.device_sightings.note(identity.admission, identity.attempt.presented)


def report_refusal(around: Surroundings, refusal: Refusal, attempt: ConnectAttempt | None, origin: Origin) -> None:
    """Write down why a connection was refused, with all that helps its owner to find the cause."""
    facts: dict[str, object] = {"code": refusal.code, "reason": refusal.sentence, "remedy": refusal.remedy}
    if refusal.tenant is not None:
        facts["tenant"] = refusal.tenant
    if refusal.certificate is not None:
        facts["certificate"] = refusal.certificate
    if attempt is not None:
        facts["client_id"] = attempt.client_id[:128]
        presented = around.platform.verdicts.read(attempt.presented)
        if not isinstance(presented, Refusal):
            leaf = presented.leaf
            facts |= {
                "subject": leaf.subject_text,
                "issuer": leaf.issuer_text,
                "serial": f"{leaf.serial_number:x}",
                "sha1": leaf.fingerprint,
                "sha256": leaf.sha256.hex(),
                "valid": f"{day(leaf.not_before)} to {day(leaf.not_after)}",
            }
    logger.warning("connection.refused", address=origin.address, **facts)
    owner = refusal.tenant or _named_tenant(around, attempt) or MANAGEMENT_TENANT
    for tenant in (owner, *refusal.other_tenants):
        sighting = Sighting(tenant, refusal.code, refusal, attempt, origin)
        around.platform.connection_attempts.record(sighting, is_owned=refusal.tenant is not None)


def _named_tenant(around: Surroundings, attempt: ConnectAttempt | None) -> TenantId | None:
    """Return the tenant that a client without a certificate names: whoever sends a wrong password is its business."""
    if attempt is None or attempt.presented or not attempt.user_name:
        return None
    name, slash, _ = attempt.user_name.partition("/")
    named = around.platform.trust.tenant(TenantId(name)) if slash else None
    return named.id if named is not None else None
