"""A platform on a real database, as a node has it after its first start."""

import argon2

from certinel.services import first_start
from certinel.services.clock import Clock
from certinel.services.first_start import Beginnings, FirstAdministrators
from certinel.services.passwords import Passwords
from certinel.services.platform import Platform, PlatformOptions
from certinel.services.secrets import Sealer
from certinel.storage.engine import Database
from support.clock import MovableClock

SEALING_KEY = bytes(range(32))
ADMIN_PASSWORD = "correct horse battery staple"


def quick_passwords() -> Passwords:
    """Passwords that are hashed in microseconds: for tests only."""
    return Passwords(argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


async def begin(
    database: Database, passwords: Passwords, clock: Clock, *, options: PlatformOptions | None = None
) -> FirstAdministrators | None:
    """Prepare ``database`` as the first start of a node does."""
    beginnings = Beginnings(
        passwords=passwords,
        sealer=Sealer(SEALING_KEY),
        algorithm=(options or PlatformOptions()).keys.algorithm,
        given_password=ADMIN_PASSWORD,
    )
    async with database.transaction() as tx:
        return await first_start.prepare(tx, beginnings, clock.now())


async def started_platform(
    database: Database, clock: Clock | None = None, options: PlatformOptions | None = None
) -> Platform:
    """Return a platform with the tenants ``management`` and ``t1000`` and ``admin`` with ``ADMIN_PASSWORD`` in each."""
    passwords, clock = quick_passwords(), clock or MovableClock()
    options = options or PlatformOptions(public_host="iot.example.org")
    await begin(database, passwords, clock, options=options)
    return await Platform.load(database, clock, Sealer(SEALING_KEY), passwords, options)
