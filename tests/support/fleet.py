"""Devices that have connected to a platform without a gateway: judged, registered, noted."""

from collections.abc import Sequence

from certinel.domain.admission import Admission, ConnectAttempt
from certinel.domain.connection_attempt import ADMITTED, Origin, Sighting
from certinel.domain.identifiers import DeviceId, TenantId
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus
from certinel.domain.trusted_certificate_draft import TrustedCertificateDraft
from certinel.services import trusted_certificates
from certinel.services.admission import judge, register
from certinel.services.platform import Platform
from support.certificates import Issued

T1 = TenantId("t1000")


async def trust(
    platform: Platform, authority: Issued, tenant: TenantId = T1, name: str = "plant"
) -> TrustedCertificate:
    """Upload ``authority``, enabled and with auto registration."""
    draft = TrustedCertificateDraft(
        certificate_text=authority.pem, status=TrustStatus.ENABLED, name=name, auto_registration=True
    )
    async with platform.database.transaction() as tx:
        return await trusted_certificates.upload(tx, platform, tenant, draft)


async def admit(platform: Platform, device: Issued, client_id: str) -> Admission:
    """Let a device in and register it, as the gateway does, and note it without storing yet."""
    attempt = ConnectAttempt(device.chain_der, client_id)
    verdict = judge(platform, attempt)
    assert isinstance(verdict, Admission), verdict
    if verdict.must_register:
        async with platform.database.transaction() as tx:
            await register(platform, tx, [verdict])
    platform.device_sightings.note(verdict, attempt.presented)
    sighting = Sighting(verdict.tenant, ADMITTED, verdict, attempt, Origin("192.0.2.1"))
    platform.connection_attempts.record(sighting, is_owned=True)
    return verdict


async def connect(platform: Platform, *devices: Issued) -> list[Admission]:
    """Let devices in under the names in their certificates, and store that they were there."""
    admissions = [await admit(platform, one, _name_of(one)) for one in devices]
    await platform.device_sightings.flush()
    await platform.connection_attempts.flush()
    return admissions


def devices_of(authority: Issued, names: Sequence[str]) -> list[Issued]:
    """Issue a certificate for each name."""
    return [authority.device(name) for name in names]


def _name_of(device: Issued) -> DeviceId:
    common_name = device.certificate.subject.rfc4514_string().split("CN=")[1].split(",")[0]
    return DeviceId(common_name)
