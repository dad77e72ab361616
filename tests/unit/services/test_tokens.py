"""Issuing and verifying device tokens."""

from dataclasses import replace
from datetime import timedelta

import pytest

from certinel.bus.local import LocalBus
from certinel.bus.messages import DeviceUserChanged, Message, OptionChanged, TenantChanged, TrustChanged
from certinel.domain.identifiers import DeviceId, TenantId
from certinel.services.signing_keys import KeyRing, SigningAlgorithm, SigningKey, TokenRefusedError
from certinel.services.tokens import DeviceTokens, TokenHolder
from support.clock import START

T1 = TenantId("t1000")
HOLDER = TokenHolder(tenant=T1, device=DeviceId("pump-7"), leaf_sha256=bytes(32), host="iot.example.org")
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
KEY = SigningKey.generate(SigningAlgorithm.ES256, START)


@pytest.fixture
def tokens() -> DeviceTokens:
    return DeviceTokens(KeyRing([KEY]))


def test_an_issued_token_says_whom_it_is_for(tokens: DeviceTokens) -> None:
    claims = tokens.verify(tokens.issue(HOLDER, HOUR, START), START)
    assert (claims.tenant, claims.device, claims.host) == (T1, "pump-7", "iot.example.org")
    assert claims.leaf_sha256 == HOLDER.leaf_sha256
    assert (claims.issued_at, claims.expires_at) == (START, START + HOUR)


def test_the_xsrf_token_has_twenty_letters(tokens: DeviceTokens) -> None:
    xsrf_token = tokens.verify(tokens.issue(HOLDER, HOUR, START), START).xsrf_token
    assert len(xsrf_token) == 20
    assert xsrf_token.isascii()
    assert xsrf_token.isalpha()


def test_an_expired_token_is_refused_also_when_it_was_verified_before(tokens: DeviceTokens) -> None:
    token = tokens.issue(HOLDER, HOUR, START)
    tokens.verify(token, START + HOUR - SECOND)
    for _ in range(2):
        with pytest.raises(TokenRefusedError):
            tokens.verify(token, START + HOUR)


def test_a_token_of_the_future_is_refused(tokens: DeviceTokens) -> None:
    token = tokens.issue(HOLDER, HOUR, START + HOUR)
    with pytest.raises(TokenRefusedError):
        tokens.verify(token, START)


def test_signed_claims_of_another_kind_are_refused(tokens: DeviceTokens) -> None:
    token = KeyRing([KEY]).sign({"sub": "admin", "tci": "another", "ten": "t1000"})
    with pytest.raises(TokenRefusedError):
        tokens.verify(token, START)


def test_a_token_that_is_no_text_of_ours_is_refused(tokens: DeviceTokens) -> None:
    for token in ("", "a.b.c", "\ud800", "é.é.é"):
        with pytest.raises(TokenRefusedError):
            tokens.verify(token, START)


def test_the_same_token_is_handed_out_until_half_of_its_lifetime(tokens: DeviceTokens) -> None:
    token = tokens.issue(HOLDER, HOUR, START)
    assert tokens.issued_before(HOLDER, START + HOUR / 2 - SECOND) == token
    assert tokens.issued_before(HOLDER, START + HOUR / 2) is None


@pytest.mark.parametrize(
    "other", [{"leaf_sha256": bytes([1]) * 32}, {"host": "other.example.org"}, {"device": "pump-8"}]
)
def test_another_holder_does_not_get_the_token(tokens: DeviceTokens, other: dict[str, object]) -> None:
    tokens.issue(HOLDER, HOUR, START)
    assert tokens.issued_before(replace(HOLDER, **other), START) is None  # type: ignore[arg-type]


def test_two_tokens_of_the_same_second_differ(tokens: DeviceTokens) -> None:
    assert tokens.issue(HOLDER, HOUR, START) != tokens.issue(HOLDER, HOUR, START)


def test_a_refused_token_is_not_handed_out_again(tokens: DeviceTokens) -> None:
    tokens.issue(HOLDER, HOUR, START)
    tokens.forget(HOLDER.tenant, HOLDER.device)
    assert tokens.issued_before(HOLDER, START) is None


@pytest.mark.parametrize(
    ("message", "keeps"),
    [
        (TrustChanged(T1), False),
        (TenantChanged(T1), False),
        (DeviceUserChanged(T1, "device_pump-7"), False),
        (OptionChanged(T1, "oauth.internal", "device-token.lifespan.seconds"), False),
        (TrustChanged(TenantId("t2")), True),
        (DeviceUserChanged(T1, "device_pump-8"), True),
        (DeviceUserChanged(TenantId("t2"), "device_pump-7"), True),
    ],
)
async def test_what_may_have_made_a_token_refused_drops_it(tokens: DeviceTokens, message: Message, keeps: bool) -> None:
    bus = LocalBus()
    tokens.listen_to(bus)
    token = tokens.issue(HOLDER, HOUR, START)
    await bus.publish(message)
    assert tokens.issued_before(HOLDER, START) == (token if keeps else None)


def test_with_new_keys_nothing_of_before_is_remembered(tokens: DeviceTokens) -> None:
    token = tokens.issue(HOLDER, HOUR, START)
    tokens.verify(token, START)
    tokens.use(KeyRing([SigningKey.generate(SigningAlgorithm.ES256, START)]))
    assert tokens.issued_before(HOLDER, START) is None
    with pytest.raises(TokenRefusedError):
        tokens.verify(token, START)


def test_what_is_remembered_is_bounded() -> None:
    tokens = DeviceTokens(KeyRing([KEY]), max_remembered=2)
    holders = [replace(HOLDER, device=DeviceId(f"pump-{number}")) for number in range(4)]
    for holder in holders:
        tokens.verify(tokens.issue(holder, HOUR, START), START)
    assert [tokens.issued_before(holder, START) is not None for holder in holders] == [False, False, True, True]
