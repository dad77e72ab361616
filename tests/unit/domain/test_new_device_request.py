"""A device that is expected: its states, and the security token."""

from datetime import UTC, datetime

import pytest

from certinel.domain.identifiers import DeviceId, TenantId
from certinel.domain.new_device_request import (
    MAX_WRONG_TOKENS,
    NewDeviceRequest,
    NewDeviceRequestStateError,
    RequestStatus,
    SecurityTokenPolicy,
)

IGNORED, OPTIONAL, REQUIRED = SecurityTokenPolicy
WAITING = NewDeviceRequest(
    tenant=TenantId("t1000"),
    device=DeviceId("meter-1"),
    status=RequestStatus.WAITING_FOR_CONNECTION,
    owner="admin",
    created_at=datetime(2026, 11, 23, tzinfo=UTC),
)


@pytest.mark.parametrize("policy", SecurityTokenPolicy)
def test_device_that_asks_with_a_token_can_be_accepted_with_it(policy: SecurityTokenPolicy) -> None:
    pending = WAITING.heard("4711", policy)
    assert pending.status is RequestStatus.PENDING_ACCEPTANCE
    assert pending.accepted("4711", policy).status is RequestStatus.ACCEPTED


@pytest.mark.parametrize("policy", [IGNORED, OPTIONAL])
def test_device_that_asks_without_a_token_can_be_accepted_without(policy: SecurityTokenPolicy) -> None:
    assert WAITING.heard(None, policy).accepted(None, policy).status is RequestStatus.ACCEPTED


@pytest.mark.parametrize("token", [None, ""])
def test_device_without_the_token_that_is_required_has_not_asked(token: str | None) -> None:
    assert WAITING.heard(token, REQUIRED) == WAITING


def test_token_that_is_required_later_keeps_a_device_without_one_out() -> None:
    pending = WAITING.heard(None, OPTIONAL)
    assert pending.accepted(None, REQUIRED).status is RequestStatus.PENDING_ACCEPTANCE


def test_only_the_first_token_counts() -> None:
    pending = WAITING.heard("4711", OPTIONAL)
    assert pending.heard("0815", OPTIONAL) == pending


@pytest.mark.parametrize("token", [None, "", "0815", "4711 "])
def test_another_token_accepts_nothing(token: str | None) -> None:
    pending = WAITING.heard("4711", OPTIONAL)
    assert pending.accepted(token, OPTIONAL).status is RequestStatus.PENDING_ACCEPTANCE


def test_token_for_a_device_that_gave_none_accepts_nothing() -> None:
    assert WAITING.heard(None, OPTIONAL).accepted("4711", OPTIONAL).status is RequestStatus.PENDING_ACCEPTANCE


def test_wrong_tokens_block_the_request() -> None:
    request = WAITING.heard("4711", OPTIONAL)
    for _ in range(MAX_WRONG_TOKENS):
        request = request.accepted("0815", OPTIONAL)
    assert request.status is RequestStatus.BLOCKED
    with pytest.raises(NewDeviceRequestStateError, match="is in state BLOCKED, not PENDING_ACCEPTANCE"):
        request.accepted("4711", OPTIONAL)


def test_request_is_accepted_once_and_not_before_the_device_has_asked() -> None:
    accepted = WAITING.heard(None, OPTIONAL).accepted(None, OPTIONAL)
    for request in (WAITING, accepted):
        with pytest.raises(NewDeviceRequestStateError):
            request.accepted(None, OPTIONAL)


def test_token_and_its_digest_are_not_shown() -> None:
    pending = WAITING.heard("4711", OPTIONAL)
    assert "4711" not in repr(pending)
    assert str(pending.security_token_digest) not in repr(pending)


def test_same_token_has_another_digest_for_another_device() -> None:
    other = NewDeviceRequest(
        tenant=WAITING.tenant,
        device=DeviceId("meter-2"),
        status=WAITING.status,
        owner=WAITING.owner,
        created_at=WAITING.created_at,
    )
    digests = {one.heard("4711", OPTIONAL).security_token_digest for one in (WAITING, other)}
    assert len(digests) == 2
