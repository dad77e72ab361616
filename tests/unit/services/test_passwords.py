"""Hashing and checking passwords."""

import asyncio
from datetime import timedelta

import argon2
import pytest

from certinel.services.passwords import MAX_PASSWORD_BYTES, MAX_WAITING, REMEMBERED_FOR, Passwords, PasswordsBusyError
from support.clock import START
from support.platforms import quick_passwords


async def test_a_password_is_right_for_its_hash_only() -> None:
    passwords = quick_passwords()
    stored = await passwords.hash("correct horse")
    assert await passwords.is_right(stored, "correct horse", START)
    assert not await passwords.is_right(stored, "wrong horse", START)


async def test_without_a_hash_every_password_is_wrong() -> None:
    assert not await quick_passwords().is_right(None, "", START)


async def test_what_is_stored_is_argon2id_and_never_the_same_twice() -> None:
    passwords = quick_passwords()
    first, second = await passwords.hash("a"), await passwords.hash("a")
    assert first.startswith("$argon2id$")
    assert first != second


def test_the_usual_parameters_are_at_least_those_of_rfc_9106() -> None:
    assert argon2.PasswordHasher().memory_cost >= 64 * 1024


async def test_a_hash_of_another_kind_is_no_match() -> None:
    assert not await quick_passwords().is_right("$2b$12$nonsense", "a", START)


@pytest.mark.parametrize("password", ["", "\0", "\ud800", "pass:word/äöü", "a" * MAX_PASSWORD_BYTES])
async def test_any_text_can_be_a_password(password: str) -> None:
    passwords = quick_passwords()
    assert await passwords.is_right(await passwords.hash(password), password, START)


async def test_a_password_that_is_too_long_is_wrong() -> None:
    passwords = quick_passwords()
    password = "a" * (MAX_PASSWORD_BYTES + 1)
    assert not await passwords.is_right(await passwords.hash(password), password, START)


async def test_a_right_password_is_remembered_for_a_while() -> None:
    passwords = quick_passwords()
    stored = await passwords.hash("a")
    assert not passwords.is_remembered(stored, "a", START)
    await passwords.is_right(stored, "a", START)
    assert passwords.is_remembered(stored, "a", START)
    assert passwords.is_remembered(stored, "a", START + REMEMBERED_FOR - timedelta(seconds=1))
    assert not passwords.is_remembered(stored, "a", START + REMEMBERED_FOR)
    assert not passwords.is_remembered(stored, "a", START - timedelta(seconds=1))


async def test_a_wrong_password_is_never_remembered() -> None:
    passwords = quick_passwords()
    stored = await passwords.hash("a")
    await passwords.is_right(stored, "b", START)
    assert not passwords.is_remembered(stored, "b", START)


async def test_a_new_hash_of_the_same_password_is_not_remembered() -> None:
    passwords = quick_passwords()
    await passwords.is_right(await passwords.hash("a"), "a", START)
    assert not passwords.is_remembered(await passwords.hash("a"), "a", START)


async def test_the_same_check_is_done_once_at_a_time() -> None:
    passwords = quick_passwords()
    stored = await passwords.hash("a")
    checks: list[bool] = []

    async def check() -> None:
        async with passwords.turn(stored, "a"):
            checks.append(passwords.is_remembered(stored, "a", START))
            await passwords.is_right(stored, "a", START)

    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(check())
    assert checks == [False, True, True, True, True]


async def test_more_checks_than_can_wait_are_turned_away() -> None:
    passwords = Passwords(argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    stored = await passwords.hash("a")
    checks = [passwords.is_right(stored, f"guess {number}", START) for number in range(MAX_WAITING + 5)]
    results = await asyncio.gather(*checks, return_exceptions=True)
    assert sum(isinstance(result, PasswordsBusyError) for result in results) == 5
    assert results.count(False) == MAX_WAITING
    assert await passwords.is_right(stored, "a", START)


async def test_memory_of_who_is_checked_does_not_grow() -> None:
    passwords = quick_passwords()
    for number in range(20):
        async with passwords.turn(None, str(number)):
            pass
    assert not passwords._turns
