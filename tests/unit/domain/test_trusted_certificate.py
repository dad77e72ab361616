"""What becomes of a proof when a certificate is renewed, deleted or given a new code, and who is warned."""

from dataclasses import replace
from datetime import timedelta

import pytest

from certinel.domain.certificate import Certificate
from certinel.domain.identifiers import TenantId
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus
from certinel.domain.verification_code import CODE_BYTES, VerificationCode
from support.certificates import AT, Issued, name, root_authority

CODE = VerificationCode.made_of(bytes(CODE_BYTES), AT)
LATER_CODE = VerificationCode.made_of(bytes([7]) * CODE_BYTES, AT)
PLANT = root_authority("Plant CA")


def trusted(ca: Issued = PLANT) -> TrustedCertificate:
    certificate = Certificate.parse(ca.der)
    return TrustedCertificate(
        id=1,
        tenant=TenantId("t1000"),
        name="plant",
        status=TrustStatus.ENABLED,
        auto_registration=True,
        certificate=certificate,
        fingerprint=certificate.fingerprint,
        uploaded_at=AT,
        verification_code=CODE,
    )


def test_code_is_used_up_by_the_proof() -> None:
    assert trusted().proven(AT).verification_code is None


def test_new_code_leaves_the_proof() -> None:
    changed = trusted().proven(AT).with_code(LATER_CODE)
    assert (changed.is_proven, changed.verification_code) == (True, LATER_CODE)


def test_withdrawn_proof_leaves_a_code_to_prove_it_again() -> None:
    changed = trusted().proven(AT).unproven(LATER_CODE)
    assert (changed.is_proven, changed.verification_code) == (False, LATER_CODE)


def test_renewed_certificate_with_the_same_key_keeps_the_proof() -> None:
    renewed = trusted(PLANT.renewed()).with_proof_of([trusted().proven(AT - timedelta(days=300))])
    assert (renewed.proven_at, renewed.verification_code) == (AT - timedelta(days=300), None)


def test_renewed_certificate_keeps_the_proof_of_a_disabled_one() -> None:
    disabled = trusted().proven(AT).updated(status=TrustStatus.DISABLED)
    assert trusted(PLANT.renewed()).with_proof_of([disabled]).is_proven


def test_renewed_certificate_has_the_place_of_the_first_one() -> None:
    first = replace(trusted(), uploaded_at=AT - timedelta(days=300))
    second = replace(trusted(PLANT.renewed()), id=2, uploaded_at=AT - timedelta(days=20)).in_place_of([first])
    third = replace(trusted(PLANT.renewed()), id=3).in_place_of([second])
    assert (third.place, third.uploaded_at) == ((AT - timedelta(days=300), 3), AT)


def test_certificate_with_another_key_has_a_place_of_its_own() -> None:
    another = replace(trusted(root_authority("Plant CA")), uploaded_at=AT - timedelta(days=300))
    assert trusted().in_place_of([another]).place == (AT, 1)


NOT_PROOFS = {
    "there is none": [],
    "the earlier one is not proven": [trusted()],
    "the earlier one is deleted": [trusted().proven(AT).deleted(AT)],
    "the name is another": [trusted(root_authority("Plant CA", subject=name("plant CA"), key=PLANT.key)).proven(AT)],
    "the key is another": [trusted(root_authority("Plant CA")).proven(AT)],
}


@pytest.mark.parametrize("why", NOT_PROOFS)
def test_nothing_else_carries_a_proof(why: str) -> None:
    renewed = trusted(PLANT.renewed()).with_proof_of(NOT_PROOFS[why])
    assert (renewed.is_proven, renewed.verification_code) == (False, CODE)


def test_missing_proof_is_warned_of_when_chains_may_be_longer_than_two() -> None:
    assert [trusted().lacks_advised_proof(limit) for limit in (1, 2, 3, 12)] == [False, False, True, True]


@pytest.mark.parametrize(
    "harmless",
    [
        trusted().proven(AT),
        trusted().deleted(AT),
        trusted().updated(status=TrustStatus.DISABLED),
        replace(trusted(), in_trust_store=False),
    ],
    ids=["proven", "deleted", "disabled", "only listed"],
)
def test_certificate_is_not_warned_of(harmless: TrustedCertificate) -> None:
    assert not harmless.lacks_advised_proof(12)
