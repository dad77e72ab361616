"""What the use cases of one node work with: its database, its memory, its clock, its keys."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from certinel.bus.local import LocalBus
from certinel.domain.admission import TrustPolicy
from certinel.domain.host_name import HostNames
from certinel.domain.identifiers import TenantId
from certinel.domain.trust_store import TrustStore
from certinel.domain.verdict_memory import VerdictMemory
from certinel.services import signing_keys
from certinel.services.clock import Clock
from certinel.services.connection_attempts import AttemptRecorder
from certinel.services.device_sightings import DeviceSightings
from certinel.services.key_rotation import KeyKeeper, KeySchedule
from certinel.services.login_attempts import POLLS_PER_ADDRESS, POLLS_PER_DEVICE, LoginAttempts
from certinel.services.passwords import Passwords
from certinel.services.presence import Presence
from certinel.services.secrets import Sealer
from certinel.services.signing_keys import KeyRing
from certinel.services.tokens import DeviceTokens
from certinel.services.trust import MAX_STALENESS, TrustKeeper
from certinel.storage.engine import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformOptions:
    """What the operator decides for the whole platform."""

    public_host: str = "localhost"
    """The bare host name of tenants that have no domain of their own."""
    shared_certificates: bool = True
    """Whether several tenants may upload the same certificate (trust.md section 4)."""
    max_staleness: timedelta = MAX_STALENESS
    """How long devices are admitted by trust that the database has not confirmed."""
    policy: TrustPolicy = field(default_factory=TrustPolicy)
    """The rules of admission that can be set."""
    keys: KeySchedule = field(default_factory=KeySchedule)
    """How tokens are signed, and how long a key lives."""
    host_names: HostNames = field(default_factory=HostNames)
    """The names in the server's certificate: devices may know the platform, or any tenant, by one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """One node of the platform. Nothing here is shared with other nodes but the database."""

    database: Database
    bus: LocalBus
    clock: Clock
    sealer: Sealer
    options: PlatformOptions
    trust: TrustStore
    trust_keeper: TrustKeeper
    connection_attempts: AttemptRecorder
    device_sightings: DeviceSightings
    verdicts: VerdictMemory
    tokens: DeviceTokens
    keys: KeyKeeper
    passwords: Passwords
    login_attempts: LoginAttempts
    bootstrap_polls: LoginAttempts
    """How often new devices may ask for their credentials."""
    presence: Presence
    large_lists: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a revocation list is read or written: one with a million entries takes time and memory."""
    key_stores: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a key store is read: it decides itself how long that takes."""

    @property
    def policy(self) -> TrustPolicy:
        """The rules of admission that can be set."""
        return self.options.policy

    def is_host_of(self, tenant: TenantId, name: str) -> bool:
        """Tell whether ``tenant`` is reached under ``name``: by its own domain, or by a name of the platform."""
        facts, options = self.trust.tenant(tenant), self.options
        own = facts.domain if facts is not None else None
        return name.lower() == (own or options.public_host).lower() or options.host_names.cover(name)

    @classmethod
    async def load(
        cls, database: Database, clock: Clock, sealer: Sealer, passwords: Passwords, options: PlatformOptions
    ) -> "Platform":
        """Make a node of a database that ``first_start.prepare`` has seen: load trust and keys, and keep them current.

        The caller runs ``trust_keeper.run``, ``keys.run``, ``connection_attempts.run`` and ``device_sightings.run``,
        and closes the database in the end.
        """
        bus, trust = LocalBus(), TrustStore()
        keeper = TrustKeeper(trust, database, clock, options.max_staleness)
        keeper.listen_to(bus)
        await keeper.load()
        async with database.reading() as tx:
            ring = KeyRing(await signing_keys.load(tx, sealer, clock.now()), options.keys.algorithm)
        tokens = DeviceTokens(ring)
        tokens.listen_to(bus)
        sightings = DeviceSightings(database, clock)
        sightings.listen_to(bus)
        keys = KeyKeeper(database, sealer, clock, tokens, options.keys)
        await keys.load()
        return cls(
            database=database,
            bus=bus,
            clock=clock,
            sealer=sealer,
            options=options,
            trust=trust,
            trust_keeper=keeper,
            connection_attempts=AttemptRecorder(database, trust, clock),
            device_sightings=sightings,
            verdicts=VerdictMemory(),
            tokens=tokens,
            keys=keys,
            passwords=passwords,
            login_attempts=LoginAttempts(),
            bootstrap_polls=LoginAttempts(POLLS_PER_DEVICE, POLLS_PER_ADDRESS),
            presence=Presence(clock),
        )
