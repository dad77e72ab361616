"""Proof that a tenant holds the private key of its trusted certificate."""

from typing import Annotated, Final

from fastapi import Depends, Request
from pydantic import Field

from certinel.api.authentication import ActingCaller
from certinel.api.json_body import JsonBody
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import Received
from certinel.api.resources.trusted_certificates import WRITERS, TrustedCertificateAnswer
from certinel.api.routing import router as router_for
from certinel.api.tenant_of_path import ManagedTenant, OwnOrManagedTenant, OwnTenant
from certinel.services import possession

router = router_for("proof of possession")
ONE: Final = "/tenant/tenants/{tenant:segment}/trusted-certificates-pop/{fingerprint:segment}"


class SignedVerificationCode(Received):
    """The answer to a verification code."""

    proof_of_possession_signed_verification_code: str = Field(
        description="Base64 of the code's signature with SHA-256 and the certificate's key (RSA PKCS#1 v1.5, RSA PSS, "
        "ECDSA in DER), as `openssl dgst -sha256 -sign KEY CODE_FILE | openssl base64 -A` writes it."
    )


@router.post(ONE + "/verification-code", dependencies=[WRITERS], responses=documented_error(404))
async def regenerate_verification_code(
    request: Request, platform: Served, tenant: OwnTenant, by: ActingCaller, fingerprint: str
) -> TrustedCertificateAnswer:
    """Make a new code, which makes the last one useless. On a proven certificate the proof stays valid.

    The code of a proven certificate is in this answer only.
    """
    async with platform.database.transaction() as tx:
        trusted = await possession.regenerate_code(tx, platform, tenant, fingerprint, by)
    return TrustedCertificateAnswer.with_code(trusted, request)


@router.post(ONE + "/pop", dependencies=[WRITERS], responses=documented_error(404))
async def prove_possession(
    *,
    request: Request,
    platform: Served,
    tenant: OwnTenant,
    by: ActingCaller,
    fingerprint: str,
    signed: Annotated[SignedVerificationCode, Depends(JsonBody(SignedVerificationCode))],
) -> TrustedCertificateAnswer:
    """Prove possession of the certificate's private key by its signature of the code. A code is good for one proof."""
    signature = signed.proof_of_possession_signed_verification_code
    async with platform.database.transaction() as tx:
        trusted = await possession.prove(tx, platform, tenant, fingerprint, signature, by)
    return TrustedCertificateAnswer.of(trusted, request)


@router.delete(ONE + "/pop", dependencies=[WRITERS], status_code=204, responses=documented_error(404))
async def withdraw_proof_of_possession(
    platform: Served, tenant: OwnOrManagedTenant, by: ActingCaller, fingerprint: str
) -> None:
    """Take back the proofs and confirmations of this certificate and of all others with its subject and key.

    Also of those deleted lately, whose claims outlive them. Not part of the original contract.
    """
    async with platform.database.transaction() as tx:
        await possession.withdraw(tx, platform, tenant, fingerprint, by)


@router.post(ONE + "/confirmed", dependencies=[WRITERS], responses=documented_error(404))
async def confirm_possession(
    request: Request, platform: Served, tenant: ManagedTenant, by: ActingCaller, fingerprint: str
) -> TrustedCertificateAnswer:
    """Confirm by hand that the tenant holds the key; for the management tenant only.

    Devices of this CA belong to the tenant from now on, so look twice.
    """
    async with platform.database.transaction() as tx:
        trusted = await possession.confirm(tx, platform, tenant, fingerprint, by)
    return TrustedCertificateAnswer.of(trusted, request)
