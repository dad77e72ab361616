"""Signing keys and the known attacks on JSON Web Tokens (RFC 8725)."""

import base64
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwk, jws

from certinel.services.signing_keys import KeyRing, SigningAlgorithm, SigningKey, TokenRefusedError, import_pair
from support.clock import START

KEY = SigningKey.generate(SigningAlgorithm.ES256, START)
RSA_KEY = SigningKey.generate(SigningAlgorithm.RS256, START)
RING = KeyRing([KEY])
CLAIMS = {"jti": None, "sub": "device_a", "exp": 1}


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def signed_by(pair: jwk.Key, header: dict[str, Any]) -> str:
    registry = jws.JWSRegistry(algorithms=[header["alg"]], strict_check_header=False)
    return jws.serialize_compact(header, json.dumps(CLAIMS), pair, registry=registry)


def hs256_signed(header: dict[str, Any], secret: bytes) -> str:
    content = f"{encoded(header)}.{encoded(CLAIMS)}"
    mac = hmac.digest(secret, content.encode(), "sha256")
    return f"{content}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


@pytest.mark.parametrize("key", [KEY, RSA_KEY])
def test_a_signed_token_is_verified(key: SigningKey) -> None:
    ring = KeyRing([key], key.algorithm)
    assert ring.verify(ring.sign(CLAIMS), START) == CLAIMS


@pytest.mark.parametrize("key", [KEY, RSA_KEY])
def test_the_header_names_algorithm_type_and_key_and_nothing_else(key: SigningKey) -> None:
    header = KeyRing([key], key.algorithm).sign(CLAIMS).split(".")[0]
    assert decoded(header) == {"alg": key.algorithm.value, "typ": "JWT", "kid": key.kid}


def test_a_token_has_three_parts_without_padding() -> None:
    token = RING.sign(CLAIMS)
    assert token.count(".") == 2
    assert "=" not in token


def test_a_null_jti_and_the_order_of_claims_survive() -> None:
    assert list(decoded(RING.sign(CLAIMS).split(".")[1]).items()) == list(CLAIMS.items())


def test_alg_none_is_refused() -> None:
    for algorithm in ("none", "None", "NONE"):
        header = encoded({"alg": algorithm, "typ": "JWT", "kid": KEY.kid})
        with pytest.raises(TokenRefusedError):
            RING.verify(f"{header}.{encoded(CLAIMS)}.", START)


@pytest.mark.parametrize("key", [KEY, RSA_KEY])
def test_hs256_with_the_public_key_as_secret_is_refused(key: SigningKey) -> None:
    public = json.dumps(key.public_json)
    header = {"alg": "HS256", "typ": "JWT", "kid": key.kid}
    with pytest.raises(TokenRefusedError):
        KeyRing([key], key.algorithm).verify(signed_by(jwk.OctKey.import_key(public), header), START)


def test_another_algorithm_of_the_same_key_is_refused() -> None:
    header = {"alg": "PS256", "typ": "JWT", "kid": RSA_KEY.kid}
    with pytest.raises(TokenRefusedError):
        KeyRing([RSA_KEY], SigningAlgorithm.RS256).verify(signed_by(RSA_KEY.pair, header), START)


def test_a_foreign_key_with_its_own_kid_is_refused() -> None:
    foreign = SigningKey.generate(SigningAlgorithm.ES256, START)
    with pytest.raises(TokenRefusedError):
        RING.verify(KeyRing([foreign]).sign(CLAIMS), START)


def test_a_foreign_key_under_our_kid_is_refused() -> None:
    foreign = SigningKey.generate(SigningAlgorithm.ES256, START)
    header = {"alg": "ES256", "typ": "JWT", "kid": KEY.kid}
    with pytest.raises(TokenRefusedError):
        RING.verify(signed_by(foreign.pair, header), START)


@pytest.mark.parametrize("kid", [None, 7, ["a"], {}, "", "../../etc/passwd"])
def test_a_kid_that_names_no_key_is_refused(kid: object) -> None:
    header = encoded({"alg": "ES256", "typ": "JWT", "kid": kid})
    with pytest.raises(TokenRefusedError):
        RING.verify(f"{header}.{encoded(CLAIMS)}.AAAA", START)


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "cty"])
def test_a_header_that_says_more_than_ours_is_refused_even_if_we_signed_it(name: str) -> None:
    values: dict[str, object] = {
        "jwk": KEY.public_json,
        "jku": "https://attacker.example/keys",
        "x5u": "https://attacker.example/chain",
        "x5c": ["AAAA"],
        "crit": ["exp"],
        "b64": True,
        "zip": "DEF",
        "cty": "JWT",
    }
    header = {"alg": "ES256", "typ": "JWT", "kid": KEY.kid, name: values[name]}
    signature = RING.sign(CLAIMS).split(".")[2]
    with pytest.raises(TokenRefusedError):
        RING.verify(f"{encoded(header)}.{encoded(CLAIMS)}.{signature}", START)


