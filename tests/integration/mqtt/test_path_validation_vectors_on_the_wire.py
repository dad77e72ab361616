"""A selection of the path-validation vectors as real TLS handshakes: CONNACK says what the verifier says."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from certinel.domain.admission import TrustPolicy
from certinel.domain.certificate import Certificate
from certinel.domain.pem import first_der
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus
from certinel.services.platform import PlatformOptions
from support.certificates import DeviceFiles
from support.limbo import FILE, Case, cases, moment_of
from support.stage import TENANT, Stage, StageMaker
from support.wire_device import wire_device_with

ADMITTED = (
    "pathlen::ee-with-intermediate-pathlen-0",
    "pathlen::intermediate-pathlen-may-increase",
    "rfc5280::ee-aia",
    "rfc5280::no-basicconstraints",
    "rfc5280::no-keyusage",
    "rfc5280::root-and-intermediate-swapped",
    "rfc5280::nc::permitted-dns-match",
    "webpki::nc::nc-permits-dns-san-pattern",
    "webpki::v1-cert",
)
REFUSED = (
    "pathlen::intermediate-violates-pathlen-0",
    "rfc5280::chain-untrusted-root",
    "rfc5280::ee-critical-aia-invalid",
    "rfc5280::ica-ku-keycertsign",
    "rfc5280::intermediate-ca-missing-basic-constraints",
    "rfc5280::intermediate-ca-without-ca-bit",
    "rfc5280::nc::permitted-dns-mismatch",
    "rfc5280::nc::excluded-dns-match",
    "rfc5280::validity::expired-leaf",
    "rfc5280::validity::expired-intermediate",
    "rfc5280::validity::expired-root",
    "webpki::ee-basicconstraints-ca",
)
NOT_AUTHORIZED = 5


@pytest.fixture
async def stage(make_stage: StageMaker) -> Stage:
    """A stage on which long paths are no matter."""
    return await make_stage(platform_options=PlatformOptions(policy=TrustPolicy(max_chain_length=12)))


def find(case_id: str) -> Case:
    if not cases():
        pytest.skip(f"no vectors at {FILE}: set CERTINEL_VECTORS to their folder")
    return next(case for case in cases() if case["id"] == case_id)


async def connect(stage: Stage, case: Case) -> int:
    """Trust what the case trusts, connect with what it presents, and return the code of CONNACK."""
    stage.clock.set(moment_of(case))
    trusted = []
    for number, pem in enumerate(case["trusted_certs"], start=1):
        certificate = Certificate.parse(first_der(pem))
        trusted.append(
            TrustedCertificate(
                id=number,
                tenant=TENANT,
                name="vector",
                status=TrustStatus.ENABLED,
                auto_registration=True,
                certificate=certificate,
                fingerprint=certificate.fingerprint,
                uploaded_at=stage.clock.now() - timedelta(days=1),
            )
        )
    stage.platform.trust.replace_trusted_certificates(TENANT, trusted)
    leaf = x509.load_pem_x509_certificate(case["peer_certificate"].encode())
    (name,) = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    files = DeviceFiles(str(name.value), stage.folder / "chain.pem", stage.folder / "key.pem")
    files.chain.write_text("\n".join([case["peer_certificate"], *case["untrusted_intermediates"]]))
    files.key.write_text(case["peer_certificate_key"])
    async with wire_device_with(files, stage.gateway.port) as device:
        return (await device.connect(files.common_name)).code


@pytest.mark.parametrize("case_id", ADMITTED)
async def test_good_chain_is_admitted_by_a_real_handshake(stage: Stage, case_id: str) -> None:
    assert await connect(stage, find(case_id)) == 0


@pytest.mark.parametrize("case_id", REFUSED)
async def test_bad_chain_is_refused_by_a_real_handshake(stage: Stage, case_id: str) -> None:
    assert await connect(stage, find(case_id)) == NOT_AUTHORIZED
