"""Ids of connection attempts."""

from datetime import UTC, datetime, timedelta

from certinel.services.connection_attempts import AttemptIds

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_ids_of_one_moment_are_distinct_and_grow() -> None:
    ids = AttemptIds()
    given = [ids.next(AT) for _ in range(5_000)]
    assert given == sorted(set(given))


def test_later_ids_are_larger_than_earlier_ones() -> None:
    ids = AttemptIds()
    given = [ids.next(AT + timedelta(milliseconds=number)) for number in range(100)]
    assert given == sorted(given)


def test_nodes_that_store_in_the_same_moment_give_ids_apart() -> None:
    assert len({AttemptIds().next(AT) for _ in range(6)}) > 1
