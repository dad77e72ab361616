"""Signing keys come and go: by schedule or by command, and every node follows.

A new key signs at once. What the keys before it have signed stays valid for the overlap, so that no token dies with its
key; a key that may have been stolen is withdrawn, and everything it signed with it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from certinel.domain.audit import PLATFORM, Actor
from certinel.domain.errors import DeviceIdentityError
from certinel.domain.identifiers import MANAGEMENT_TENANT
from certinel.services import signing_keys
from certinel.services.clock import Clock
from certinel.services.secrets import Sealer
from certinel.services.signing_keys import KeyRing, SigningAlgorithm
from certinel.services.tokens import DeviceTokens
from certinel.storage import signing_keys as stored_keys
from certinel.storage import tenants
from certinel.storage.engine import Database, Transaction
from certinel.storage.errors import StorageError
from certinel.storage.signing_keys import StoredSigningKey

LOOKS_EVERY = timedelta(seconds=20)
"""How soon a node sees what another one did to the keys, if nothing tells it earlier."""

LOOKS_FOR_UNKNOWN_EVERY = timedelta(seconds=1)
"""A token of a key that another node has just made is no reason to ask the database more often than this."""

logger = structlog.get_logger(__name__)


class SigningKeyNotFoundError(DeviceIdentityError):
    """No key of this id is in use."""

    code = "signing-key/not-found"

    def __init__(self, kid: str) -> None:
        super().__init__(f"There is no signing key with id = {kid}")


class SigningKeyNeededError(DeviceIdentityError):
    """The key is the one that signs now: without it there would be no tokens."""

    code = "signing-key/needed"

    def __init__(self) -> None:
        super().__init__("This key signs now. Make another one first: POST /certinel/signingKeys.")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySchedule:
    """How long keys live."""

    algorithm: SigningAlgorithm = SigningAlgorithm.ES256
    """How tokens are signed from now on; those signed otherwise stay valid."""
    lifetime: timedelta | None = timedelta(days=90)
    """How long a key signs; None lets it sign until somebody makes another one."""
    overlap: timedelta = timedelta(days=30)
    """How long its signatures are accepted after that; tokens that should live longer end with it."""


@dataclass(frozen=True, slots=True)
class KeyInUse:
    """A key of which signatures are accepted."""

    kid: str
    algorithm: str
    created_at: datetime
    retired_at: datetime | None
    """From when on they are not any more; None for no end yet."""
    is_current: bool
    """Whether it signs now."""


class KeyKeeper:
    """Keeps the keys of one node equal to the database, and changes them for all nodes."""

    def __init__(
        self, database: Database, sealer: Sealer, clock: Clock, tokens: DeviceTokens, schedule: KeySchedule
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock
        self._tokens = tokens
        self._schedule = schedule
        self._known: frozenset[tuple[str, datetime | None]] = frozenset()
        self._asked_at = float("-inf")

    async def load(self) -> None:
        """Read the keys and use them from now on."""
        async with self._database.reading() as tx:
            keys = await signing_keys.load(tx, self._sealer, self._clock.now())
        known = frozenset((key.kid, key.retired_at) for key in keys)
        if known != self._known:
            self._tokens.use(KeyRing(keys, self._schedule.algorithm))
            self._known = known

    async def run(self) -> None:
        """Look again and again, for ever; belongs into the node's task group."""
        while True:
            await asyncio.sleep(LOOKS_EVERY.total_seconds())
            try:
                await self.keep()
            except StorageError as error:
                logger.warning("signing_keys.not_current", reason=str(error))

    async def keep(self) -> None:
        """Make a new key if it is time, and know all there are."""
        async with self._database.reading() as tx:
            is_due = await self._is_due(tx)
        if is_due:
            async with self._database.transaction() as tx:
                await tenants.lock(tx, MANAGEMENT_TENANT)
                if await self._is_due(tx):  # no other node has made one meanwhile
                    await self.rotate(tx, PLATFORM)
        await self.load()

    async def look_for_unknown(self) -> bool:
        """Read the keys again because a token names one that is not known; tell whether that was done."""
        now = asyncio.get_running_loop().time()
        if now - self._asked_at < LOOKS_FOR_UNKNOWN_EVERY.total_seconds():
            return False
        self._asked_at = now
        await self.load()
        return True

    async def list_of(self, tx: Transaction) -> list[KeyInUse]:
        """Return the keys in use, the newest first."""
        keys = await stored_keys.in_use(tx, self._clock.now())
        current = self._current(keys)
        return [
            KeyInUse(key.kid, key.algorithm, key.created_at, key.retired_at, key.kid == current)
            for key in reversed(keys)
        ]

    async def rotate(self, tx: Transaction, by: Actor) -> KeyInUse:
        """Make a key that signs from the commit on; those before it go when the overlap has passed.

        Keys that have gone already are forgotten, the private halves with them.
        """
        at = self._clock.now()
        await tenants.lock(tx, MANAGEMENT_TENANT)
        await stored_keys.forget_retired(tx, at)
        await stored_keys.retire_all(tx, at + self._schedule.overlap)
        key = await signing_keys.add(tx, self._sealer, self._schedule.algorithm, at, by)
        tx.after_commit(self.load)
        return KeyInUse(key.kid, key.algorithm, key.created_at, None, is_current=True)

    async def withdraw(self, tx: Transaction, kid: str, by: Actor) -> None:
        """Accept no signature of a key from the commit on; whoever holds a token of it needs another one.

        Raises:
            SigningKeyNotFoundError: it is not in use.
            SigningKeyNeededError: it is the one that signs.
        """
        at = self._clock.now()
        await tenants.lock(tx, MANAGEMENT_TENANT)
        keys = await stored_keys.in_use(tx, at)
        found = next((key for key in keys if key.kid == kid), None)
        if found is None:
            raise SigningKeyNotFoundError(kid)
        if kid == self._current(keys):
            raise SigningKeyNeededError
        await stored_keys.retire(tx, kid, at)
        signing_keys.record(tx, kid, found.algorithm, "withdrawn", at, by)
        tx.after_commit(self.load)

    async def _is_due(self, tx: Transaction) -> bool:
        at, lifetime = self._clock.now(), self._schedule.lifetime
        signing = [key.created_at for key in await stored_keys.in_use(tx, at) if self._signs(key)]
        return lifetime is not None and bool(signing) and max(signing) + lifetime <= at

    def _current(self, keys: Sequence[StoredSigningKey]) -> str | None:
        signing = [key for key in keys if self._signs(key)]
        return max(signing, key=lambda key: (key.created_at, key.kid)).kid if signing else None

    def _signs(self, key: StoredSigningKey) -> bool:
        return key.retired_at is None and key.algorithm == self._schedule.algorithm.value
