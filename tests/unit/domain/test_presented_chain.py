"""What a device may present at all: size, form, names (trust.md section 3, rules 1 and 2)."""

import pytest
from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from certinel.domain.chain import MAX_CHAIN_BYTES
from certinel.domain.errors import Code
from support import der
from support.certificates import Issued, name, new_key, root_authority, rsa_public_key, self_signed_device, usage
from support.trust import ACME, TrustWorld, says

ROOT = root_authority("Plant CA")


@pytest.fixture
def world() -> TrustWorld:
    world = TrustWorld()
    world.trust(ROOT)
    return world


def named(text: str, kind: _ASN1Type | None = None) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text, _type=kind, _validate=False)])


class TestSize:
    def test_no_certificate_at_all_is_said(self, world: TrustWorld) -> None:
        refusal = world.refuse([], "pump-7")
        assert says(refusal, Code.NO_CERTIFICATE, owner=None)
        assert refusal.told_code is Code.NO_CERTIFICATE

    def test_eleven_certificates_are_read(self, world: TrustWorld) -> None:
        strangers = [root_authority(f"Stranger {number}") for number in range(9)]
        world.admit([*ROOT.device("pump-7").chain, *strangers])

    def test_twelve_certificates_are_refused_before_they_are_read(self, world: TrustWorld) -> None:
        refusal = world.refuse([*ROOT.device("pump-7").chain_der, *[b"not read"] * 10], "pump-7")
        assert says(refusal, Code.TOO_MANY_CERTIFICATES, owner=None)
        assert (
            refusal.told_reason == "chain/too-many-certificates: 12 certificates were presented; at most 11 are read."
        )

    def test_exactly_32_kib_are_read(self, world: TrustWorld) -> None:
        assert sum(map(len, filled_up(MAX_CHAIN_BYTES))) == MAX_CHAIN_BYTES
        assert world.refuse(filled_up(MAX_CHAIN_BYTES), "pump-7").code is Code.MALFORMED  # of zeros, in the end

    def test_one_byte_more_is_too_large(self, world: TrustWorld) -> None:
        refusal = world.refuse(filled_up(MAX_CHAIN_BYTES + 1), "pump-7")
        assert says(refusal, Code.CHAIN_TOO_LARGE, owner=None)
        assert "32769 bytes; at most 32768" in refusal.sentence
        assert refusal.told_code is Code.CHAIN_TOO_LARGE


def filled_up(size: int) -> list[bytes]:
    leaf = ROOT.device("pump-7").der
    return [leaf, bytes(size - len(leaf))]


class TestDer:
    def test_what_is_no_certificate_is_malformed(self, world: TrustWorld) -> None:
        refusal = world.refuse([b"hello"], "pump-7")
        assert says(refusal, Code.MALFORMED, 0, owner=None)
        assert refusal.told_code is Code.MALFORMED

    def test_the_malformed_certificate_is_counted_as_presented(self, world: TrustWorld) -> None:
        refusal = world.refuse([*ROOT.device("pump-7").chain_der, b"junk"], "pump-7")
        assert says(refusal, Code.MALFORMED, 2, owner=None)
        assert refusal.sentence.startswith("Certificate 3 cannot be read: ")

    def test_trailing_bytes_are_malformed(self, world: TrustWorld) -> None:
        device = ROOT.device("pump-7")
        assert world.refuse([device.der + b"\x00", ROOT.der], "pump-7").code is Code.MALFORMED

    def test_a_length_in_more_octets_than_needed_is_malformed(self, world: TrustWorld) -> None:
        content = ROOT.device("pump-7").der[4:]
        long_form = b"\x30\x83" + len(content).to_bytes(3, "big") + content
        assert world.refuse([long_form], "pump-7").code is Code.MALFORMED

    def test_an_indefinite_length_is_malformed(self, world: TrustWorld) -> None:
        assert world.refuse([b"\x30\x80" + ROOT.device("pump-7").der[4:] + b"\0\0"], "pump-7").code is Code.MALFORMED

    def test_the_same_extension_twice_is_malformed(self, world: TrustWorld) -> None:
        twice = ROOT.device("pump-7", extensions=[(usage("key_agreement"), False)])
        refusal = world.refuse(twice, "pump-7")
        assert says(refusal, Code.MALFORMED, 0, owner=None)
        assert "Duplicate 2.5.29.15 extension found" in refusal.sentence


