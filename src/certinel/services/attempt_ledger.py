"""What counts as one attempt: identical ones are counted, and nobody's attempts fill anybody's list.

In memory, of one node, bounded. What does not get a place of its own is counted together with others of its code.
"""

import socket
from collections import Counter, OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from certinel.domain.connection_attempt import ADMITTED, Sighting
from certinel.domain.identifiers import TenantId

WINDOW = timedelta(hours=1)
"""Attempts that are identical within it are one; the same device in trouble makes 24 entries a day."""

MAX_WAITING = 10_000
"""Attempts that wait for the database."""
MAX_WAITING_OF_TENANT = 2_500
"""One tenant's storm leaves room for the others' attempts."""
MAX_REMEMBERED = 50_000
"""Attempts that are recognised when they come again; what is forgotten becomes another entry then."""

MAX_OF_LEAF = 20
"""Entries of one window for refusals of one device certificate: client ids are a client's to choose."""
MAX_UNOWNED_OF_NETWORK = 50
"""Entries of one window and code for strangers from one address, per tenant they are shown to."""
MAX_UNOWNED_OF_TENANT = 1_000
"""Entries of one window for all strangers together: a tenth of a list of 100,000 takes ten hours."""
MAX_SUMMARIES_OF_TENANT = 200
"""Addresses of one window for which attempts are counted without being kept one by one; beyond, only codes count."""
MAX_ACCOUNTS = 200_000
"""Bounds the memory of what was spent; beyond it attempts are only counted, until the next window."""


NO_LEAF = 0
"""In the place of a certificate's hash."""


@dataclass(slots=True, eq=False)
class Entry:
    """One attempt and those identical to it, as far as they are not stored."""

    tenant: TenantId
    code: str
    address: str | None
    first_at: datetime
    last_at: datetime
    sighting: Sighting | None
    """None once it is stored, and for a summary."""
    id: int | None = None
    """Under which it is stored."""
    count: int = 0
    """How many are not stored yet."""
    is_waiting: bool = False

    def stored(self, number: int) -> None:
        """Note the id; what the words were made of is not needed any more."""
        self.id = number
        self.sighting = None


class AttemptLedger:
    """Sorts attempts into entries. Every call is short and touches memory only."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Hashable, Entry] = OrderedDict()
        self._waiting: list[Entry] = []
        self._waiting_of: Counter[TenantId] = Counter()
        self._spent: Counter[Hashable] = Counter()
        self._window_begins = self._window_ends = datetime.min.replace(tzinfo=UTC)

    def note(self, sighting: Sighting, at: datetime, *, is_owned: bool) -> None:
        """Count an attempt, as one of its own or as one more of an entry that is there."""
        if not self._window_begins <= at < self._window_ends:
            self._begin_window(at)
        tenant, code, _, attempt, origin = sighting
        presented, client_id = (attempt.presented, attempt.client_id) if attempt is not None else ((), "")
        # stands for the certificate for an hour, keyed by Python at its start, and far quicker than SHA-256
        leaf = hash(presented[0]) if presented else NO_LEAF
        network = network_of(origin.address)
        key = (tenant, code, leaf, client_id, network)
        entry = self._entries.get(key)
        if entry is None:
            entry = self._opened(key, sighting, at, leaf, network, is_owned=is_owned)
        entry.count += 1
        entry.last_at = at
        if not entry.is_waiting:
            self._wait(entry)

    def take(self) -> list[Entry]:
        """Return the entries that have something to be stored, and expect them to be stored."""
        waiting, self._waiting = self._waiting, []
        for entry in waiting:
            entry.is_waiting = False
        self._waiting_of.clear()
        return waiting

    def put_back(self, entries: list[Entry]) -> None:
        """Let entries wait again that could not be stored."""
        for entry in entries:
            if not entry.is_waiting:
                self._wait(entry)

    def _wait(self, entry: Entry) -> None:
        entry.is_waiting = True
        self._waiting.append(entry)
        self._waiting_of[entry.tenant] += 1

    def _begin_window(self, at: datetime) -> None:
        self._window_begins, self._window_ends = at, at + WINDOW
        self._entries.clear()
        self._spent.clear()

    def _opened(
        self, key: Hashable, sighting: Sighting, at: datetime, leaf: int, network: str, *, is_owned: bool
    ) -> Entry:
        tenant, code, address = sighting.tenant, sighting.code, sighting.origin.address
        has_room = len(self._waiting) < MAX_WAITING and self._waiting_of[tenant] < MAX_WAITING_OF_TENANT
        if has_room and (code == ADMITTED or self._spend(_accounts(sighting, leaf, network, is_owned=is_owned))):
            return self._remembered(key, Entry(tenant, code, address, at, at, sighting))
        summary_key = (tenant, code, network)
        if summary_key in self._entries:
            return self._entries[summary_key]
        if has_room and self._spend([((tenant, "summaries"), MAX_SUMMARIES_OF_TENANT)]):
            return self._remembered(summary_key, Entry(tenant, code, address, at, at, None))
        summary_key = (tenant, code, "")
        if summary_key in self._entries:
            return self._entries[summary_key]
        return self._remembered(summary_key, Entry(tenant, code, None, at, at, None))

    def _spend(self, accounts: list[tuple[Hashable, int]]) -> bool:
        """Take one from every account, or nothing when one is exhausted."""
        for account, limit in accounts:
            if self._spent[account] >= limit:
                return False
        if len(self._spent) > MAX_ACCOUNTS:
            return False
        self._spent.update(account for account, _ in accounts)
        return True

    def _remembered(self, key: Hashable, entry: Entry) -> Entry:
        self._entries[key] = entry
        if len(self._entries) > MAX_REMEMBERED:
            self._entries.popitem(last=False)
        return entry


def _accounts(sighting: Sighting, leaf: int, network: str, *, is_owned: bool) -> list[tuple[Hashable, int]]:
    tenant, code = sighting.tenant, sighting.code
    accounts: list[tuple[Hashable, int]] = [((tenant, leaf), MAX_OF_LEAF)] if leaf != NO_LEAF else []
    if not is_owned:
        accounts += [((tenant, code, network), MAX_UNOWNED_OF_NETWORK), (tenant, MAX_UNOWNED_OF_TENANT)]
    return accounts


def network_of(address: str) -> str:
    """Return what counts as one address: an IPv4 address, or the first half of an IPv6 address."""
    if ":" not in address:
        return address
    return socket.inet_pton(socket.AF_INET6, address.partition("%")[0])[:8].hex(":", 2)
