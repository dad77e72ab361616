"""Paths from a device to a trusted certificate, and what may be wrong with them (trust.md section 3, rules 3 and 4)."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from certinel.domain.admission import TrustPolicy
from certinel.domain.errors import Code
from support.certificates import (
    AT,
    CA,
    CLIENT_AUTH,
    EXPIRED,
    NOT_YET_VALID,
    SERVER_AUTH,
    name,
    new_key,
    root_authority,
    self_signed_device,
    usage,
)
from support.trust import TrustWorld, says

ROOT = root_authority("Plant CA")
HALL = ROOT.authority("Hall 3")
LINE = HALL.authority("Line 1")
ANY_USAGE = ObjectIdentifier("2.5.29.37.0")
SECOND = timedelta(seconds=1)


@pytest.fixture
def world() -> TrustWorld:
    return TrustWorld()


class TestWhichPaths:
    def test_a_device_directly_under_the_trusted_certificate(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        device = ROOT.device("pump-7")
        admission = world.admit(device)
        assert [one.der for one in admission.path] == list(device.chain_der)

    def test_the_trusted_certificate_need_not_be_sent(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        assert len(world.admit([ROOT.device("pump-7")]).path) == 2

    def test_nor_below_intermediates(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        assert len(world.admit(LINE.device("pump-7").chain[:-1]).path) == 4

    @pytest.mark.parametrize("order", list(permutations(range(3))))
    def test_any_order_after_the_leaf(self, world: TrustWorld, order: tuple[int, ...]) -> None:
        world.trust(ROOT)
        leaf, *above = LINE.device("pump-7").chain
        assert len(world.admit([leaf, *(above[index] for index in order)]).path) == 4

    def test_certificates_sent_twice_do_no_harm(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        leaf, *above = HALL.device("pump-7").chain
        world.admit([leaf, *above, *above, leaf])

    def test_an_intermediate_can_be_trusted_instead_of_the_root(self, world: TrustWorld) -> None:
        world.trust(HALL)
        device = HALL.device("pump-7")
        assert len(world.admit(device).path) == 2
        assert len(world.admit([device]).path) == 2
        assert len(world.admit([device, HALL]).path) == 2

    def test_a_self_signed_leaf_that_is_trusted_itself_is_a_path_of_one(self, world: TrustWorld) -> None:
        device = self_signed_device("pump-7")
        world.trust(device)
        admission = world.admit(device)
        assert [one.der for one in admission.path] == [device.der]

    def test_a_ca_that_connects_with_its_own_certificate_is_its_own_device(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        assert world.admit([ROOT]).device == "Plant CA"

    def test_a_self_signed_leaf_nobody_trusts_has_an_unknown_issuer(self, world: TrustWorld) -> None:
        assert says(world.refuse(self_signed_device("pump-7")), Code.UNKNOWN_ISSUER, 0, owner=None)

    def test_a_self_signed_leaf_renewed_is_not_the_one_that_was_uploaded(self, world: TrustWorld) -> None:
        device = self_signed_device("pump-7")
        world.trust(device)
        refusal = world.refuse(device.renewed())
        assert says(refusal, Code.IS_A_CA, 0)
        assert "upload exactly this certificate" in refusal.remedy

    def test_a_renewed_ca_with_the_same_key_admits_those_that_send_the_old_one(self, world: TrustWorld) -> None:
        world.trust(ROOT.renewed())
        world.admit(ROOT.device("pump-7"))
        world.admit([ROOT.device("pump-8")])

    def test_a_renewed_intermediate_with_the_same_key_admits_those_that_send_the_old_one(
        self, world: TrustWorld
    ) -> None:
        world.trust(HALL.renewed())
        world.admit(HALL.device("pump-7"))

    def test_an_old_trusted_certificate_admits_those_that_send_the_renewed_one(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        renewed = ROOT.renewed()
        world.admit(renewed.device("pump-7"))
        world.admit(renewed.authority("Hall 9").device("pump-8"))

    def test_cross_signed_intermediates_lead_to_either_root(self, world: TrustWorld) -> None:
        old, new = root_authority("Old Root"), root_authority("New Root")
        crossed = old.authority("Issuing")
        also = new.authority("Issuing", key=crossed.key)
        device = crossed.device("pump-7")
        trusted = world.trust(new)
        assert world.admit([device, crossed, also]).trusted == trusted
        assert world.admit([device, also]).trusted == trusted
        assert says(world.refuse([device, crossed]), Code.UNKNOWN_ISSUER, 0, owner=None)

    def test_an_expired_cross_certificate_beside_a_good_one_does_not_matter(self, world: TrustWorld) -> None:
        crossed = ROOT.authority("Issuing", valid=EXPIRED)
        good = ROOT.authority("Issuing", key=crossed.key)
        world.trust(ROOT)
        device = crossed.device("pump-7")
        world.admit([device, crossed, good, ROOT])
        world.admit([device, good, crossed, ROOT])

    def test_a_trusted_certificate_may_be_cross_signed_and_sent_with_its_own_issuer(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        crossed = root_authority("Elsewhere").authority("Plant CA", key=ROOT.key)
        world.admit([ROOT.device("pump-7"), crossed])

    def test_missing_key_identifiers_do_not_matter(self, world: TrustWorld) -> None:
        root = root_authority("Bare", key_identifiers=False)
        world.trust(root)
        world.admit(root.authority("Hall 3", key_identifiers=False).device("pump-7", key_identifiers=False))

    def test_the_key_identifier_need_not_be_a_hash_of_the_key(self, world: TrustWorld) -> None:
        root = root_authority("Odd", key_identifiers=False, extensions=[(x509.SubjectKeyIdentifier(b"1"), False)])
        world.trust(root)
        world.admit(root.device("pump-7"))

    def test_a_plain_openssl_ca_without_key_usage_is_taken(self, world: TrustWorld) -> None:
        root = root_authority("Bare", key_usage=None)
        world.trust(root)
        world.admit(root.authority("Hall 3", key_usage=None).device("pump-7", key_usage=None, basic_constraints=None))

    def test_a_rogue_leaf_with_a_genuine_chain_appended_is_nobodys(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        rogue = root_authority("Rogue").device("pump-7")
        refusal = world.refuse([rogue, HALL, ROOT])
        assert says(refusal, Code.INTERMEDIATE_MISSING, 0, owner=None)
        assert refusal.told_code is Code.UNKNOWN_ISSUER

    def test_a_leaf_that_only_names_the_ca_has_a_bad_signature(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        forged = ROOT.device("pump-7", signed_with=new_key())
        for presented in ([forged], [forged, ROOT], [forged, HALL, ROOT]):
            refusal = world.refuse(presented)
            assert says(refusal, Code.BAD_SIGNATURE, 0, owner=None)
            assert refusal.told_code is Code.UNKNOWN_ISSUER

    def test_a_forged_intermediate_has_a_bad_signature(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        forged = ROOT.authority("Hall 3", signed_with=new_key())
        refusal = world.refuse(forged.device("pump-7"))
        assert says(refusal, Code.BAD_SIGNATURE, 1, owner=None)
        assert refusal.sentence == (
            "The signature of CN=Hall 3, O=Example was not made with the key of CN=Plant CA, O=Example."
        )

    def test_a_missing_intermediate_is_named(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        device = LINE.device("pump-7")
        refusal = world.refuse([device, LINE, ROOT])
        assert says(refusal, Code.INTERMEDIATE_MISSING, 1, owner=None)
        assert "the certificate of CN=Hall 3, O=Example, which issued CN=Line 1, O=Example, was not sent" in (
            refusal.sentence
        )

    def test_without_any_candidate_the_issuer_is_unknown(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        refusal = world.refuse([LINE.device("pump-7")])
        assert says(refusal, Code.UNKNOWN_ISSUER, 0, owner=None)
        assert refusal.sentence == (
            "No tenant trusts a certificate that issued CN=pump-7, O=Example; its issuer is CN=Line 1, O=Example."
        )

    def test_names_are_compared_byte_by_byte(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        assert world.refuse([ROOT.device("pump-7", issuer_name=name("plant ca"))]).code is Code.UNKNOWN_ISSUER


class TestValidity:
    FIRST, LAST = datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 9, 1, 12, tzinfo=UTC)
    WINDOW = (FIRST, LAST)

    def test_a_device_is_valid_from_its_first_to_its_last_second(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        device = ROOT.device("pump-7", valid=self.WINDOW)
        for at in (self.FIRST, self.LAST, self.LAST + timedelta(microseconds=999_999)):
            world.memory = type(world.memory)()
            world.admit(device, at=at)
            world.admit(device, at=at)

    def test_a_second_later_it_has_expired_also_when_it_was_remembered(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        device = ROOT.device("pump-7", valid=self.WINDOW)
        world.admit(device, at=self.LAST)
        refusal = world.refuse(device, at=self.LAST + SECOND)
        assert says(refusal, Code.EXPIRED, 0)
        assert refusal.sentence == "The device certificate CN=pump-7, O=Example expired on 1 Sep 2026, 12:00 UTC."
        assert refusal.told_code is Code.EXPIRED

    def test_a_second_earlier_it_is_not_yet_valid(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        refusal = world.refuse(ROOT.device("pump-7", valid=self.WINDOW), at=self.FIRST - timedelta(microseconds=1))
        assert says(refusal, Code.NOT_YET_VALID, 0)
        assert "valid only from 1 Mar 2026, 12:00 UTC" in refusal.sentence

    @pytest.mark.parametrize("valid", [EXPIRED, NOT_YET_VALID])
    def test_an_intermediate_out_of_its_validity_is_named(
        self, world: TrustWorld, valid: tuple[datetime, datetime]
    ) -> None:
        world.trust(ROOT)
        refusal = world.refuse(ROOT.authority("Hall 3", valid=valid).device("pump-7"))
        assert says(refusal, Code.ISSUER_EXPIRED, 1)
        assert "1 Jan" in refusal.sentence

    def test_an_intermediate_is_valid_at_its_last_second(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        device = ROOT.authority("Hall 3", valid=self.WINDOW).device("pump-7")
        world.admit(device, at=self.LAST)
        assert world.refuse(device, at=self.LAST + SECOND).code is Code.ISSUER_EXPIRED

    @pytest.mark.parametrize("at", [LAST + SECOND, FIRST - SECOND])
    def test_a_trusted_certificate_out_of_its_validity_refuses_by_its_state(
        self, world: TrustWorld, at: datetime
    ) -> None:
        root = root_authority("Short CA", valid=self.WINDOW)
        world.trust(root, name="Short")
        device = root.device("pump-7")
        world.admit(device, at=self.LAST)
        refusal = world.refuse(device, at=at)
        assert says(refusal, Code.TRUST_EXPIRED, 1)
        assert refusal.told_code is Code.UNKNOWN_ISSUER
        assert "Short is not valid now: its validity is 1 Mar 2026, 12:00 UTC to 1 Sep 2026, 12:00 UTC" in (
            refusal.sentence
        )

    def test_a_trusted_device_certificate_expires_as_a_device_certificate(self, world: TrustWorld) -> None:
        device = self_signed_device("pump-7", valid=self.WINDOW)
        world.trust(device)
        world.admit(device, at=self.LAST)
        assert says(world.refuse(device, at=self.LAST + SECOND), Code.EXPIRED, 0)

    def test_the_admission_says_until_when_it_holds(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        device = ROOT.authority("Hall 3", valid=self.WINDOW).device("pump-7")
        assert world.admit(device, at=self.FIRST).valid_until == self.LAST


class TestIssuers:
    @pytest.mark.parametrize("constraints", [None, x509.BasicConstraints(ca=False, path_length=None)])
    def test_an_intermediate_that_is_no_ca_may_not_issue(
        self, world: TrustWorld, constraints: x509.BasicConstraints | None
    ) -> None:
        world.trust(ROOT)
        refusal = world.refuse(ROOT.authority("Hall 3", basic_constraints=constraints).device("pump-7"))
        assert says(refusal, Code.ISSUER_NOT_A_CA, 1)
        assert refusal.told_code is Code.ISSUER_NOT_A_CA

    def test_a_device_cannot_issue_devices(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        assert says(world.refuse(ROOT.device("pump-6").device("pump-7")), Code.ISSUER_NOT_A_CA, 1)

    def test_basic_constraints_need_not_be_critical(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        world.admit(ROOT.authority("Hall 3", basic_constraints_critical=False).device("pump-7"))

    def test_a_key_usage_without_key_cert_sign_may_not_issue(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        refusal = world.refuse(ROOT.authority("Hall 3", key_usage=usage("digital_signature")).device("pump-7"))
        assert says(refusal, Code.ISSUER_MAY_NOT_SIGN, 1)

    def test_a_version_1_intermediate_is_refused(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        refusal = world.refuse(ROOT.authority("Hall 3", version1=True).device("pump-7"))
        assert says(refusal, Code.VERSION, 1)
        assert "of X.509 version 1, which has no extensions" in refusal.sentence


class TestPathLength:
    def test_two_one_nought_and_a_device_pass_with_the_limit_raised_to_four(self, world: TrustWorld) -> None:
        two = root_authority("Two", path_length=2)
        world.trust(two)
        assert (
            len(
                world.admit(
                    two.authority("One", path_length=1).authority("Nought", path_length=0).device("pump-7")
                ).path
            )
            == 4
        )

    def test_one_nought_nought_and_a_device_do_not(self, world: TrustWorld) -> None:
        one = root_authority("One", path_length=1)
        world.trust(one)
        device = one.authority("First nought", path_length=0).authority("Second nought", path_length=0).device("pump-7")
        refusal = world.refuse(device)
        assert says(refusal, Code.PATH_LENGTH_EXCEEDED, 2)
        assert refusal.sentence == (
            "CN=First nought, O=Example allows 0 CA certificates between it and the device (pathlen), the path has 1."
        )
        assert refusal.told_code is Code.PATH_LENGTH_EXCEEDED

    def test_the_trusted_certificates_own_path_length_counts(self, world: TrustWorld) -> None:
        nought = root_authority("Nought", path_length=0)
        world.trust(nought)
        world.admit(nought.device("pump-7"))
        assert says(world.refuse(nought.authority("Hall 3").device("pump-7")), Code.PATH_LENGTH_EXCEEDED, 2)


class TestLeaf:
    def test_a_leaf_that_is_a_ca_is_refused_below_another(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        refusal = world.refuse(ROOT.device("pump-7", basic_constraints=CA))
        assert says(refusal, Code.IS_A_CA, 0)
        assert refusal.told_code is Code.IS_A_CA

    @pytest.mark.parametrize("eku", [[CLIENT_AUTH], [CLIENT_AUTH, SERVER_AUTH], [ANY_USAGE], None])
    def test_an_extended_key_usage_that_allows_clients_or_none_is_taken(
        self, world: TrustWorld, eku: list[x509.ObjectIdentifier] | None
    ) -> None:
        world.trust(ROOT)
        world.admit(ROOT.device("pump-7", eku=eku))

    @pytest.mark.parametrize("eku", [[SERVER_AUTH], [ObjectIdentifier("1.2.3.4")]])
    def test_an_extended_key_usage_without_clients_is_told(
        self, world: TrustWorld, eku: list[x509.ObjectIdentifier]
    ) -> None:
        world.trust(ROOT)
        refusal = world.refuse(ROOT.device("pump-7", eku=eku))
        assert says(refusal, Code.WRONG_USAGE, 0)
        assert refusal.told_code is Code.WRONG_USAGE

    def test_a_version_1_leaf_is_taken_directly_under_the_trusted_certificate(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        world.admit(ROOT.device("pump-7", version1=True))
        world.admit([ROOT.device("pump-8", version1=True)])

    def test_a_version_1_leaf_below_an_intermediate_is_refused(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        refusal = world.refuse(HALL.device("pump-7", version1=True))
        assert says(refusal, Code.VERSION, 0)
        assert "only directly under the trusted certificate" in refusal.remedy

    def test_a_forged_version_1_leaf_is_refused(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        forged = ROOT.device("pump-7", version1=True, signed_with=new_key())
        assert world.refuse(forged).code is Code.BAD_SIGNATURE


class TestExtensions:
    DNS = x509.NameConstraints([x509.DNSName("plant.example")], None)

    def test_names_that_a_ca_of_the_path_allows_are_taken(self, world: TrustWorld) -> None:
        root = root_authority("Constrained", name_constraints=self.DNS)
        world.trust(root)
        world.admit(root.device("pump-7", san=[x509.DNSName("pump-7.plant.example")]))
        world.admit(root.device("pump-8"))

    @pytest.mark.parametrize("place", ["root", "intermediate"])
    def test_names_that_a_ca_of_the_path_does_not_allow_are_refused(self, world: TrustWorld, place: str) -> None:
        root = root_authority("Constrained", name_constraints=self.DNS if place == "root" else None)
        issuer = root.authority("Hall 3", name_constraints=self.DNS) if place == "intermediate" else root
        world.trust(root)
        refusal = world.refuse(issuer.device("pump-7", san=[x509.DNSName("pump-7.example.org")]))
        assert says(refusal, Code.NAME_CONSTRAINT, 0)
        assert refusal.sentence == (
            "A CA of the chain does not allow the names of CN=pump-7, O=Example: permitted subtree violation."
        )
        assert refusal.told_code is Code.NAME_CONSTRAINT

    def test_an_intermediate_whose_name_is_not_allowed_is_marked(self, world: TrustWorld) -> None:
        root = root_authority("Constrained", name_constraints=self.DNS)
        world.trust(root)
        hall = root.authority("Hall 3", san=[x509.DNSName("hall.example.org")])
        assert says(world.refuse(hall.device("pump-7")), Code.NAME_CONSTRAINT, 1)

    def test_excluded_names_are_refused(self, world: TrustWorld) -> None:
        root = root_authority(
            "Constrained", name_constraints=x509.NameConstraints(None, [x509.DNSName("plant.example")])
        )
        world.trust(root)
        refusal = world.refuse(root.device("pump-7", san=[x509.DNSName("pump-7.plant.example")]))
        assert says(refusal, Code.NAME_CONSTRAINT, 0)

    @pytest.mark.parametrize("place", [0, 1, 2])
    def test_an_unknown_critical_extension_is_refused_with_its_place(self, world: TrustWorld, place: int) -> None:
        unknown = [(x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.7"), b"\x05\x00"), True)]
        root = root_authority("Root", extensions=unknown if place == 2 else [])
        hall = root.authority("Hall 3", extensions=unknown if place == 1 else [])
        world.trust(root)
        refusal = world.refuse(hall.device("pump-7", extensions=unknown if place == 0 else []))
        assert says(refusal, Code.CHAIN_INVALID, place)
        assert refusal.sentence == "The chain does not pass verification: unhandled critical extension."

    def test_an_unknown_extension_that_is_not_critical_does_not_matter(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        unknown = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.7"), b"\x05\x00")
        world.admit(ROOT.device("pump-7", extensions=[(unknown, False)]))


class TestLength:
    @pytest.mark.parametrize(("limit", "certificates"), [(2, 3), (3, 4)])
    def test_a_path_longer_than_the_limit_names_the_setting(
        self, world: TrustWorld, limit: int, certificates: int
    ) -> None:
        world.trust(ROOT)
        world.policy = TrustPolicy(max_chain_length=limit)
        issuer = {3: HALL, 4: LINE}[certificates]
        refusal = world.refuse(issuer.device("pump-7"))
        assert says(refusal, Code.CHAIN_TOO_LONG, limit)
        assert refusal.sentence == (
            f"The path has {certificates} certificates, the trusted one included; "
            f"trust.max_chain_length allows {limit}."
        )
        assert "CERTINEL_TRUST__MAX_CHAIN_LENGTH" in refusal.remedy

    def test_by_default_a_path_is_a_ca_and_a_device(self, world: TrustWorld) -> None:
        world.policy = TrustPolicy()
        world.trust(ROOT)
        world.admit(ROOT.device("pump-7"))
        assert world.refuse(HALL.device("pump-7")).code is Code.CHAIN_TOO_LONG

    def test_what_counts_is_the_path_not_what_was_sent(self, world: TrustWorld) -> None:
        world.policy = TrustPolicy()
        world.trust(LINE)
        world.admit(LINE.device("pump-7"))

    def test_ten_certificates_pass_when_the_limit_says_so(self, world: TrustWorld) -> None:
        world.policy = TrustPolicy(max_chain_length=12)
        world.trust(ROOT)
        issuer = ROOT
        for number in range(9):
            issuer = issuer.authority(f"Level {number}")
        assert len(world.admit(issuer.device("pump-7")).path) == 11
        assert len(world.admit(issuer.authority("Level 9").device("pump-8").chain[:-1]).path) == 12


def test_what_verified_is_remembered_only_while_all_of_it_is_valid(world: TrustWorld) -> None:
    world.trust(ROOT)
    device = ROOT.device("pump-7", valid=(AT, AT + SECOND))
    world.admit(device)
    world.admit(device)
    assert world.refuse(device, at=AT + 2 * SECOND).code is Code.EXPIRED
    assert world.refuse(device, at=AT - SECOND).code is Code.NOT_YET_VALID