COMMON_NAME_FAULTS = [
    pytest.param([], "it has none", id="none"),
    pytest.param(["pump-7", "pump-8"], "it has 2", id="two"),
    pytest.param([""], "it is empty or not text", id="empty"),
    pytest.param(["x" * 65], "it has 65 characters, more than 64", id="65 characters"),
    pytest.param(["d:pump-7"], "it contains ':', which MQTT client ids reserve", id="colon"),
    pytest.param(["pump\x007"], "it contains the character U+0000", id="NUL"),
    pytest.param(["pump\n7"], "it contains the character U+000A", id="line end"),
    pytest.param(["pump\x1b[2J"], "it contains the character U+001B", id="escape"),
    pytest.param(["pump\x9f"], "it contains the character U+009F", id="C1 control"),
    pytest.param(["pump\u202e7"], "it contains the character U+202E", id="right to left override"),
    pytest.param(["pump\u200f"], "it contains the character U+200F", id="right to left mark"),
    pytest.param(["pump\u2028"], "it contains the character U+2028", id="line separator"),
    pytest.param(["pump\u200b"], "it contains the character U+200B", id="zero width space"),
]


class TestCommonName:
    @pytest.mark.parametrize(("common_names", "reason"), COMMON_NAME_FAULTS)
    def test_a_common_name_that_cannot_name_a_device_is_told(
        self, world: TrustWorld, common_names: list[str], reason: str
    ) -> None:
        refusal = world.refuse(ROOT.device(subject=name(*common_names)), "pump-7")
        assert says(refusal, Code.COMMON_NAME, 0, owner=None)
        assert refusal.sentence == f"The common name of the device certificate is not usable: {reason}."
        assert refusal.told_code is Code.COMMON_NAME

    def test_the_common_name_is_reported_before_the_client_id(self, world: TrustWorld) -> None:
        assert world.refuse(ROOT.device("a:b"), "x:y:z:").code is Code.COMMON_NAME

    def test_an_empty_subject_has_no_common_name(self, world: TrustWorld) -> None:
        assert world.refuse(ROOT.device(subject=x509.Name([])), "pump-7").code is Code.COMMON_NAME

    @pytest.mark.parametrize("text", ["x" * 64, "pump 7", "насос-7", "ポンプ", "a'=(),-.?_*@!%", "x"])
    def test_a_usual_common_name_is_taken(self, world: TrustWorld, text: str) -> None:
        assert world.admit(ROOT.device(text)).device == text

    @pytest.mark.parametrize("kind", [_ASN1Type.BMPString, _ASN1Type.PrintableString, _ASN1Type.T61String])
    def test_a_common_name_in_any_type_of_text_is_read(self, world: TrustWorld, kind: _ASN1Type) -> None:
        assert world.admit(ROOT.device(subject=named("pump-7", kind))).device == "pump-7"

    def test_a_nul_in_a_bmp_string_does_not_end_the_name(self, world: TrustWorld) -> None:
        refusal = world.refuse(ROOT.device(subject=named("pump-7\x00evil", _ASN1Type.BMPString)), "pump-7")
        assert refusal.code is Code.COMMON_NAME

    def test_bytes_that_are_no_utf8_are_malformed(self, world: TrustWorld) -> None:
        device = ROOT.device(subject=named("pump-7"))
        refusal = world.refuse([device.der.replace(b"\x0c\x06pump-7", b"\x0c\x06pump\xff\xff"), ROOT.der], "pump-7")
        assert refusal.code in {Code.COMMON_NAME, Code.MALFORMED}


WEAK_KEYS = {
    "rsa-1024": "RSA of 1024 bits, not 2048 to 8192",
    "rsa-2048-e3": "its RSA exponent is not between 3 and 2^32",
    "ec-p224": "the curve secp224r1 is not P-256, P-384 or P-521",
    "ec-secp256k1": "the curve secp256k1 is not P-256, P-384 or P-521",
    "ec-brainpool": "the curve brainpoolP256r1 is not P-256, P-384 or P-521",
    "ed448": "its algorithm Ed448 is not accepted",
}


def unusable_keys() -> dict[str, bytes]:
    """SubjectPublicKeyInfo of keys that are for something else."""
    plain = rsa_public_key(2048).public_numbers()
    pss = der.sequence(der.object_identifier("1.2.840.113549.1.1.10"))
    dsa = der.sequence(
        der.object_identifier("1.2.840.10040.4.1"),
        der.sequence(der.integer(2**2047 + 9), der.integer(2**255 + 95), der.integer(4)),
    )
    unknown = der.sequence(der.object_identifier("1.3.6.1.4.1.99999.1"))
    rsa = der.sequence(der.integer(plain.n), der.integer(plain.e))
    return {
        "it is for RSASSA-PSS only": der.sequence(pss, der.bit_string(rsa)),
        "its algorithm DSA is not accepted": der.sequence(dsa, der.bit_string(der.integer(2**2040))),
        "it cannot be read (Unknown key type: 1.3.6.1.4.1.99999.1)": der.sequence(unknown, der.bit_string(b"key")),
    }


