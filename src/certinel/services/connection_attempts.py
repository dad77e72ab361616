"""Connection attempts: recorded without making anybody wait, kept for their owners to look at.

Recording is a matter of memory; a task of its own puts what was seen into words and stores it, soon and together.
"""

import asyncio
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog
from typing_extensions import override

from certinel.domain.connection_attempt import ADMITTED, ConnectionAttempt, Sighting, described, summary
from certinel.domain.errors import DeviceIdentityError
from certinel.domain.identifiers import TenantId
from certinel.domain.trust_store import TrustStore
from certinel.services.attempt_ledger import AttemptLedger, Entry
from certinel.services.clock import Clock
from certinel.services.write_behind import WriteBehind
from certinel.storage import connection_attempts, connection_counts
from certinel.storage.connection_attempts import AttemptFilter, Recount
from certinel.storage.engine import Database, Transaction
from certinel.storage.errors import StorageError
from certinel.storage.page import Page, PageRequest

RETENTION = timedelta(days=30)
MAX_KEPT = 100_000
"""Attempts of a tenant; the oldest go first (trust.md section 7)."""
MAX_KEPT_ADMITTED = 50_000
"""Accepted attempts never displace more than half of the refused ones."""
PRUNE_EVERY = timedelta(minutes=5)
PRUNE_AFTER_ROWS = 2_000
"""A tenant that so many rows were stored for is looked at without waiting."""
PRUNED_AT_ONCE = 500
PRUNED_PER_FLUSH = 2_000
"""More than can be stored in the same time."""
STORED_AT_ONCE = 100
"""Rows of one transaction: others write in between."""
DESCRIBED_AT_ONCE = 10
"""Reading certificates again takes its time; connections go on in between."""

_RANDOM_BITS = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

logger = structlog.get_logger(__name__)


class ConnectionAttemptNotFoundError(DeviceIdentityError):
    """The tenant has no such attempt."""

    code = "connection-attempt/not-found"

    def __init__(self, number: int) -> None:
        super().__init__(f"There is no connection attempt with id = {number}")
        self.number = number


class AttemptIds:
    """Ids of attempts, made by the node that stores them."""

    def __init__(self) -> None:
        self._last = 0

    def next(self, at: datetime) -> int:
        """Return an id that grows with time and is given once by this node.

        The random part keeps nodes apart that store in the same millisecond.
        """
        milliseconds = int((at - _EPOCH) / timedelta(milliseconds=1))
        wanted = milliseconds << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        self._last = wanted if wanted > self._last else self._last + 1
        return self._last


