"""MQTT over mutual TLS as one part of a node: its listener, its sessions, the shared commit."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import structlog

from certinel.bus.messages import (
    CredentialsChanged,
    DeviceUserChanged,
    OptionChanged,
    RevocationChanged,
    TenantChanged,
    TrustChanged,
)
from certinel.domain.admission import Admission
from certinel.domain.errors import Code, Refusal
from certinel.domain.identifiers import DEVICE_USER_PREFIX, DeviceId, TenantId, device_user_name
from certinel.domain.revocation import OFFLINE_CHECK, ONLINE_CHECK
from certinel.domain.trust_store import DeviceUserState
from certinel.gateway.connection import MqttConnection
from certinel.gateway.crowd import Crowd
from certinel.gateway.deadlines import Deadlines
from certinel.gateway.limits import ListenerOptions
from certinel.gateway.listener import Listener
from certinel.gateway.sessions import Session, Sessions
from certinel.gateway.surroundings import GatewayOptions, Surroundings
from certinel.gateway.tls import ServerTls
from certinel.gateway.unfinished import report_handshake_failure
from certinel.services import device_messages
from certinel.services.admission import judge, register
from certinel.services.device_messages import DeviceMessage, Reply
from certinel.services.platform import Platform
from certinel.storage.group_commit import GroupCommit

logger = structlog.get_logger(__name__)

SWEEP_SECONDS = 1.0
"""How often ended certificates are looked for; a session outlives its certificate by no more than this."""


SESSIONS_AT_A_TIME = 2
"""How many sessions are judged again before other connections have their turn: some 0.3 ms when all of them end.
Between a message and its acknowledgement lie about twenty such turns, so more of them at a time would be felt."""

WITHDRAWALS_LOGGED = 100
"""Sessions that one change ends are logged one by one up to so many; the rest is counted."""


class Gateway:
    """The part of a node that devices talk to."""

    def __init__(
        self,
        platform: Platform,
        tls: ServerTls,
        options: GatewayOptions,
        listener_options: ListenerOptions,
        crowd: Crowd | None = None,
    ) -> None:
        crowd = crowd or Crowd(tenant_of_domain=platform.trust.tenant_of_domain)
        self._platform = platform
        self._telemetry: GroupCommit[DeviceMessage, Sequence[Reply]] = GroupCommit(
            platform.database, device_messages.store
        )
        self._registrations: GroupCommit[Admission, None] = GroupCommit(platform.database, partial(register, platform))
        most = int(listener_options.max_connections * options.session_share_of_tenant)
        self._sessions = Sessions(platform.presence, max_of_tenant=max(most, 1))
        self._around = Surroundings(
            platform=platform,
            options=options,
            telemetry=self._telemetry,
            registrations=self._registrations,
            sessions=self._sessions,
            crowd=crowd,
            awaiting_connect=Deadlines(options.connect_seconds, lambda waiting: waiting.connect_overdue()),
        )
        self._listener = Listener(
            lambda: MqttConnection(self._around),
            tls=tls,
            options=listener_options,
            crowd=crowd,
            is_for_devices=True,
            on_handshake_failed=lambda failure, peer: report_handshake_failure(self._around, failure, peer),
        )
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def port(self) -> int:
        """The port devices connect to."""
        return self._listener.port

    @property
    def session_count(self) -> int:
        """How many devices are connected."""
        return len(self._sessions)

    async def start(self, host: str, port: int) -> None:
        """Take connections.

        Raises:
            PortUnavailableError: something else listens there.
        """
        bus = self._platform.bus
        bus.subscribe(TrustChanged, self._look_again_at_trust)
        bus.subscribe(TenantChanged, self._look_again_at_tenant)
        bus.subscribe(DeviceUserChanged, self._look_again_at_device)
        bus.subscribe(CredentialsChanged, self._end_password_sessions)
        bus.subscribe(RevocationChanged, self._look_again_at_revocation)
        bus.subscribe(OptionChanged, self._look_again_at_option)
        await self._listener.start(host, port)
        self._tasks = [
            asyncio.create_task(self._telemetry.run()),
            asyncio.create_task(self._registrations.run()),
        ]
        self._sweeping = asyncio.create_task(self._sweep())

    async def stop(self, grace_seconds: float) -> None:
        """Refuse new connections, finish what is in flight, tell the devices, and end."""
        await self._listener.close(grace_seconds)
        if self._tasks:
            await self._registrations.close()
            await self._telemetry.close()  # wills and publishes of the last moment
            self._sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeping
            await asyncio.gather(*self._tasks)
            self._tasks.clear()
        await self._around.cancel_work()

    async def _look_again_at_trust(self, message: TrustChanged) -> None:
        """A trusted certificate can concern devices of other tenants too: who has proven possession displaces them."""
        trusted = self._platform.trust.trusted_certificates(message.tenant)
        subjects = {one.certificate.subject for one in trusted} if message.subject is None else {message.subject}
        for subject in subjects:
            await self._judge_all_again(self._sessions.of_name(subject))

    async def _look_again_at_tenant(self, message: TenantChanged) -> None:
        await self._judge_all_again(self._sessions.of_tenant(message.tenant))

    async def _look_again_at_option(self, message: OptionChanged) -> None:
        if (message.category, message.key) in {OFFLINE_CHECK, ONLINE_CHECK}:
            await self._look_again_at_revocation(RevocationChanged(message.tenant))

    async def _look_again_at_revocation(self, message: RevocationChanged) -> None:
        """Judge those again whose path is refused now: revocation touches nobody else, and asking it is cheap."""
        await self._judge_all_again(self._sessions.of_tenant(message.tenant), self._is_refused_by_revocation)

    def _is_refused_by_revocation(self, session: Session) -> bool:
        admission = session.identity.admission
        if admission is None:
            return False
        revocation = self._platform.trust.revocation(admission.tenant)
        return revocation.refusal(admission.path, admission.tenant, self._platform.clock.now()) is not None

    async def _judge_all_again(
        self, sessions: list[Session], is_concerned: Callable[[Session], bool] = lambda _: True
    ) -> None:
        """Judge ``sessions``, and leave nothing in the list."""
        withdrawn = 0
        for number, session in enumerate(sessions, start=1):
            refusal = self._refusal_of(session) if is_concerned(session) else None
            if refusal is not None:
                withdrawn += 1
                if withdrawn <= WITHDRAWALS_LOGGED:
                    _log_withdrawal(session, refusal)
                session.withdraw(refusal)
            if number % SESSIONS_AT_A_TIME == 0:
                await asyncio.sleep(0)  # everybody else's messages flow meanwhile
        if withdrawn > WITHDRAWALS_LOGGED:
            logger.warning("devices.withdrawn", count=withdrawn, not_logged=withdrawn - WITHDRAWALS_LOGGED)
        while sessions:  # only now, and no more at a time: to free a session takes a third as long as to end it
            del sessions[-SESSIONS_AT_A_TIME:]
            await asyncio.sleep(0)

    async def _look_again_at_device(self, message: DeviceUserChanged) -> None:
        device = DeviceId(message.user_name.removeprefix(DEVICE_USER_PREFIX))
        session = self._sessions.of_device(message.tenant, device)
        if session is not None:
            self._judge_again(session)

    async def _end_password_sessions(self, message: CredentialsChanged) -> None:
        """End what a user began with a password; whether another session may begin is asked when it does."""
        for session in self._sessions_that_may_be_of(message.tenant, message.user_name):
            if session.identity.admission is None and session.identity.user_name == message.user_name:
                _withdraw(session, Refusal(Code.WRONG_PASSWORD, tenant=message.tenant))

    def _sessions_that_may_be_of(self, tenant: TenantId, user_name: str) -> list[Session]:
        """People may be connected as any device of their tenant, device users only as their own."""
        if not user_name.startswith(DEVICE_USER_PREFIX):
            return self._sessions.of_tenant(tenant)
        session = self._sessions.of_device(tenant, DeviceId(user_name.removeprefix(DEVICE_USER_PREFIX)))
        return [session] if session is not None else []

    def _judge_again(self, session: Session) -> None:
        """End a session that would not be admitted any more."""
        refusal = self._refusal_of(session)
        if refusal is not None:
            _withdraw(session, refusal)

    def _refusal_of(self, session: Session) -> Refusal | None:
        """Return why a session would not be admitted any more, or not by this tenant.

        If it would be, it goes on by the path that admits it now.
        """
        identity = session.identity
        if identity.admission is None:
            return self._refusal_of_password_session(session)
        verdict = judge(self._platform, identity.attempt)
        if isinstance(verdict, Refusal):
            return verdict
        if verdict.tenant != identity.tenant:
            facts = {"name": identity.admission.trusted.label, "why": "another tenant has a better claim on the device"}
            return Refusal(Code.NEEDS_PROOF, facts, tenant=identity.tenant)
        if verdict.must_register:
            return Refusal(Code.REGISTRATION_REQUIRED, {"device": identity.device}, tenant=identity.tenant)
        if verdict.path != identity.admission.path:
            self._sessions.go_on(session, verdict)
        return None

    def _refusal_of_password_session(self, session: Session) -> Refusal | None:
        """Return why a session that began with a password may not go on: its tenant or its device is kept out now."""
        identity, trust = session.identity, self._platform.trust
        tenant = trust.tenant(identity.tenant)
        if tenant is None or not tenant.is_active:
            return Refusal(Code.TENANT_SUSPENDED, {"tenant": identity.tenant}, tenant=identity.tenant)
        is_device = identity.user_name == device_user_name(identity.device)
        match trust.device_user(identity.tenant, identity.device):
            case DeviceUserState.DISABLED:
                return Refusal(Code.DEVICE_DISABLED, {"device": identity.device}, tenant=identity.tenant)
            case DeviceUserState.UNKNOWN if is_device:
                return Refusal(Code.WRONG_PASSWORD, tenant=identity.tenant)
            case DeviceUserState.UNKNOWN | DeviceUserState.ENABLED:
                return None

    async def _sweep(self) -> None:
        swept = self._platform.clock.now()
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = self._platform.clock.now()
            for session in self._sessions.expired(now):
                self._judge_again(session)
            for tenant in self._platform.trust.tenants_whose_lists_end(swept, now):
                await self._look_again_at_revocation(RevocationChanged(tenant))
            for subject in self._platform.trust.subjects_whose_claims_end(swept, now):
                # another tenant's claim can be the best now
                await self._judge_all_again(self._sessions.of_name(subject))
            swept = now


def _withdraw(session: Session, refusal: Refusal) -> None:
    _log_withdrawal(session, refusal)
    session.withdraw(refusal)


def _log_withdrawal(session: Session, refusal: Refusal) -> None:
    identity = session.identity
    facts = {"tenant": identity.tenant, "device": identity.device}
    logger.warning("device.withdrawn", code=refusal.code, reason=refusal.sentence, **facts)