class TestKeys:
    @pytest.mark.parametrize("kind", ["rsa-2048", "rsa-3072", "rsa-4096", "ec-p256", "ec-p384", "ec-p521", "ed25519"])
    def test_a_strong_key_of_a_device_is_taken(self, world: TrustWorld, kind: str) -> None:
        world.admit(ROOT.device("pump-7", key=kind))

    @pytest.mark.parametrize("kind", ["rsa-2048", "rsa-4096", "ec-p256", "ec-p384", "ec-p521"])
    def test_a_strong_key_of_a_ca_is_taken(self, world: TrustWorld, kind: str) -> None:
        root = root_authority("Strong CA", key=kind)
        world.trust(root)
        world.admit(root.authority("Hall 3", key=kind).device("pump-7"))

    @pytest.mark.parametrize("pss", [False, True])
    @pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
    def test_every_safe_rsa_signature_is_taken(self, world: TrustWorld, digest: str, pss: bool) -> None:
        root = root_authority("RSA CA", key="rsa-2048")
        world.trust(root)
        world.admit(root.device("pump-7", digest=digest, pss=pss))

    @pytest.mark.parametrize(("kind", "weakness"), WEAK_KEYS.items())
    def test_a_weak_key_of_a_device_is_told_with_its_weakness(
        self, world: TrustWorld, kind: str, weakness: str
    ) -> None:
        refusal = world.refuse(ROOT.device("pump-7", key=kind))
        assert says(refusal, Code.WEAK_KEY, 0)
        assert refusal.sentence == f"The key of CN=pump-7, O=Example is not accepted: {weakness}."
        assert refusal.told_code is Code.WEAK_KEY

    @pytest.mark.parametrize("kind", [kind for kind in WEAK_KEYS if kind != "ed448"] + ["ed25519"])
    def test_a_weak_key_of_an_intermediate_is_told_with_its_place(self, world: TrustWorld, kind: str) -> None:
        refusal = world.refuse(ROOT.authority("Hall 3", key=kind).device("pump-7"))
        assert says(refusal, Code.WEAK_KEY, 1)
        assert "CN=Hall 3" in refusal.sentence

    @pytest.mark.parametrize(("weakness", "key"), unusable_keys().items())
    def test_a_key_for_something_else_is_weak(self, world: TrustWorld, weakness: str, key: bytes) -> None:
        refusal = world.refuse(ROOT.device("pump-7", public_key=key))
        assert says(refusal, Code.WEAK_KEY, 0)
        assert f"is not accepted: {weakness}." in refusal.sentence

    def test_explicit_curve_parameters_are_refused_even_if_they_are_those_of_p256(self, world: TrustWorld) -> None:
        refusal = world.refuse(ROOT.device("pump-7", explicit_curve=True))
        assert says(refusal, Code.WEAK_KEY, 0)
        assert "its curve is given by explicit parameters, not by name" in refusal.sentence

    @pytest.mark.parametrize(
        ("key", "weakness"),
        [
            (rsa_public_key(8193), "RSA of 8193 bits, not 2048 to 8192"),
            (rsa_public_key(16384), "RSA of 16384 bits, not 2048 to 8192"),
            (rsa_public_key(2048, 2**32 + 1), "its RSA exponent is not between 3 and 2^32"),
        ],
    )
    def test_a_key_too_large_is_refused(self, world: TrustWorld, key: object, weakness: str) -> None:
        refusal = world.refuse(ROOT.device("pump-7", public_key=key))
        assert says(refusal, Code.WEAK_KEY, 0)
        assert weakness in refusal.sentence

    def test_the_largest_key_is_taken(self, world: TrustWorld) -> None:
        world.admit(ROOT.device("pump-7", public_key=rsa_public_key(8192)))

    def test_nothing_is_verified_with_a_key_that_costs_too_much(self, world: TrustWorld) -> None:
        huge = ROOT.authority("Hall 3", public_key=rsa_public_key(16384))
        refusal = world.refuse(huge.device("pump-7"))
        # the signature of the device was not looked at: nobody is told, and no tenant is bothered
        assert says(refusal, Code.WEAK_KEY, 1, owner=None)
        assert refusal.told_code is Code.UNKNOWN_ISSUER

    def test_a_weak_key_beside_the_path_does_not_matter(self, world: TrustWorld) -> None:
        world.admit([*ROOT.device("pump-7").chain, root_authority("Old CA", key="rsa-1024")])

    def test_a_key_nobody_knows_beside_the_path_does_not_matter(self, world: TrustWorld) -> None:
        odd = root_authority("Odd", public_key=list(unusable_keys().values())[2])
        world.admit([*ROOT.device("pump-7").chain, odd])