class AttemptRecorder(WriteBehind):
    """Takes down the attempts of one node; before they are stored, identical ones are counted in memory."""

    def __init__(self, database: Database, trust: TrustStore, clock: Clock) -> None:
        super().__init__()
        self._database = database
        self._trust = trust
        self._clock = clock
        self._ledger = AttemptLedger()
        self._ids = AttemptIds()
        self._stored_rows: dict[TenantId, int] = {}
        self._listening: set[asyncio.Event] = set()
        self._prune_at = clock.now() + PRUNE_EVERY

    def record(self, sighting: Sighting, *, is_owned: bool) -> None:
        """Take down an attempt; touches memory only and takes microseconds.

        ``is_owned`` says that the tenant's own trusted certificate has signed for the client. What only claims to be
        a tenant's gets a small part of its list.
        """
        self._ledger.note(sighting, self._clock.now(), is_owned=is_owned)
        self._wake.set()

    @contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """Yield an event that is set whenever this node has stored something: for those who want to look again."""
        event = asyncio.Event()
        self._listening.add(event)
        try:
            yield event
        finally:
            self._listening.discard(event)

    @override
    async def flush(self) -> None:
        async with self._flushing:
            waiting = self._ledger.take()
            stored = 0
            try:
                while stored < len(waiting):
                    batch = waiting[stored : stored + STORED_AT_ONCE]
                    await self._store(batch)
                    stored += len(batch)
                await self._prune()
            except StorageError as error:
                logger.warning("connection_attempts.not_stored", reason=str(error), waiting=len(waiting) - stored)
                self._wake.set()
            finally:
                self._ledger.put_back(waiting[stored:])

    async def _store(self, batch: Sequence[Entry]) -> None:
        # counted from here on: attempts that come while the database works are for the next flush
        counts = [(entry, entry.count, entry.last_at) for entry in batch]
        new = await self._described([one for one in counts if one[0].id is None])
        again = [Recount(entry.id, count, last_at) for entry, count, last_at in counts if entry.id is not None]
        async with self._database.transaction() as tx:
            for _, attempt in new:
                connection_attempts.add(tx, attempt)
            await connection_attempts.count_again(tx, again)
            await connection_counts.add(tx, [(entry.tenant, entry.code, at, count) for entry, count, at in counts])
        for entry, attempt in new:
            entry.stored(attempt.id)
            self._stored_rows[attempt.tenant] = self._stored_rows.get(attempt.tenant, 0) + 1
        for entry, count, _ in counts:
            entry.count -= count
        for event in self._listening:
            event.set()

    async def _described(self, counts: Sequence[tuple[Entry, int, datetime]]) -> list[tuple[Entry, ConnectionAttempt]]:
        attempts = []
        for number, (entry, count, last_at) in enumerate(counts, start=1):
            if self._trust.tenant(entry.tenant) is not None:
                words = self._in_words(entry)
                attempts.append((entry, replace(words, id=self._ids.next(last_at), count=count, last_at=last_at)))
            if number % DESCRIBED_AT_ONCE == 0:
                await asyncio.sleep(0)
        return attempts

    def _in_words(self, entry: Entry) -> ConnectionAttempt:
        if entry.sighting is None:
            return summary(entry.tenant, entry.code, entry.address, entry.first_at)
        return described(entry.sighting, self._trust.trusted_certificates(entry.tenant), entry.first_at)

    # ---- what is not kept

    async def _prune(self) -> None:
        """Remove what is too old or too much, a little at a time."""
        now = self._clock.now()
        if now >= self._prune_at:
            due = set(self._stored_rows)
            self._prune_at = now + PRUNE_EVERY
        else:
            due = {tenant for tenant, rows in self._stored_rows.items() if rows >= PRUNE_AFTER_ROWS}
            if not due:
                return
        for _ in range(PRUNED_PER_FLUSH // PRUNED_AT_ONCE):
            async with self._database.reading() as tx:
                ids = await _superfluous(tx, due, now)
            if not ids:
                await self._prune_counts(now)
                for tenant in due:
                    self._stored_rows[tenant] = 0
                return
            async with self._database.transaction() as tx:
                await connection_attempts.remove(tx, ids)

    async def _prune_counts(self, now: datetime) -> None:
        async with self._database.transaction() as tx:
            await connection_counts.remove_before(tx, now - RETENTION)


async def _superfluous(tx: Transaction, tenants: set[TenantId], now: datetime) -> list[int]:
    ids = await connection_attempts.older_than(tx, now - RETENTION, PRUNED_AT_ONCE)
    for tenant in tenants:
        if len(ids) < PRUNED_AT_ONCE:
            ids += await connection_attempts.beyond(tx, tenant, MAX_KEPT_ADMITTED, PRUNED_AT_ONCE, code=ADMITTED)
            ids += await connection_attempts.beyond(tx, tenant, MAX_KEPT, PRUNED_AT_ONCE)
    return ids[:PRUNED_AT_ONCE]


async def list_of(
    tx: Transaction, tenant: TenantId, wanted: AttemptFilter, request: PageRequest
) -> Page[ConnectionAttempt]:
    """Return a page of a tenant's attempts, the latest first."""
    return await connection_attempts.list_of(tx, tenant, wanted, request)


async def get(tx: Transaction, tenant: TenantId, number: int) -> ConnectionAttempt:
    """Return one attempt; raises ``ConnectionAttemptNotFoundError``."""
    found = await connection_attempts.find(tx, tenant, number)
    if found is None:
        raise ConnectionAttemptNotFoundError(number)
    return found
