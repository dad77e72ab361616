"""Which certificates devices were admitted with, and when they were there last: noted without making anybody wait.

Noting is a matter of memory; a task of its own stores what is new, soon and together. Of a device that comes again with
the same certificate only the time is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import structlog
from typing_extensions import override

from certinel.bus.local import LocalBus
from certinel.bus.messages import DeviceUserChanged, TenantChanged
from certinel.domain.admission import Admission
from certinel.domain.chain import digest_of
from certinel.domain.device import DeviceCertificate
from certinel.domain.identifiers import DEVICE_USER_PREFIX, DeviceId, Fingerprint, TenantId, device_user_name
from certinel.services.clock import Clock
from certinel.services.recent import Recent
from certinel.services.write_behind import WriteBehind
from certinel.storage import device_certificates, device_chains, users
from certinel.storage.device_chains import DeviceChain
from certinel.storage.engine import Database, Transaction
from certinel.storage.errors import StorageError

MAX_NEW = 10_000
"""Devices with something new that wait for the database; what comes beyond is noted when the device comes again."""
MAX_SEEN = 200_000
"""Devices whose time waits for the database."""
MAX_KNOWN = 200_000
"""Devices of which a node remembers what is stored; of others it looks."""
STORED_AT_ONCE = 100
"""New certificates of one transaction: others write in between."""
TIMES_STORED_AT_ONCE = 250
"""Some 3 ms in which the event loop does nothing else."""

_Key = tuple[TenantId, DeviceId]

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Sighting:
    admission: Admission
    presented: Sequence[bytes]
    at: datetime

    @property
    def key(self) -> _Key:
        return self.admission.tenant, self.admission.device

    def certificate(self) -> DeviceCertificate:
        admission = self.admission
        leaf, trusted = admission.path[0], admission.trusted.fingerprint
        return DeviceCertificate.of(admission.tenant, admission.device, leaf, trusted, self.at)

    def chain(self) -> DeviceChain:
        return DeviceChain(
            tenant=self.admission.tenant,
            device=self.admission.device,
            leaf_sha256=self.admission.path[0].sha256,
            presented=tuple(self.presented),
            seen_at=self.at,
        )


class DeviceSightings(WriteBehind):
    """Takes down the admitted devices of one node."""

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__()
        self._database = database
        self._clock = clock
        self._new: dict[_Key, _Sighting] = {}
        self._seen: dict[_Key, datetime] = {}
        self._known: Recent[_Key, tuple[bytes, Fingerprint]] = Recent(MAX_KNOWN)

    def listen_to(self, bus: LocalBus) -> None:
        """Hear of devices that may be gone: what is known of them is looked up again."""
        bus.subscribe(DeviceUserChanged, self._forget_device)
        bus.subscribe(TenantChanged, self._forget_tenant)

    def note(self, admission: Admission, presented: Sequence[bytes]) -> None:
        """Take down that a device was admitted, or is just leaving; touches memory only and takes microseconds."""
        key = admission.tenant, admission.device
        if self._known.get(key) == (digest_of(presented), admission.trusted.fingerprint):
            if len(self._seen) < MAX_SEEN:
                self._seen[key] = self._clock.now()
        elif len(self._new) < MAX_NEW or key in self._new:
            self._new[key] = _Sighting(admission, presented, self._clock.now())
        self._wake.set()

    @override
    async def flush(self) -> None:
        async with self._flushing:
            new, self._new = list(self._new.values()), {}
            seen, self._seen = list(self._seen.items()), {}
            try:
                while new:
                    await self._store(new[:STORED_AT_ONCE])
                    del new[:STORED_AT_ONCE]
                while seen:
                    await self._store_times(seen[:TIMES_STORED_AT_ONCE])
                    del seen[:TIMES_STORED_AT_ONCE]
            except StorageError as error:
                logger.warning("device_sightings.not_stored", reason=str(error), waiting=len(new) + len(seen))
                self._wake.set()
            finally:
                self._new = {one.key: one for one in new} | self._new
                self._seen = dict(seen) | self._seen

    async def _store(self, batch: Sequence[_Sighting]) -> None:
        ordered = sorted(batch, key=lambda one: one.key)
        stored: list[_Sighting] = []
        async with self._database.transaction() as tx:
            for tenant, of_tenant in groupby(ordered, key=lambda one: one.admission.tenant):
                stored += await _store_of_tenant(tx, tenant, list(of_tenant))
        for one in stored:
            self._known.put(one.key, (digest_of(one.presented), one.admission.trusted.fingerprint))

    async def _store_times(self, batch: Sequence[tuple[_Key, datetime]]) -> None:
        async with self._database.transaction() as tx:
            await device_certificates.note_seen(tx, [(*key, at) for key, at in sorted(batch)])

    async def _forget_device(self, change: DeviceUserChanged) -> None:
        self._known.forget((change.tenant, DeviceId(change.user_name.removeprefix(DEVICE_USER_PREFIX))))

    async def _forget_tenant(self, change: TenantChanged) -> None:
        self._known.forget_where(lambda key: key[0] == change.tenant)


async def _store_of_tenant(tx: Transaction, tenant: TenantId, sightings: Sequence[_Sighting]) -> Sequence[_Sighting]:
    """Store what is told of devices that are still there, and return that."""
    present = await users.states_of(tx, tenant, {device_user_name(one.admission.device) for one in sightings})
    sightings = [one for one in sightings if device_user_name(one.admission.device) in present]
    certificates = [one.certificate() for one in sightings]
    stored = await device_certificates.known(tx, tenant, {one.sha256 for one in certificates})
    await device_certificates.supersede(tx, certificates)
    await device_certificates.seen_again(tx, [one for one in certificates if one.sha256 in stored])
    for certificate in certificates:
        if certificate.sha256 not in stored:
            device_certificates.add(tx, certificate)
    for one in sightings:
        await device_chains.remember(tx, one.chain())
    return sightings
