"""The bounded mapping."""

from certinel.services.recent import Recent


def test_the_least_recently_used_entry_makes_room() -> None:
    recent: Recent[str, int] = Recent(2)
    recent.put("a", 1)
    recent.put("b", 2)
    assert recent.get("a") == 1
    recent.put("c", 3)
    assert (recent.get("a"), recent.get("b"), recent.get("c")) == (1, None, 3)


def test_it_never_holds_more_than_its_limit() -> None:
    recent: Recent[int, int] = Recent(3)
    for number in range(100):
        recent.put(number, number)
        assert len(recent) <= 3


def test_entries_are_forgotten_by_key_or_condition_or_altogether() -> None:
    recent: Recent[int, int] = Recent(10)
    for number in range(6):
        recent.put(number, number)
    recent.forget(0)
    recent.forget(99)
    recent.forget_where(lambda key: key % 2 == 1)
    assert [recent.get(number) for number in range(6)] == [None, None, 2, None, 4, None]
    recent.clear()
    assert len(recent) == 0