def test_an_embedded_key_is_never_used() -> None:
    foreign = SigningKey.generate(SigningAlgorithm.ES256, START)
    header = {"alg": "ES256", "typ": "JWT", "kid": KEY.kid, "jwk": foreign.pair.as_dict(private=False)}
    with pytest.raises(TokenRefusedError):
        RING.verify(signed_by(foreign.pair, header), START)


def test_changed_claims_are_refused() -> None:
    header, _, signature = RING.sign(CLAIMS).split(".")
    with pytest.raises(TokenRefusedError):
        RING.verify(f"{header}.{encoded(CLAIMS | {'sub': 'device_b'})}.{signature}", START)


def test_an_empty_or_all_zero_signature_is_refused() -> None:
    header, claims, _ = RING.sign(CLAIMS).split(".")
    for signature in ("", base64.urlsafe_b64encode(bytes(64)).rstrip(b"=").decode()):
        with pytest.raises(TokenRefusedError):
            RING.verify(f"{header}.{claims}.{signature}", START)


def test_signed_claims_that_are_no_object_are_refused() -> None:
    header = {"alg": "ES256", "typ": "JWT", "kid": KEY.kid}
    with pytest.raises(TokenRefusedError):
        RING.verify(jws.serialize_compact(header, "[1]", KEY.pair, ["ES256"]), START)


def test_a_very_long_token_is_refused_unread() -> None:
    with pytest.raises(TokenRefusedError) as refusal:
        RING.verify("a" * 5000, START)
    assert refusal.value.reason == "too long"


@given(token=st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_=-]{0,80}\.[A-Za-z0-9_-]{0,80}\.[A-Za-z0-9_-]{0,99}"))
def test_rubbish_raises_only_the_refusal(token: str) -> None:
    with pytest.raises(TokenRefusedError):
        RING.verify(token, START)


@given(header=st.dictionaries(st.sampled_from(["alg", "typ", "kid", "crit", "b64"]), st.text(max_size=8) | st.none()))
def test_any_header_raises_only_the_refusal(header: dict[str, object]) -> None:
    with pytest.raises(TokenRefusedError):
        RING.verify(f"{encoded(header)}.{encoded(CLAIMS)}.AAAA", START)


def test_the_newest_key_signs_and_the_older_still_verifies() -> None:
    newer = SigningKey.generate(SigningAlgorithm.ES256, START + timedelta(days=1))
    both = KeyRing([newer, KEY])
    assert decoded(both.sign(CLAIMS).split(".")[0])["kid"] == newer.kid
    assert both.verify(RING.sign(CLAIMS), START) == CLAIMS


def test_a_retired_key_verifies_nothing() -> None:
    token = RING.sign(CLAIMS)
    retired = SigningKey(
        kid=KEY.kid, algorithm=KEY.algorithm, created_at=START, retired_at=START + timedelta(days=1), pair=KEY.pair
    )
    newer = SigningKey.generate(SigningAlgorithm.ES256, START + timedelta(days=1))
    with pytest.raises(TokenRefusedError):
        KeyRing([retired, newer]).verify(token, START + timedelta(days=1))


def test_a_key_that_ends_later_still_verifies_and_signs_nothing() -> None:
    ending = replace(KEY, retired_at=START + timedelta(days=30))
    newer = SigningKey.generate(SigningAlgorithm.ES256, START - timedelta(days=1))
    ring = KeyRing([ending, newer])
    assert ring.verify(RING.sign(CLAIMS), START) == CLAIMS
    assert decoded(ring.sign(CLAIMS).split(".")[0])["kid"] == newer.kid


@pytest.mark.parametrize(
    "kid",
    [
        "../../../../dev/null",
        "/proc/self/environ",
        "OURS/../OURS",
        "OURS' OR '1'='1",
        "x' UNION SELECT 'secret' --",
        "| whoami",
        " OURS",
        "OURS\n",
        "OURS\0",
        "A" * 3000,
        {"kid": "OURS"},
        ["OURS"],
        True,
        None,
    ],
)
def test_a_kid_is_compared_and_never_looked_up_anywhere(kid: object) -> None:
    kid = kid.replace("OURS", KEY.kid) if isinstance(kid, str) else kid
    # what a file like /dev/null, or an injected row, would give as a key
    for secret in (b"", b"secret"):
        with pytest.raises(TokenRefusedError):
            RING.verify(hs256_signed({"alg": "HS256", "typ": "JWT", "kid": kid}, secret), START)
    signature = RING.sign(CLAIMS).split(".")[2]
    with pytest.raises(TokenRefusedError):
        RING.verify(f"{encoded({'alg': 'ES256', 'typ': 'JWT', 'kid': kid})}.{encoded(CLAIMS)}.{signature}", START)


