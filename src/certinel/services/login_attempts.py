"""Slowing down who guesses passwords: a few attempts at once, then one now and then, per user and per address.

In memory of one node. An attempt is charged before the password is looked at and given back when it was right, so that
many attempts at once do not get past the limit.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta

from certinel.domain.errors import DeviceIdentityError
from certinel.domain.identifiers import TenantId
from certinel.services.recent import Recent

MAX_REMEMBERED = 50_000
"""Users and addresses; who makes us forget one of them needs so many others."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many failed attempts are let through at once, and how long until the next one."""

    at_once: int
    one_per: timedelta


PER_USER = Allowance(10, timedelta(seconds=10))
PER_ADDRESS = Allowance(50, timedelta(seconds=2))
"""Addresses can be shared by many people."""

POLLS_PER_DEVICE = Allowance(30, timedelta(seconds=1))
POLLS_PER_ADDRESS = Allowance(600, timedelta(milliseconds=20))
"""For new devices that ask for their credentials, again and again until they are accepted, and often many at once."""


class TooManyAttemptsError(DeviceIdentityError):
    """So many attempts failed that the next one has to wait, whether its password is right or not."""

    code = "password/too-many-attempts"

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__("Too many attempts, try again later.")
        self.retry_after = retry_after


@dataclass(slots=True)
class _Debt:
    """Failed attempts, as the time it takes until they are forgotten."""

    paid_at: datetime


class LoginAttempts:
    """Counts failed attempts by user and by address."""

    def __init__(self, per_user: Allowance = PER_USER, per_address: Allowance = PER_ADDRESS) -> None:
        self._per_user, self._per_address = per_user, per_address
        self._debts: Recent[Hashable, _Debt] = Recent(MAX_REMEMBERED)

    def begin(self, tenant: TenantId | None, user: str, address: str, at: datetime) -> None:
        """Charge an attempt.

        Raises:
            TooManyAttemptsError: it has to wait; nothing is charged then.
        """
        accounts = self._accounts(tenant, user, address)
        waits = [self._wait(key, allowance, at) for key, allowance in accounts]
        if max(waits) > timedelta(0):
            raise TooManyAttemptsError(max(waits))
        for key, allowance in accounts:
            debt = self._debts.get(key)
            self._debts.put(key, _Debt(max(at, debt.paid_at if debt else at) + allowance.one_per))

    def give_back(self, tenant: TenantId | None, user: str, address: str) -> None:
        """Undo one ``begin``: the password was right, or was not looked at."""
        for key, allowance in self._accounts(tenant, user, address):
            debt = self._debts.get(key)
            if debt is not None:
                debt.paid_at -= allowance.one_per

    def _wait(self, key: Hashable, allowance: Allowance, at: datetime) -> timedelta:
        debt = self._debts.get(key)
        if debt is None:
            return timedelta(0)
        # at most the whole allowance: a clock that was set back must not lock anybody out for long
        owed = min(debt.paid_at - at, allowance.at_once * allowance.one_per)
        return owed - (allowance.at_once - 1) * allowance.one_per

    def _accounts(self, tenant: TenantId | None, user: str, address: str) -> list[tuple[Hashable, Allowance]]:
        return [(("user", tenant, user), self._per_user), (("address", address), self._per_address)]