class TestSignatures:
    @pytest.mark.parametrize(
        ("digest", "algorithm"), [("md5", "MD5withRSA"), ("sha1", "SHA1withRSA"), ("sha224", "SHA224withRSA")]
    )
    def test_a_weak_signature_on_the_device_is_told(self, world: TrustWorld, digest: str, algorithm: str) -> None:
        root = root_authority("RSA CA", key="rsa-2048")
        world.trust(root)
        refusal = world.refuse(root.device("pump-7", digest=digest))
        assert says(refusal, Code.WEAK_SIGNATURE, 0)
        assert refusal.sentence == f"Certificate CN=pump-7, O=Example is signed with {algorithm}, which is not safe."
        assert refusal.told_code is Code.WEAK_SIGNATURE

    def test_a_weak_ecdsa_signature_is_refused(self, world: TrustWorld) -> None:
        assert says(world.refuse(ROOT.device("pump-7", digest="sha1")), Code.WEAK_SIGNATURE, 0)

    def test_a_weak_signature_on_an_intermediate_is_told_with_its_place(self, world: TrustWorld) -> None:
        refusal = world.refuse(ROOT.authority("Hall 3", digest="sha1").device("pump-7"))
        assert says(refusal, Code.WEAK_SIGNATURE, 1)

    @pytest.mark.parametrize("digest", ["md5", "sha1"])
    def test_the_trusted_certificates_own_signature_may_be_weak(self, world: TrustWorld, digest: str) -> None:
        root = root_authority("Old CA", key="rsa-2048", digest=digest)
        world.trust(root)
        world.admit(root.device("pump-7"))

    def test_so_may_that_of_a_trusted_intermediate(self, world: TrustWorld) -> None:
        intermediate = root_authority("Unknown").authority("Hall 3", digest="sha1")
        world.trust(intermediate)
        world.admit(intermediate.device("pump-7"))

    def test_so_may_that_of_a_device_certificate_that_is_trusted_itself(self, world: TrustWorld) -> None:
        device = self_signed_device("pump-7", key="rsa-2048", digest="sha1")
        world.trust(device)
        world.admit(device)

    def test_an_ed25519_signature_is_that_of_an_issuer_we_do_not_take(self, world: TrustWorld) -> None:
        root = root_authority("Ed", key="ed25519")
        world.trust(root)
        assert says(world.refuse(root.device("pump-7")), Code.WEAK_KEY, 1)

    def test_a_changed_byte_in_the_signature_is_a_bad_signature(self, world: TrustWorld) -> None:
        device = ROOT.device("pump-7")
        refusal = world.refuse([device.der[:-1] + bytes([device.der[-1] ^ 1]), ROOT.der])
        assert says(refusal, Code.BAD_SIGNATURE, 0, owner=None)

    def test_a_hidden_change_of_the_signature_algorithm_is_a_bad_signature(self, world: TrustWorld) -> None:
        device = ROOT.device("pump-7")
        sha256, sha384 = (der.object_identifier(f"1.2.840.10045.4.3.{number}") for number in (2, 3))
        at = device.der.rindex(sha256)
        changed = device.der[:at] + sha384 + device.der[at + len(sha256) :]
        assert world.refuse([changed, ROOT.der], "pump-7").code is Code.BAD_SIGNATURE


def test_facts_of_strangers_are_shown_short_and_printable() -> None:
    world = TrustWorld()
    world.trust(ROOT, ACME)
    hostile = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "a\nb\x00\u202e" + "x" * 9000, _validate=False),
            x509.NameAttribute(NameOID.COMMON_NAME, "pump-7"),
        ]
    )
    refusal = world.refuse(Issued(ROOT.device(subject=hostile, key="rsa-1024").der, new_key(), (ROOT,)), "pump-7")
    assert "a\\nb\\x00\\u202ex" in refusal.sentence
    assert len(refusal.sentence) < 500
