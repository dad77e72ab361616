"""Slowing down who guesses passwords."""

from datetime import timedelta

import pytest

from certinel.domain.identifiers import TenantId
from certinel.services.login_attempts import PER_ADDRESS, PER_USER, LoginAttempts, TooManyAttemptsError
from support.clock import START

T1 = TenantId("t1000")
SECOND = timedelta(seconds=1)


def used_up() -> LoginAttempts:
    attempts = LoginAttempts()
    for _ in range(PER_USER.at_once):
        attempts.begin(T1, "admin", "10.0.0.1", START)
    return attempts


def test_the_allowance_of_a_user_can_be_used_at_once_and_no_further() -> None:
    with pytest.raises(TooManyAttemptsError) as refusal:
        used_up().begin(T1, "admin", "10.0.0.1", START)
    assert refusal.value.retry_after == PER_USER.one_per


def test_another_address_does_not_help_to_guess_for_the_same_user() -> None:
    with pytest.raises(TooManyAttemptsError):
        used_up().begin(T1, "admin", "10.0.0.2", START)


def test_other_users_and_tenants_are_not_slowed_down() -> None:
    attempts = used_up()
    attempts.begin(T1, "eve", "10.0.0.1", START)
    attempts.begin(TenantId("t2"), "admin", "10.0.0.1", START)


def test_an_address_that_tries_many_users_is_slowed_down() -> None:
    attempts = LoginAttempts()
    for number in range(PER_ADDRESS.at_once):
        attempts.begin(T1, f"user {number}", "10.0.0.1", START)
    with pytest.raises(TooManyAttemptsError):
        attempts.begin(T1, "one more", "10.0.0.1", START)


def test_after_the_wait_one_attempt_is_let_through() -> None:
    attempts = used_up()
    with pytest.raises(TooManyAttemptsError):
        attempts.begin(T1, "admin", "10.0.0.1", START + PER_USER.one_per - SECOND)
    attempts.begin(T1, "admin", "10.0.0.1", START + PER_USER.one_per)
    with pytest.raises(TooManyAttemptsError):
        attempts.begin(T1, "admin", "10.0.0.1", START + PER_USER.one_per)


def test_what_was_right_costs_nothing() -> None:
    attempts = LoginAttempts()
    for _ in range(10 * PER_ADDRESS.at_once):
        attempts.begin(T1, "admin", "10.0.0.1", START)
        attempts.give_back(T1, "admin", "10.0.0.1")


def test_a_refused_attempt_is_not_charged() -> None:
    attempts = used_up()
    for _ in range(20):
        with pytest.raises(TooManyAttemptsError):
            attempts.begin(T1, "admin", "10.0.0.1", START)
    attempts.begin(T1, "admin", "10.0.0.1", START + PER_USER.one_per)


def test_a_clock_that_is_set_back_locks_nobody_out_for_long() -> None:
    attempts = used_up()
    before = START - timedelta(days=365)
    with pytest.raises(TooManyAttemptsError) as refusal:
        attempts.begin(T1, "admin", "10.0.0.1", before)
    assert refusal.value.retry_after <= PER_USER.one_per
