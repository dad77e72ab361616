"""Shares: what is charged, what is reserved, and that both together are never too much."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certinel.domain.identifiers import TenantId
from certinel.gateway.buckets import Rate
from certinel.gateway.shares import NOTHING_RESERVED, Reservation, Shares

OURS, THEIRS = TenantId("t1000"), TenantId("t2000")
SLOWLY = 0.001


def charged(shares: Shares, tenant: TenantId = OURS) -> int:
    """How many more connects find room."""
    return next(number for number in count() if not shares.charge(tenant, 0))


def test_what_is_reserved_is_not_there_for_others() -> None:
    shares = Shares(Rate(SLOWLY, 10))
    for _ in range(3):
        shares.reserve(OURS, 0)
    assert charged(shares) == 7
    assert charged(shares, THEIRS) == 10


def test_what_is_given_back_is_there_again_and_no_more_than_that() -> None:
    shares = Shares(Rate(SLOWLY, 10))
    reservations = [shares.reserve(OURS, 0) for _ in range(3)]
    for reservation in reservations * 2:
        reservation.give_back()
    assert charged(shares) == 10


@pytest.mark.parametrize(("burst", "most"), [(1, 0), (2, 1), (3, 1), (10, 5)])
def test_no_more_than_half_of_a_burst_is_reserved(burst: int, most: int) -> None:
    shares = Shares(Rate(SLOWLY, burst))
    reservations = [shares.reserve(OURS, 0) for _ in range(2 * burst)]
    assert len([one for one in reservations if one is not NOTHING_RESERVED]) == most


def test_nothing_is_reserved_where_nothing_is_left() -> None:
    shares = Shares(Rate(SLOWLY, 10))
    charged(shares)
    assert shares.reserve(OURS, 0) is NOTHING_RESERVED
    assert not shares.has_room(OURS, 0)


def test_what_is_reserved_does_not_slow_the_rate() -> None:
    shares = Shares(Rate(per_second=1, burst=4))
    for _ in range(2):
        shares.reserve(OURS, 0)
    charged(shares)
    assert [shares.charge(OURS, second) for second in range(1, 100)] == [True] * 99


def test_without_a_limit_there_is_always_room() -> None:
    shares = Shares(Rate(per_second=0, burst=2))
    for _ in range(10):
        shares.reserve(OURS, 0)
    assert all(shares.charge(OURS, 0) for _ in range(100))


@given(st.integers(1, 6), st.lists(st.sampled_from(["reserve", "give back", "charge", "exchange"]), max_size=40))
def test_who_has_reserved_finds_room_whatever_others_do(burst: int, acts: list[str]) -> None:
    shares = Shares(Rate(SLOWLY, burst))
    held: list[Reservation] = []
    charges = 0
    for act in acts:
        match act:
            case "reserve":
                held += [one for one in [shares.reserve(OURS, 0)] if one is not NOTHING_RESERVED]
            case "give back" if held:
                held.pop().give_back()
            case "charge":
                charges += shares.charge(OURS, 0)
            case "exchange" if held:
                held.pop().give_back()
                assert shares.charge(OURS, 0)
                charges += 1
        assert charges + len(held) <= burst
