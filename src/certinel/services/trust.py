"""Keeping the trust store of a node true: loaded at start, read again whenever the bus says that something changed.

What a change concerns is read from the database after the change was committed, never taken from the message.
"""

import asyncio
from datetime import timedelta

import structlog

from certinel.bus.local import LocalBus
from certinel.bus.messages import (
    DevicesRegistered,
    DeviceUserChanged,
    OptionChanged,
    RevocationChanged,
    TenantChanged,
    TrustChanged,
)
from certinel.domain.distinguished_name import text_of_der
from certinel.domain.identifiers import MANAGEMENT_TENANT, TenantId
from certinel.domain.revocation import OFFLINE_CHECK, ONLINE_CHECK
from certinel.domain.tenant import Tenant
from certinel.domain.trust_store import CLAIMS_OUTLIVE_DELETION, TenantFacts, TrustStore
from certinel.services import revocation_memory
from certinel.services.clock import Clock
from certinel.storage import tenants, trusted_certificates, users
from certinel.storage.engine import Database, Transaction
from certinel.storage.errors import StorageError

MAX_STALENESS = timedelta(seconds=60)
"""How long a node admits devices by a trust store that the database has not confirmed."""

RETRY_AFTER = timedelta(seconds=1)
"""How soon what could not be read is read again."""

Change = TrustChanged | DeviceUserChanged | DevicesRegistered | TenantChanged | RevocationChanged

logger = structlog.get_logger(__name__)


class TrustKeeper:
    """Keeps one trust store equal to the database.

    When publishing a change returns, the store knows it, unless the database could not be read: then ``is_current`` is
    False until ``run`` or the next change has read it. ``is_stale`` tells when that has lasted too long to go on.
    """

    def __init__(
        self, store: TrustStore, database: Database, clock: Clock, max_staleness: timedelta = MAX_STALENESS
    ) -> None:
        self._store = store
        self._database = database
        self._clock = clock
        self._pending: set[Change] = set()
        self._reading = asyncio.Lock()
        self._max_staleness = max_staleness.total_seconds()
        self._confirmed_at = 0.0

    @property
    def is_current(self) -> bool:
        """Whether the store holds every change that this node has heard of."""
        return not self._pending

    @property
    def is_stale(self) -> bool:
        """Whether the database has not confirmed the store for longer than allowed (trust.md section 6).

        By elapsed time, whatever the clock says.
        """
        return asyncio.get_running_loop().time() - self._confirmed_at > self._max_staleness

    async def load(self) -> None:
        """Read everything."""
        async with self._reading, self._database.reading() as tx:
            for tenant in await tenants.all_of_them(tx):
                await self._read_tenant(tx, tenant)
        self._confirm()

    def listen_to(self, bus: LocalBus) -> None:
        """Hear of every change."""
        bus.subscribe(TrustChanged, self.take_in)
        bus.subscribe(DeviceUserChanged, self.take_in)
        bus.subscribe(DevicesRegistered, self.take_in)
        bus.subscribe(TenantChanged, self.take_in)
        bus.subscribe(RevocationChanged, self.take_in)
        bus.subscribe(OptionChanged, self._take_in_option)

    async def _take_in_option(self, change: OptionChanged) -> None:
        if (change.category, change.key) in {OFFLINE_CHECK, ONLINE_CHECK}:
            await self.take_in(RevocationChanged(change.tenant))

    async def take_in(self, change: Change) -> None:
        """Read what ``change`` concerns, together with whatever else is waiting to be read."""
        self._pending.add(change)
        async with self._reading:
            # one reading at a time, so that an older state is never put over a newer one
            if change in self._pending:
                await self._read_pending()

    async def catch_up(self) -> None:
        """Read what could not be read before; raises ``StorageError`` if it still cannot be."""
        async with self._reading:
            if self._pending:
                await self._read_pending()

    async def run(self) -> None:
        """Catch up again and again and have the database confirm it, for ever; belongs into the node's task group."""
        pause = min(RETRY_AFTER.total_seconds(), self._max_staleness / 4)
        while True:
            await asyncio.sleep(pause)
            try:
                async with asyncio.timeout(self._max_staleness):
                    await self.catch_up()
                    await self._ask_database()
            except (StorageError, TimeoutError) as error:
                logger.warning("trust.not_current", reason=str(error) or "the database does not answer")

    async def _ask_database(self) -> None:
        """Confirm the store if nothing is pending and the database can be read, a few times within the allowed time."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._confirmed_at < self._max_staleness / 4:
            return
        was_stale = self.is_stale
        async with self._database.reading() as tx:
            await tenants.find(tx, MANAGEMENT_TENANT)
        if self.is_current:
            self._confirm()
            if was_stale:
                logger.info("trust.current_again")

    def _confirm(self) -> None:
        self._confirmed_at = asyncio.get_running_loop().time()

    async def _read_pending(self) -> None:
        changes, self._pending = self._pending, set()
        try:
            async with self._database.reading() as tx:
                await self._read(tx, changes)
        except BaseException:
            self._pending |= changes
            raise

    async def _read(self, tx: Transaction, changes: set[Change]) -> None:
        user_names: dict[TenantId, set[str]] = {}
        for change in changes:
            match change:
                case TenantChanged(tenant):
                    found = await tenants.find(tx, tenant)
                    if found is None:
                        self._store.remove_tenant(tenant)
                    else:
                        await self._read_tenant(tx, found)
                case TrustChanged(tenant, subject):
                    await self._read_certificates(tx, tenant, subject)
                case RevocationChanged(tenant):
                    await revocation_memory.refresh(tx, self._store, tenant)
                case DeviceUserChanged(tenant, user_name):
                    user_names.setdefault(tenant, set()).add(user_name)
                case DevicesRegistered(tenant, names):
                    user_names.setdefault(tenant, set()).update(names)
        for tenant, concerned in user_names.items():
            await self._read_device_users(tx, tenant, concerned)

    async def _read_tenant(self, tx: Transaction, tenant: Tenant) -> None:
        self._store.put_tenant(TenantFacts(tenant.id, tenant.domain, tenant.is_active, tenant.max_devices))
        await self._read_certificates(tx, tenant.id)
        self._store.replace_device_users(tenant.id, await users.device_users(tx, tenant.id))
        await revocation_memory.refresh(tx, self._store, tenant.id)

    async def _read_certificates(self, tx: Transaction, tenant: TenantId, subject: bytes | None = None) -> None:
        """Read what a tenant vouches for, only of one subject if that is known: a tenant can have thousands of them."""
        deleted_after = self._clock.now() - CLAIMS_OUTLIVE_DELETION
        text = text_of_der(subject) if subject is not None else None
        known = self._store.read_certificates(tenant)
        found = await trusted_certificates.claiming(tx, tenant, deleted_after, subject=text, known=known)
        # other names can read the same
        claiming = [one for one in found if subject is None or one.certificate.subject == subject]
        self._store.replace_trusted_certificates(tenant, claiming, subject)

    async def _read_device_users(self, tx: Transaction, tenant: TenantId, names: set[str]) -> None:
        states = await users.states_of(tx, tenant, names)
        for name in names:
            if name in states:
                self._store.put_device_user(tenant, name, is_enabled=states[name])
            else:
                self._store.remove_device_user(tenant, name)