def test_a_kid_that_comes_twice_is_refused() -> None:
    foreign = SigningKey.generate(SigningAlgorithm.ES256, START)
    header = f'{{"alg":"ES256","typ":"JWT","kid":"{foreign.kid}","kid":"{KEY.kid}"}}'
    part = base64.urlsafe_b64encode(header.encode()).rstrip(b"=").decode()
    for signature in (RING.sign(CLAIMS).split(".")[2], KeyRing([foreign]).sign(CLAIMS).split(".")[2]):
        with pytest.raises(TokenRefusedError):
            RING.verify(f"{part}.{encoded(CLAIMS)}.{signature}", START)


@pytest.mark.parametrize("curve", ["P-384", "P-521", "secp256k1"])
def test_a_signature_on_another_curve_is_refused(curve: Any) -> None:
    foreign = jwk.ECKey.generate_key(curve, private=True)
    algorithm = {"P-384": "ES384", "P-521": "ES512", "secp256k1": "ES256K"}[curve]
    for named in (algorithm, "ES256"):
        signature = signed_by(foreign, {"alg": algorithm, "typ": "JWT", "kid": KEY.kid}).split(".")[2]
        header = encoded({"alg": named, "typ": "JWT", "kid": KEY.kid})
        with pytest.raises(TokenRefusedError):
            RING.verify(f"{header}.{encoded(CLAIMS)}.{signature}", START)


def test_an_unencoded_payload_is_refused() -> None:
    header = {"alg": "ES256", "typ": "JWT", "kid": KEY.kid, "b64": False, "crit": ["b64"]}
    signature = RING.sign(CLAIMS).split(".")[2]
    with pytest.raises(TokenRefusedError):
        RING.verify(f"{encoded(header)}.{json.dumps(CLAIMS)}.{signature}", START)


def _der(signature: bytes) -> bytes:
    return encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda signature: base64.urlsafe_b64encode(_der(signature)).rstrip(b"=").decode(),
        lambda signature: base64.urlsafe_b64encode(signature).decode(),
        lambda signature: base64.urlsafe_b64encode(signature).rstrip(b"=").decode() + "\n",
        lambda signature: base64.urlsafe_b64encode(signature + b"\0").rstrip(b"=").decode(),
        lambda signature: base64.urlsafe_b64encode(b"\0" + signature).rstrip(b"=").decode(),
        lambda signature: signature.hex(),
    ],
    ids=["DER", "padded", "line end", "longer", "shifted", "hex"],
)
def test_the_right_signature_in_another_encoding_is_refused(rewrite: Callable[[bytes], str]) -> None:
    header, claims, signature = RING.sign(CLAIMS).split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    with pytest.raises(TokenRefusedError):
        RING.verify(f"{header}.{claims}.{rewrite(raw)}", START)


def test_bits_that_mean_nothing_make_no_second_text_of_a_token() -> None:
    token = RING.sign(CLAIMS)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    position = alphabet.index(token[-1])
    other = token[:-1] + alphabet[position ^ 1]
    assert base64.urlsafe_b64decode(other.split(".")[2] + "==") == base64.urlsafe_b64decode(token.split(".")[2] + "==")
    with pytest.raises(TokenRefusedError):
        RING.verify(other, START)


@pytest.mark.parametrize("token", ["{}", '{"payload":"e30","protected":"e30","signature":"AA"}', "a.b.c.d.e", ".."])
def test_other_serializations_are_refused(token: str) -> None:
    with pytest.raises(TokenRefusedError):
        RING.verify(token, START)


@pytest.mark.parametrize("key", [KEY, RSA_KEY])
def test_the_public_key_holds_nothing_private(key: SigningKey) -> None:
    private = set(key.pair.as_dict(private=True)) - set(key.pair.as_dict(private=False))
    assert private
    assert private.isdisjoint(key.public_json)
    assert (key.public_json["kid"], key.public_json["alg"], key.public_json["use"]) == (key.kid, key.algorithm, "sig")


@pytest.mark.parametrize("key", [KEY, RSA_KEY])
def test_a_stored_key_is_the_same_when_read_back(key: SigningKey) -> None:
    assert import_pair(key.private_json).as_dict(private=True) == key.pair.as_dict(private=True)


def test_repr_does_not_show_the_private_key() -> None:
    assert str(KEY.pair.as_dict(private=True)["d"]) not in repr(KEY)
