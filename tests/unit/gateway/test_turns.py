"""Turns: who waits for whom."""

import asyncio
from collections.abc import Callable

import pytest

from certinel.gateway.turns import MAX_ROUNDS_LENT, Turns

ONE_BY_ONE = 0.0
"""Seconds after which a round ends: with its first piece of work."""


@pytest.fixture
def done() -> list[str]:
    return []


def noting(done: list[str], what: str) -> Callable[[], None]:
    return lambda: done.append(what)


async def settled(done: list[str], count: int) -> None:
    async with asyncio.timeout(5):
        while len(done) < count:  # noqa: ASYNC110 - rounds of the loop, not time, are waited for
            await asyncio.sleep(0)


async def test_work_is_done_at_once_when_nobody_waits(done: list[str]) -> None:
    Turns().take("a", "here", noting(done, "work"))
    assert done == ["work"]


async def test_when_the_time_is_used_up_the_rest_waits_for_later_rounds(done: list[str]) -> None:
    turns = Turns(ONE_BY_ONE)
    for number in range(4):
        turns.take("a", "here", noting(done, str(number)))
    counts = [len(done)]
    for _ in range(3):
        await asyncio.sleep(0)
        counts.append(len(done))
    assert counts == [1, 2, 3, 4]


async def test_within_the_time_nobody_waits(done: list[str]) -> None:
    turns = Turns(seconds_at_a_time=3600)
    for number in range(100):
        turns.take("a", "here", noting(done, str(number)))
    assert len(done) == 100


async def test_groups_take_turns_however_much_one_of_them_brings(done: list[str]) -> None:
    turns = Turns(ONE_BY_ONE)
    for number in range(100):
        turns.take("storm", "here", noting(done, f"storm {number}"))
    turns.take("calm", "there", noting(done, "calm"))
    await settled(done, 101)
    assert done.index("calm") <= 2


async def test_networks_of_a_group_take_turns(done: list[str]) -> None:
    turns = Turns(ONE_BY_ONE)
    for number in range(100):
        turns.take("a", "flooding", noting(done, f"flood {number}"))
    turns.take("a", "quiet", noting(done, "quiet"))
    await settled(done, 101)
    assert done.index("quiet") <= 2


async def test_many_networks_of_one_group_count_as_one_group(done: list[str]) -> None:
    turns = Turns(ONE_BY_ONE)
    for number in range(100):
        turns.take("storm", f"network {number}", noting(done, f"storm {number}"))
    turns.take("calm", "there", noting(done, "calm"))
    await settled(done, 101)
    assert done.index("calm") <= 2


async def test_work_of_one_network_is_done_in_its_order(done: list[str]) -> None:
    turns = Turns(ONE_BY_ONE)
    for number in range(10):
        turns.take(number % 3, "here", noting(done, str(number)))
    await settled(done, 10)
    for group in range(3):
        of_group = [number for number in map(int, done) if number % 3 == group]
        assert of_group == sorted(of_group)


async def test_mistake_in_one_piece_of_work_delays_nobody_else(done: list[str]) -> None:
    mistakes: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: mistakes.append(context["exception"]))
    turns = Turns(ONE_BY_ONE)
    turns.take("a", "here", noting(done, "first"))
    turns.take("a", "here", {}.popitem)  # type: ignore[arg-type] # which fails
    turns.take("b", "here", noting(done, "second"))
    await settled(done, 2)
    assert [type(mistake) for mistake in mistakes] == [KeyError]


async def test_sockets_are_looked_at_between_rounds(done: list[str]) -> None:
    turns = Turns(ONE_BY_ONE)
    for number in range(50):
        turns.take("storm", "here", noting(done, str(number)))
    asyncio.get_running_loop().call_soon(noting(done, "somebody else"))
    await settled(done, 51)
    assert done.index("somebody else") < 5


async def test_work_stands_back_until_those_who_came_together_were_heard(done: list[str]) -> None:
    turns = Turns(ONE_BY_ONE)
    turns.expect(100)
    for number in range(100):
        turns.take("storm", "here", noting(done, f"storm {number}"))
        if number == 63:  # what one look at all sockets brings
            await asyncio.sleep(0)
    turns.take("calm", "there", noting(done, "calm"))
    await settled(done, 101)
    assert done.index("calm") <= 2


async def test_newcomer_is_heard_before_work_that_waits_goes_on(done: list[str]) -> None:
    turns = Turns(ONE_BY_ONE)
    for number in range(100):
        turns.take("storm", "here", noting(done, f"storm {number}"))
    turns.expect(1)
    await asyncio.sleep(0)
    turns.take("calm", "there", noting(done, "calm"))
    await settled(done, 101)
    assert done.index("calm") <= 2


async def test_one_who_comes_alone_waits_for_nobody(done: list[str]) -> None:
    turns = Turns()
    turns.expect(1)
    turns.take("a", "here", noting(done, "work"))
    assert done == ["work"]


async def test_newcomers_without_end_do_not_keep_work_from_going_on(done: list[str]) -> None:
    turns = Turns(ONE_BY_ONE)
    for number in range(50):
        turns.take("a", "here", noting(done, str(number)))
    rounds = 0
    async with asyncio.timeout(5):
        while len(done) < 50:
            turns.expect(64)
            rounds += 1
            await asyncio.sleep(0)
    assert rounds < MAX_ROUNDS_LENT + 50 * 3
