"""Which revocation lists of CAs a tenant may upload, and the reason for every other one."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from certinel.domain.authority_list import ReceivedList
from certinel.domain.certificate import Certificate
from certinel.domain.revocation import AuthorityList
from certinel.domain.revocation_list_form import ListFault, UnacceptableListError
from certinel.domain.revocation_list_text import SentList
from certinel.domain.revoked_serials import serial_octets
from support import der
from support.certificates import AT, EXPIRED, Extension, Issued, new_key, root_authority, usage
from support.revocation_lists import NEXT_UPDATE, REVOKED_AT, THIS_UPDATE, as_pem, revocation_list, scope
from support.trust import ACME

ROOT = root_authority("Plant CA")
HALL = ROOT.authority("Hall 3")
LINE = HALL.authority("Line 1")
CRITICAL_UNKNOWN: Extension = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)
HARMLESS_UNKNOWN: Extension = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), False)


def accept(sent: bytes, *trusted: Issued, at: datetime = AT) -> tuple[ReceivedList, Certificate]:
    text = SentList.read(sent)
    received = ReceivedList.read(text.der)
    known = [Certificate.parse(one.der) for one in trusted or (ROOT,)]
    return received, received.accepted_from(known, text.certificates, at)


def fault_of(sent: bytes, *trusted: Issued, at: datetime = AT) -> ListFault:
    with pytest.raises(UnacceptableListError) as refused:
        accept(sent, *trusted, at=at)
    assert str(refused.value)[0].isupper()
    assert str(refused.value).isprintable()
    return refused.value.fault


def test_current_list_of_a_trusted_ca_is_accepted() -> None:
    received, issuer = accept(revocation_list(ROOT, [0x1000, 2**150], number=7))
    assert issuer.der == ROOT.der
    assert (received.number, received.this_update, received.next_update) == (7, THIS_UPDATE, NEXT_UPDATE)
    assert [received.serials.since(serial_octets(one)) for one in (0x1000, 2**150, 3)] == [REVOKED_AT, REVOKED_AT, None]


def test_list_with_nothing_on_it_is_accepted() -> None:
    assert len(accept(revocation_list(ROOT))[0].serials) == 0


@pytest.mark.parametrize("key", ["rsa-2048", "ec-p256", "ec-p384", "ec-p521"])
@pytest.mark.parametrize("digest", ["sha256", "sha384"])
def test_every_usual_signature_is_verified(key: str, digest: str) -> None:
    root = root_authority("Plant CA", key=key)
    accept(revocation_list(root, [1], digest=digest), root)


def test_list_that_the_library_made_is_accepted() -> None:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(ROOT.certificate.subject)
        .last_update(AT)
        .next_update(NEXT_UPDATE)
        .add_extension(x509.CRLNumber(3), critical=False)
    )
    for serial in range(1, 40):
        entry = x509.RevokedCertificateBuilder().serial_number(serial << 100).revocation_date(REVOKED_AT)
        builder = builder.add_revoked_certificate(
            entry.add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), critical=False).build()
        )
    assert isinstance(ROOT.key, ec.EllipticCurvePrivateKey)
    made = builder.sign(ROOT.key, hashes.SHA256())
    received, _ = accept(made.public_bytes(Encoding.DER))
    assert len(received.serials) == 39


def test_version_1_list_is_accepted() -> None:
    received, _ = accept(revocation_list(ROOT, [5], version1=True, number=None))
    assert (received.number, len(received.serials)) == (None, 1)


def test_dates_before_1950_and_after_2049_are_read() -> None:
    for revoked_at in (datetime(1949, 12, 31, tzinfo=UTC), datetime(2055, 1, 1, tzinfo=UTC)):
        received, _ = accept(revocation_list(ROOT, [5], revoked_at=revoked_at))
        since = received.serials.since(b"\x05")
        assert since == max(revoked_at, datetime(1970, 1, 1, tzinfo=UTC))


def test_pem_is_read_whatever_stands_around_it() -> None:
    accept(b"Certificate Revocation List (CRL):\n" + as_pem(revocation_list(ROOT)).replace(b"\n", b"\r\n"))


def test_list_of_an_intermediate_is_accepted_with_its_certificate() -> None:
    _, issuer = accept(as_pem(revocation_list(HALL), HALL))
    assert issuer.der == HALL.der


def test_certificates_between_may_come_in_any_order() -> None:
    _, issuer = accept(as_pem(revocation_list(LINE), HALL, LINE))
    assert issuer.der == LINE.der


def test_list_of_an_intermediate_that_is_trusted_itself_needs_nothing_else() -> None:
    accept(revocation_list(HALL), HALL)


def test_ca_without_key_usage_may_sign_lists() -> None:
    root = root_authority("Old CA", key_usage=None)
    accept(revocation_list(root), root)


FAULTS: dict[str, tuple[bytes, ListFault]] = {
    "of nobody known": (revocation_list(root_authority("Other CA")), ListFault.UNKNOWN_ISSUER),
    "of an intermediate without its certificate": (revocation_list(HALL), ListFault.UNKNOWN_ISSUER),
    "of an intermediate whose issuer is missing": (as_pem(revocation_list(LINE), LINE), ListFault.UNKNOWN_ISSUER),
    "of an intermediate that nobody trusted signed": (
        as_pem(revocation_list(twin := root_authority("Twin").authority("Hall 3")), twin, root_authority("Twin")),
        ListFault.UNKNOWN_ISSUER,
    ),
    "of an expired intermediate": (
        as_pem(revocation_list(old := ROOT.authority("Old hall", valid=EXPIRED)), old),
        ListFault.UNKNOWN_ISSUER,
    ),
    "of a device": (as_pem(revocation_list(device := ROOT.device("pump")), device), ListFault.UNKNOWN_ISSUER),
    "signed by a CA of the same name": (revocation_list(root_authority("Plant CA")), ListFault.BAD_SIGNATURE),
    "signed with another kind of key": (
        revocation_list(ROOT, signed_with=new_key("rsa-2048")),
        ListFault.BAD_SIGNATURE,
    ),
    "signed with SHA-1": (revocation_list(ROOT, digest="sha1"), ListFault.WEAK_SIGNATURE),
    "not yet valid": (revocation_list(ROOT, this_update=AT + timedelta(minutes=6)), ListFault.NOT_YET_VALID),
    "ended": (revocation_list(ROOT, next_update=AT - timedelta(seconds=1)), ListFault.STALE),
    "without an end": (revocation_list(ROOT, next_update=None), ListFault.NO_NEXT_UPDATE),
    "a delta": (revocation_list(ROOT, extensions=[(x509.DeltaCRLIndicator(1), True)]), ListFault.DELTA),
    "a delta by its entries": (
        revocation_list(ROOT, [1], entry_extensions=[(x509.CRLReason(x509.ReasonFlags.remove_from_crl), False)]),
        ListFault.DELTA,
    ),
    "for users only": (revocation_list(ROOT, extensions=[scope(only_contains_user_certs=True)]), ListFault.PARTIAL),
    "for CAs only": (revocation_list(ROOT, extensions=[scope(only_contains_ca_certs=True)]), ListFault.PARTIAL),
    "for attributes only": (
        revocation_list(ROOT, extensions=[scope(only_contains_attribute_certs=True)]),
        ListFault.PARTIAL,
    ),
    "for some reasons only": (
        revocation_list(
            ROOT,
            extensions=[
                (
                    x509.IssuingDistributionPoint(
                        None, None, False, False, frozenset([x509.ReasonFlags.key_compromise]), False, False
                    ),
                    True,
                )
            ],
        ),
        ListFault.PARTIAL,
    ),
    "for one distribution point": (
        revocation_list(
            ROOT,
            extensions=[
                (
                    x509.IssuingDistributionPoint(
                        [x509.UniformResourceIdentifier("http://ca.example/1.crl")],
                        None,
                        False,
                        False,
                        None,
                        False,
                        False,
                    ),
                    True,
                )
            ],
        ),
        ListFault.PARTIAL,
    ),
    "indirect": (revocation_list(ROOT, extensions=[scope(indirect_crl=True)]), ListFault.INDIRECT),
    "indirect by its entries": (
        revocation_list(
            ROOT,
            [1],
            entry_extensions=[(x509.CertificateIssuer([x509.DirectoryName(HALL.certificate.subject)]), True)],
        ),
        ListFault.INDIRECT,
    ),
    "with an unknown critical extension": (
        revocation_list(ROOT, extensions=[CRITICAL_UNKNOWN]),
        ListFault.UNKNOWN_EXTENSION,
    ),
    "with an unknown critical extension of an entry": (
        revocation_list(ROOT, [1], entry_extensions=[CRITICAL_UNKNOWN]),
        ListFault.UNKNOWN_EXTENSION,
    ),
    "empty": (b"", ListFault.MALFORMED),
    "a certificate": (ROOT.der, ListFault.MALFORMED),
    "a certificate in armour": (ROOT.pem.encode(), ListFault.MALFORMED),
    "followed by something": (revocation_list(ROOT) + b"\x00", ListFault.MALFORMED),
    "cut off": (revocation_list(ROOT, range(1, 30))[:-10], ListFault.MALFORMED),
    "armour cut off": (as_pem(revocation_list(ROOT))[:-30], ListFault.MALFORMED),
    "armour around nonsense": (
        b"-----BEGIN X509 CRL-----\n!!!\n-----END X509 CRL-----\n",
        ListFault.MALFORMED,
    ),
    "two in one file": (as_pem(revocation_list(ROOT)) * 2, ListFault.MALFORMED),
    "with a broken certificate": (
        as_pem(revocation_list(ROOT)) + b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
        ListFault.MALFORMED,
    ),
    "with too many certificates": (as_pem(revocation_list(HALL), *[HALL] * 11), ListFault.TOO_LARGE),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_other_lists_are_refused_with_their_reason(kind: str) -> None:
    sent, fault = FAULTS[kind]
    assert fault_of(sent) is fault


def test_changed_list_is_refused() -> None:
    sent = revocation_list(ROOT, [0x7A69])
    assert fault_of(sent.replace(b"\x7a\x69", b"\x7a\x68")) is ListFault.BAD_SIGNATURE


def test_ca_whose_key_usage_lacks_crl_sign_may_not_sign() -> None:
    root = root_authority("Plant CA", key_usage=usage("key_cert_sign"))
    assert fault_of(revocation_list(root), root) is ListFault.MAY_NOT_SIGN


def test_renewed_ca_certificate_that_may_sign_counts_beside_one_that_may_not() -> None:
    old = root_authority("Plant CA", key_usage=usage("key_cert_sign"))
    renewed = old.renewed(key_usage=usage("key_cert_sign", "crl_sign"))
    _, issuer = accept(revocation_list(old), old, renewed)
    assert issuer.der == renewed.der


def test_weak_key_of_the_ca_signs_nothing() -> None:
    root = root_authority("Plant CA", key="rsa-1024")
    assert fault_of(revocation_list(root), root) is ListFault.BAD_SIGNATURE


def test_clock_of_the_ca_may_be_a_little_ahead() -> None:
    accept(revocation_list(ROOT, this_update=AT + timedelta(minutes=4)))


def test_list_is_current_until_its_last_second() -> None:
    accept(revocation_list(ROOT), at=NEXT_UPDATE)
    assert fault_of(revocation_list(ROOT), at=NEXT_UPDATE + timedelta(seconds=1)) is ListFault.STALE


@pytest.mark.parametrize(
    "extensions",
    [
        [HARMLESS_UNKNOWN],
        [(x509.AuthorityKeyIdentifier(b"\x01" * 20, None, None), False)],
        [(x509.IssuerAlternativeName([x509.DNSName("ca.example")]), False)],
    ],
)
def test_extensions_that_change_nothing_are_no_fault(extensions: Sequence[Extension]) -> None:
    accept(revocation_list(ROOT, [1], extensions=extensions))


@pytest.mark.parametrize(
    "extension",
    [
        x509.CRLReason(x509.ReasonFlags.certificate_hold),
        x509.InvalidityDate(datetime(2026, 1, 1)),  # noqa: DTZ001 - the library wants it so
    ],
)
def test_reason_and_invalidity_date_make_a_certificate_no_less_revoked(extension: x509.ExtensionType) -> None:
    received, _ = accept(revocation_list(ROOT, [1, 2], entry_extensions=[(extension, False)]))
    assert len(received.serials) == 2


def stored(number: int | None, this_update: datetime = THIS_UPDATE) -> AuthorityList:
    received = ReceivedList.read(revocation_list(ROOT, number=number, this_update=this_update))
    return AuthorityList(
        id=1,
        tenant=ACME,
        issuer=Certificate.parse(ROOT.der),
        number=received.number,
        this_update=received.this_update,
        next_update=NEXT_UPDATE,
        uploaded_at=AT,
        count=0,
        serials=received.serials,
    )


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("number", "this_update", "before", "is_taken"),
    [
        (7, THIS_UPDATE, stored(7), True),
        (8, THIS_UPDATE, stored(7), True),
        (6, THIS_UPDATE + HOUR, stored(7), False),
        (None, THIS_UPDATE + HOUR, stored(7), False),
        (7, THIS_UPDATE - HOUR, stored(7), False),
        (None, THIS_UPDATE, stored(None), True),
        (None, THIS_UPDATE - HOUR, stored(None), False),
        (1, THIS_UPDATE + HOUR, stored(None), True),
        (2**150, THIS_UPDATE, stored(7), True),
    ],
)
def test_older_list_does_not_replace_a_newer_one(
    number: int | None, this_update: datetime, before: AuthorityList, is_taken: bool
) -> None:
    received = ReceivedList.read(revocation_list(ROOT, number=number, this_update=this_update))
    if is_taken:
        received.check_newer_than(before)
        return
    with pytest.raises(UnacceptableListError) as refused:
        received.check_newer_than(before)
    assert refused.value.fault is ListFault.OLDER


@given(st.binary(max_size=400))
def test_bytes_of_any_kind_are_a_fault_and_nothing_else(sent: bytes) -> None:
    fault_of(sent)


WHOLE = revocation_list(
    ROOT, [1, 2**64, 300], entry_extensions=[(x509.CRLReason(x509.ReasonFlags.superseded), False)], number=9
)


@given(st.data())
def test_list_that_is_damaged_anywhere_is_refused(data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(WHOLE) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda value: value != WHOLE[position]))
    damaged = WHOLE[:position] + bytes([value]) + WHOLE[position + 1 :]
    fault_of(damaged)


@given(st.integers(0, len(WHOLE) - 1))
def test_list_that_is_cut_anywhere_is_refused(length: int) -> None:
    fault_of(WHOLE[:length])


def test_many_entries_are_all_read() -> None:
    serials = range(2**63, 2**63 + 20_000 * 12_345, 12_345)
    received, _ = accept(revocation_list(ROOT, serials))
    assert all(received.serials.since(serial_octets(one)) is not None for one in serials)


def test_lengths_that_are_not_in_their_shortest_form_are_refused() -> None:
    entry = der.sequence(der.integer(5), der.moment(REVOKED_AT))
    loose = b"\x30\x81" + entry[1:]
    assert fault_of(revocation_list(ROOT, [5]).replace(entry, loose)) is ListFault.MALFORMED
