"""Proofs that are given, taken back and carried over at the same time, on both engines."""

import asyncio
import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from certinel.domain.identifiers import TenantId
from certinel.domain.possession import NothingToProveError, WrongSignatureError
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus
from certinel.domain.trusted_certificate_draft import TrustedCertificateDraft
from certinel.services import possession, trusted_certificates
from certinel.services.platform import Platform
from support.certificates import Issued, root_authority

T1 = TenantId("t1000")


async def upload(platform: Platform, ca: Issued) -> TrustedCertificate:
    draft = TrustedCertificateDraft(certificate_text=ca.pem, status=TrustStatus.ENABLED)
    async with platform.database.transaction() as tx:
        return await trusted_certificates.upload(tx, platform, T1, draft)


def signature(ca: Issued, trusted: TrustedCertificate) -> str:
    assert isinstance(ca.key, ec.EllipticCurvePrivateKey)
    assert trusted.verification_code is not None
    return base64.b64encode(ca.key.sign(trusted.verification_code.text.encode(), ec.ECDSA(SHA256()))).decode()


async def prove(platform: Platform, fingerprint: str, signature_text: str) -> TrustedCertificate:
    async with platform.database.transaction() as tx:
        return await possession.prove(tx, platform, T1, fingerprint, signature_text)


async def confirm(platform: Platform, fingerprint: str) -> TrustedCertificate:
    async with platform.database.transaction() as tx:
        return await possession.confirm(tx, platform, T1, fingerprint)


async def withdraw(platform: Platform, fingerprint: str) -> None:
    async with platform.database.transaction() as tx:
        await possession.withdraw(tx, platform, T1, fingerprint)


@pytest.fixture
def ca() -> Issued:
    return root_authority("Plant CA")


async def test_of_two_proofs_by_the_same_code_at_once_one_counts(platform: Platform, ca: Issued) -> None:
    uploaded = await upload(platform, ca)
    text = signature(ca, uploaded)
    attempts = [prove(platform, uploaded.fingerprint, text) for _ in range(2)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {TrustedCertificate, NothingToProveError}


async def test_attempts_that_prove_nothing_leave_the_code(platform: Platform, ca: Issued) -> None:
    uploaded = await upload(platform, ca)
    for _ in range(20):
        with pytest.raises(WrongSignatureError):
            await prove(platform, uploaded.fingerprint, "QUJD")
    assert (await prove(platform, uploaded.fingerprint, signature(ca, uploaded))).is_proven


async def test_proof_that_is_rolled_back_was_never_given(platform: Platform, ca: Issued) -> None:
    uploaded = await upload(platform, ca)

    async def give_up() -> None:
        async with platform.database.transaction() as tx:
            await possession.confirm(tx, platform, T1, uploaded.fingerprint)
            raise TimeoutError

    with pytest.raises(TimeoutError):
        await give_up()
    assert platform.trust.trusted_certificates(T1) == [uploaded]


async def test_no_renewed_certificate_keeps_a_proof_that_is_taken_back_meanwhile(
    platform: Platform, ca: Issued
) -> None:
    uploaded = await upload(platform, ca)
    for number in range(10):
        await confirm(platform, uploaded.fingerprint)
        renewed = upload(platform, ca.renewed(serial=1000 + number))
        await asyncio.gather(renewed, withdraw(platform, uploaded.fingerprint))
        assert not any(one.is_proven for one in platform.trust.trusted_certificates(T1))


async def test_proof_is_there_after_a_restart(platform: Platform, ca: Issued) -> None:
    uploaded = await upload(platform, ca)
    await confirm(platform, uploaded.fingerprint)
    again = await Platform.load(
        platform.database, platform.clock, platform.sealer, platform.passwords, platform.options
    )
    assert [one.is_proven for one in again.trust.trusted_certificates(T1)] == [True]
