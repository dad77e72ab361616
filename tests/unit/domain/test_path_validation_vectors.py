"""The client-certificate cases of x509-limbo through the function that admission uses (trust.md section 3, rule 4)."""

import time
from collections.abc import Sequence
from datetime import datetime

import pytest

from certinel.domain.authority_list import ReceivedList
from certinel.domain.certificate import Certificate, MalformedCertificateError
from certinel.domain.chain import PresentedChain, digest_of
from certinel.domain.claims import find_claims
from certinel.domain.errors import Refusal
from certinel.domain.identifiers import TenantId
from certinel.domain.pem import first_der
from certinel.domain.revocation import AuthorityList, TenantRevocation
from certinel.domain.revocation_list_form import ListFault, UnacceptableListError
from certinel.domain.revocation_list_text import SentList
from certinel.domain.trust_store import TenantFacts, TrustStore
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus
from certinel.domain.verdict_memory import VerdictMemory
from support.limbo import FILE, Case, cases, moment_of

MAX_SECONDS = 0.5
OWNER = TenantId("t1000")

NOT_APPLICABLE_FEATURES = {
    "max-chain-depth": "our limit is one setting for everybody and counts every certificate, rule 7",
    "pedantic-public-suffix-wildcard": "about server names",
    "pedantic-webpki-eku": "rules of the web: the usage of a device certificate may be missing, critical or any",
    "pedantic-webpki-subscriber-key": "rules of the web: an RSA key of 2052 bits is strong enough",
}
NOT_APPLICABLE_PREFIXES = {
    "online::": "chains of web servers: their extended key usage is serverAuth alone",
    "webpki::cn::": "how the common name of a web server must repeat its alternative names",
    "webpki::san::": "about server names: nobody connects to a device by name",
}
ACCEPTED_ON_PURPOSE = {
    "crl::crlnumber-missing": "a revocation list without number, as openssl makes it where no crlnumber file is",
    "crl::crlnumber-critical": "the number of a revocation list is understood, critical or not",
    "rfc5280::aki::cross-signed-root-missing-aki": "no key identifier; signatures tell who issued it",
    "rfc5280::aki::intermediate-missing-aki": "no key identifier; signatures tell who issued it",
    "rfc5280::aki::leaf-missing-aki": "no key identifier; signatures tell who issued it",
    "rfc5280::leaf-ku-keycertsign": "CA:FALSE forbids to issue anyway",
    "rfc5280::nc::permitted-dns-match-noncritical": "name constraints not critical; they are obeyed all the same",
    "rfc5280::nc::not-allowed-in-ee-critical": "name constraints of a certificate that issues nothing",
    "rfc5280::nc::not-allowed-in-ee-noncritical": "name constraints of a certificate that issues nothing",
    "rfc5280::pc::ica-noncritical-pc": "policy constraints not critical; no policies are asked for",
    "rfc5280::root-non-critical-basic-constraints": "BasicConstraints not critical, as many small CAs have it",
    "rfc5280::san::ip-in-dns": "alternative names do not name the device",
    "rfc5280::san::noncritical-with-empty-subject": "an empty subject is certificate/common-name before this",
    "rfc5280::san::underscore-dns": "alternative names do not name the device",
    "rfc5280::serial::negative": "a serial number from a simple script",
    "rfc5280::serial::zero": "a serial number from a simple script",
    "rfc5280::ski::intermediate-missing-ski": "no key identifier; signatures tell who issued it",
    "rfc5280::ski::root-missing-ski": "no key identifier; signatures tell who issued it",
    "webpki::aki::root-with-aki-all-fields": "the form of a root's own key identifier",
    "webpki::aki::root-with-aki-missing-keyidentifier": "the form of a root's own key identifier",
    "webpki::aki::root-with-aki-ski-mismatch": "the form of a root's own key identifier",
    "webpki::forbidden-rsa-not-divisible-by-8-in-root": "an RSA key of 2052 bits is strong enough",
    "webpki::v1-cert": "a version 1 leaf directly under the trusted certificate, as openssl x509 -req made them",
}
"""Wrong by the letter, only in the form of an extension or number; people have such certificates."""

REFUSED_ON_PURPOSE = {
    "pathlen::validation-ignores-pathlen-in-leaf": "a CA as device certificate: chain rule 4b wants CA:FALSE",
    "rfc5280::ca-as-leaf": "a CA as device certificate: chain rule 4b wants CA:FALSE",
    "pathlen::self-issued-certs-pathlen": "self-issued CAs of one name: too many for the second verifier",
    "rfc5280::nc::permitted-dn-match": "the second verifier knows no constraints on distinguished names",
}


