"""Leaky buckets: bursts, steady flow, charges given back, bounded memory."""

from hypothesis import given
from hypothesis import strategies as st

from certinel.gateway.buckets import MAX_REMEMBERED, Buckets, Rate


def taken(buckets: Buckets[str], now: float, times: int = 1000) -> int:
    count = 0
    while count < times and buckets.take("key", now):
        count += 1
    return count


@given(per_second=st.floats(0.001, 2_000), burst=st.integers(1, 200), now=st.floats(0, 1e8))
def test_as_many_as_the_burst_are_let_through_at_once(per_second: float, burst: int, now: float) -> None:
    assert taken(Buckets(Rate(per_second, burst)), now, burst) == burst


def test_after_the_burst_one_is_let_through_as_often_as_the_rate_says() -> None:
    buckets: Buckets[str] = Buckets(Rate(per_second=2, burst=3))
    assert taken(buckets, 100.0) == 3
    assert [taken(buckets, 100.0 + half / 2) for half in range(1, 4)] == [1, 1, 1]
    assert taken(buckets, 200.0) == 3


def test_keys_have_buckets_of_their_own() -> None:
    buckets: Buckets[str] = Buckets(Rate(per_second=1, burst=1))
    assert [buckets.take(key, 0.0) for key in ("one", "other", "one")] == [True, True, False]


def test_rate_of_zero_is_no_limit() -> None:
    buckets: Buckets[str] = Buckets(Rate(per_second=0, burst=1))
    assert taken(buckets, 0.0) == 1000
    assert len(buckets) == 0


def test_looking_charges_nothing() -> None:
    buckets: Buckets[str] = Buckets(Rate(per_second=1, burst=1))
    assert [buckets.has_room("key", 0.0) for _ in range(3)] == [True] * 3


def test_charge_given_back_can_be_taken_again() -> None:
    buckets: Buckets[str] = Buckets(Rate(per_second=1, burst=2))
    assert taken(buckets, 0.0) == 2
    buckets.give_back("key")
    assert taken(buckets, 0.0) == 1


def test_forgotten_bucket_is_empty() -> None:
    buckets: Buckets[str] = Buckets(Rate(per_second=1, burst=2))
    assert taken(buckets, 0.0) == 2
    buckets.forget("key")
    assert taken(buckets, 0.0) == 2


def test_keys_without_number_take_no_more_memory_than_the_limit() -> None:
    buckets: Buckets[int] = Buckets(Rate(per_second=1, burst=1))
    for key in range(MAX_REMEMBERED + 10):
        assert buckets.take(key, 0.0)
    assert len(buckets) == MAX_REMEMBERED
    assert not buckets.take(MAX_REMEMBERED + 9, 0.0)
