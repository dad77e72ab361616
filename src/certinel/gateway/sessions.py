"""The live sessions of this node: one a device, found by device and by tenant."""

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from weakref import ref

from certinel.domain.admission import Admission, ConnectAttempt
from certinel.domain.errors import Code, Refusal
from certinel.domain.identifiers import DeviceId, TenantId
from certinel.domain.role import Principal
from certinel.services.presence import Presence


@dataclass(frozen=True, slots=True)
class BootstrapEntry:
    """With whose password a new device came in, and from where."""

    principal: Principal
    address: str


@dataclass(slots=True)
class SessionIdentity:
    """Who is at the other end of a live session, and by what right. The right is all that ever changes."""

    tenant: TenantId
    device: DeviceId
    user_name: str
    attempt: ConnectAttempt
    admission: Admission | None
    """By what it goes on, see `Sessions.go_on`; None for a session that began with a password."""
    bootstrap: BootstrapEntry | None = None
    """For a new device that asks for credentials of its own, and may do nothing else."""
    names: frozenset[bytes] = frozenset()
    """Subjects and issuers of the presented certificates: a trusted certificate of one of these names can matter."""


class Session(Protocol):
    """What the registry needs of a connection."""

    @property
    def identity(self) -> SessionIdentity:
        """Who is connected."""
        ...

    def take_over(self) -> None:
        """End, because the device has connected again."""

    def withdraw(self, refusal: Refusal) -> None:
        """End, because the device would not be admitted any more."""


MIN_ENDS_SWEPT = 1_000
"""Fewer than this are not worth looking through."""


class Sessions:
    """Who is connected to this node right now. A session that has ended is not kept in memory."""

    def __init__(self, presence: Presence, max_of_tenant: int) -> None:
        """``presence`` is told which devices come and go."""
        self._presence = presence
        self._max_of_tenant = max_of_tenant
        self._by_device: dict[TenantId, dict[DeviceId, Session]] = {}
        self._by_name: dict[bytes, set[Session]] = {}
        self._ends: list[tuple[datetime, int, ref[Session]]] = []
        """A heap. Those of sessions that are gone, or go on otherwise, stay in it until it is swept: certificates last
        for years."""
        self._swept_at = MIN_ENDS_SWEPT
        self._order = itertools.count()

    def __len__(self) -> int:
        return sum(len(sessions) for sessions in self._by_device.values())

    def refusal_of(self, tenant: TenantId, device: DeviceId) -> Refusal | None:
        """Return why a device may not have a session now: its tenant has taken all places that it may take.

        A device that has a session already comes in the place of that one.
        """
        of_tenant = self._by_device.get(tenant, {})
        if len(of_tenant) < self._max_of_tenant or device in of_tenant:
            return None
        reason = f"the tenant has {self._max_of_tenant} live sessions on this node, which is as many as it may have"
        return Refusal(Code.TRY_LATER, {"reason": reason}, tenant=tenant)

    def add(self, session: Session) -> None:
        """Register a session that is not refused; an earlier one of the same device ends."""
        identity = session.identity
        of_tenant = self._by_device.setdefault(identity.tenant, {})
        earlier = of_tenant.get(identity.device)
        of_tenant[identity.device] = session
        if identity.bootstrap is None:  # else it is no device yet
            self._presence.arrived(identity.tenant, identity.device)
        if identity.admission is not None:
            self._note_end(session, identity.admission)
        for name in identity.names:
            self._by_name.setdefault(name, set()).add(session)
        if earlier is not None:
            self._forget_names(earlier)
            earlier.take_over()

    def go_on(self, session: Session, admission: Admission) -> None:
        """Let a session go on by another path than before: by a renewed CA, say. It ends when that one does."""
        session.identity.admission = admission
        self._note_end(session, admission)

    def _note_end(self, session: Session, admission: Admission) -> None:
        heapq.heappush(self._ends, (admission.valid_until, next(self._order), ref(session)))
        if len(self._ends) > self._swept_at:
            self._sweep_ends()

    def remove(self, session: Session) -> None:
        """Forget a session that has ended; one that was taken over is forgotten already."""
        identity = session.identity
        of_tenant = self._by_device.get(identity.tenant, {})
        if of_tenant.get(identity.device) is session:
            del of_tenant[identity.device]
            self._presence.left(identity.tenant, identity.device)
        self._forget_names(session)

    def _forget_names(self, session: Session) -> None:
        for name in session.identity.names:
            of_name = self._by_name.get(name, set())
            of_name.discard(session)
            if not of_name:
                self._by_name.pop(name, None)

    def _sweep_ends(self) -> None:
        self._ends = [
            (session.identity.admission.valid_until, next(self._order), ref(session))
            for session in self.all()
            if session.identity.admission is not None
        ]
        heapq.heapify(self._ends)
        self._swept_at = max(MIN_ENDS_SWEPT, 2 * len(self._ends))

    def is_live(self, session: Session) -> bool:
        """Tell whether ``session`` is the one that its device has now."""
        return self._by_device.get(session.identity.tenant, {}).get(session.identity.device) is session

    def of_tenant(self, tenant: TenantId) -> list[Session]:
        """Return the sessions of a tenant's devices."""
        return list(self._by_device.get(tenant, {}).values())

    def of_name(self, name: bytes) -> list[Session]:
        """Return the sessions, of whatever tenant, that a trusted certificate with this subject can concern."""
        return list(self._by_name.get(name, ()))

    def of_device(self, tenant: TenantId, device: DeviceId) -> Session | None:
        """Return the session of a device."""
        return self._by_device.get(tenant, {}).get(device)

    def all(self) -> Iterator[Session]:
        """Yield every session; changes while looping are not allowed."""
        return itertools.chain.from_iterable(sessions.values() for sessions in self._by_device.values())

    def expired(self, at: datetime) -> list[Session]:
        """Take out and return the live sessions of which a certificate of the path has ended by ``at``."""
        ended = []
        while self._ends and self._ends[0][0] < at:
            session = heapq.heappop(self._ends)[2]()
            if session is not None and self.is_live(session):
                ended.append(session)
        return ended