def reason_to_leave_out(case: Case) -> str | None:
    reasons = [NOT_APPLICABLE_FEATURES[one] for one in case["features"] if one in NOT_APPLICABLE_FEATURES]
    reasons += [why for prefix, why in NOT_APPLICABLE_PREFIXES.items() if case["id"].startswith(prefix)]
    return reasons[0] if reasons else None


APPLICABLE = [pytest.param(case, id=case["id"]) for case in cases() if reason_to_leave_out(case) is None]


def test_the_vectors_are_there() -> None:
    if not FILE.exists():
        pytest.skip(f"no vectors at {FILE}: set CERTINEL_VECTORS to their folder")
    assert len(APPLICABLE) > 100


@pytest.mark.parametrize("case", APPLICABLE)
def test_a_chain_is_accepted_only_if_it_is_good(case: Case) -> None:
    started = time.process_time()
    complaint = judged(case)
    seconds = time.process_time() - started
    is_good = case["expected_result"] == "SUCCESS"
    if case["id"] in ACCEPTED_ON_PURPOSE:
        assert not is_good
        assert complaint is None
    elif case["id"] in REFUSED_ON_PURPOSE:
        assert is_good
        assert complaint is not None
    else:
        assert (complaint is None) == is_good, complaint
    assert seconds < MAX_SECONDS


def test_every_exception_is_a_case_of_its_own() -> None:
    if not cases():
        pytest.skip("no vectors")
    ids = {case["id"] for case in cases() if reason_to_leave_out(case) is None}
    assert ACCEPTED_ON_PURPOSE.keys() | REFUSED_ON_PURPOSE.keys() <= ids
    assert len(REFUSED_ON_PURPOSE) == 4


def judged(case: Case) -> str | None:
    """Say what is wrong with the chain as a device's, limits on size left out, or return None."""
    at = moment_of(case)
    sent = [first_der(pem) for pem in (case["peer_certificate"], *case["untrusted_intermediates"])]
    try:
        presented = PresentedChain(tuple(Certificate.parse(der) for der in sent), digest_of(sent))
        trust = trusting([first_der(pem) for pem in case["trusted_certs"]], at)
        revocation = uploaded(case["crls"], [one.certificate for one in trust.everything()], at)
    except (MalformedCertificateError, UnacceptableListError) as error:
        return str(error)
    found = find_claims(presented, trust, VerdictMemory(), at)
    if isinstance(found, Refusal):
        return f"{found.code}: {found.sentence}"
    refusals = [revocation.refusal(claim.path, OWNER, at) for claim in found if claim.trusted.certificate.is_valid(at)]
    return None if None in refusals else str(refusals or "trust/expired")


def uploaded(pems: Sequence[str], trusted: Sequence[Certificate], at: datetime) -> TenantRevocation:
    """What the tenant has revoked after it has uploaded the revocation lists; those of strangers are not taken."""
    lists = []
    for pem in pems:
        received = ReceivedList.read(SentList.read(pem.encode()).der)
        try:
            issuer = received.accepted_from(trusted, (), at)
        except UnacceptableListError as error:
            if error.fault is ListFault.UNKNOWN_ISSUER:
                continue
            raise
        lists.append(
            AuthorityList(
                id=len(lists),
                tenant=OWNER,
                issuer=issuer,
                number=received.number,
                this_update=received.this_update,
                next_update=received.next_update or received.this_update,
                uploaded_at=at,
                count=len(received.serials),
                serials=received.serials,
            )
        )
    revocation = TenantRevocation()
    revocation.replace_lists(lists)
    revocation.online_check = bool(pems)
    return revocation


def trusting(ders: list[bytes], at: datetime) -> TrustStore:
    trust = TrustStore()
    trust.put_tenant(TenantFacts(OWNER, None, is_active=True))
    certificates = [Certificate.parse(der) for der in ders]
    trust.replace_trusted_certificates(
        OWNER,
        [
            TrustedCertificate(
                id=number,
                tenant=OWNER,
                name="",
                status=TrustStatus.ENABLED,
                auto_registration=True,
                certificate=certificate,
                fingerprint=certificate.fingerprint,
                uploaded_at=at,
            )
            for number, certificate in enumerate(certificates)
        ],
    )
    return trust
