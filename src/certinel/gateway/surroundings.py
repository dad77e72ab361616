"""What every connection of a node shares."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from certinel.domain.admission import Admission
from certinel.domain.identifiers import TenantId
from certinel.gateway.crowd import Crowd
from certinel.gateway.deadlines import Deadlines
from certinel.gateway.sessions import Sessions
from certinel.mqtt.limits import SessionLimits
from certinel.services.device_messages import DeviceMessage, Reply
from certinel.services.platform import Platform
from certinel.storage.group_commit import GroupCommit

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayOptions:
    """How MQTT connections are treated."""

    connect_seconds: float
    """From the end of the TLS handshake to the CONNECT."""
    idle_seconds: float
    """Silence after which a client without keep-alive is disconnected; 0 for never."""
    limits: SessionLimits
    session_share_of_tenant: float = 0.9
    """The part of the listener's connections that live sessions of one tenant may take, one at least."""


class Overdue(Protocol):
    """A connection that waits for its CONNECT."""

    def connect_overdue(self) -> None:
        """It did not come in time."""


@dataclass(kw_only=True)
class Surroundings:
    """The parts of the node that connections work with."""

    platform: Platform
    options: GatewayOptions
    telemetry: GroupCommit[DeviceMessage, Sequence[Reply]]
    registrations: GroupCommit[Admission, None]
    sessions: Sessions
    crowd: Crowd
    awaiting_connect: Deadlines[Overdue]
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def spawn(self, coroutine: Coroutine[None, None, None], ended: Callable[[], None] | None = None) -> None:
        """Run work of one connection; a mistake in it is logged and hurts nobody else."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        if ended is not None:
            task.add_done_callback(lambda _: ended())

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("connection.work_failed", exc_info=error)

    async def cancel_work(self) -> None:
        """End all work that is still under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def token_host(self, server_name: str | None, tenant: TenantId) -> str:
        """Return the host name that a token of ``tenant`` names as its issuer (mqtt.md section 4).

        Agents compare it with the name they are configured with, which the TLS server name tells best, as long as it is
        one of ours: REST takes no token that is made out to anybody else.
        """
        if server_name and self.platform.is_host_of(tenant, server_name):
            return server_name
        facts = self.platform.trust.tenant(tenant)
        return (facts.domain if facts else None) or self.platform.options.public_host
