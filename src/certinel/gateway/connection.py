"""One MQTT connection: bytes from TLS, admission, keep-alive, and the end.

What an admitted device then does is the dialogue's matter; whether it is admitted is the domain's.
"""

import asyncio
from enum import Enum, auto
from functools import partial
from typing import cast

import structlog
from typing_extensions import override

from certinel.domain.admission import Admission, ConnectAttempt
from certinel.domain.connection_attempt import Origin
from certinel.domain.errors import Code, Refusal
from certinel.gateway.answers import connect_answer
from certinel.gateway.dialogue import Dialogue, TopicNotAllowedError
from certinel.gateway.entrance import admitted, password_session, report_admission, report_departure, report_refusal
from certinel.gateway.handshake import HandshakeFailure, HandshakeFault
from certinel.gateway.limits import network_of
from certinel.gateway.sessions import SessionIdentity
from certinel.gateway.shares import NOTHING_RESERVED
from certinel.gateway.surroundings import Surroundings
from certinel.gateway.unfinished import report_handshake_failure, report_silence
from certinel.mqtt import (
    Connect,
    Connected,
    Delivered,
    Disconnected,
    Event,
    Phase,
    ProtocolFailed,
    ProtocolVersion,
    ReasonCode,
    ServerSession,
    Subscribed,
    Unsubscribed,
)
from certinel.mqtt.packets import Publish
from certinel.services.admission import Applicant, applicant_of, judge_now
from certinel.storage.errors import StorageError

logger = structlog.get_logger(__name__)

KEEP_ALIVE_GRACE = 1.5
"""A client may be silent for one and a half keep-alive times (MQTT 3.1.1, 3.1.2.10)."""

MAX_3_1_CLIENT_ID = 23
"""MQTT 3.1 allows no longer client id; the contract lets a server refuse one (mqtt.md 1.3), we do not."""


class Farewell(Enum):
    """How a connection ended, which decides about the will."""

    LOST = auto()
    """Without a word from the client, or by its fault: the will is due."""
    GRACEFUL = auto()
    STOPPING = auto()
    """The node stops: the device will find another one or come back."""
    WITHDRAWN = auto()
    """The device is not admitted any more, and so is its will."""


class MqttConnection(asyncio.Protocol):
    """The protocol behind TLS on port 8883."""

    __slots__ = (
        "__weakref__",
        "_around",
        "_dialogue",
        "_farewell",
        "_heard_at",
        "_identity",
        "_is_paused",
        "_is_settling",
        "_is_stopping",
        "_is_unsettled",
        "_network",
        "_request",
        "_session",
        "_silence_timer",
        "_transport",
    )

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._session = ServerSession(surroundings.options.limits)
        self._request: Connect | None = None
        self._identity: SessionIdentity | None = None
        self._dialogue: Dialogue | None = None
        self._farewell = Farewell.LOST
        self._silence_timer: asyncio.TimerHandle | None = None
        self._heard_at = 0.0
        self._is_paused = False
        self._is_settling = False
        self._is_stopping = False
        self._is_unsettled = False

    @property
    def identity(self) -> SessionIdentity:
        """Who is connected; only to be asked of a session that was admitted."""
        if self._identity is None:
            raise ValueError("this connection has not been admitted")
        return self._identity

    # ---- what TLS tells

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._network = network_of(self._address)
        self._is_unsettled = self._around.crowd.arrive(self._network, self)
        if self._is_unsettled:
            self._around.awaiting_connect.start(self)
        else:
            self.make_room()

    @override
    def data_received(self, data: bytes) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        self._act_on(self._session.receive(data))

    @override
    def eof_received(self) -> bool | None:
        return None

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._around.awaiting_connect.stop(self)
        self._settled()
        if self._silence_timer is not None:
            self._silence_timer.cancel()
        if self._identity is not None:
            self._around.sessions.remove(self)
            report_departure(self._around, self._identity)
            will = self._request.will if self._request is not None else None
            if will is not None and self._dialogue is not None and self._farewell is Farewell.LOST:
                self._dialogue.publish_will(will)
            if self._farewell is not Farewell.WITHDRAWN:  # which has its own line, and comes in thousands
                logger.info("device.disconnected", how=self._farewell.name.lower(), **self._who)
            self._dialogue = None  # breaks the cycle of references: memory, that of TLS above all, is returned at once

    @override
    def pause_writing(self) -> None:
        """The client does not take what is sent to it: read nothing more from it until it does."""
        self._transport.pause_reading()
        self._is_paused = True

    @override
    def resume_writing(self) -> None:
        self._is_paused = False
        self._resume_when_ready()

    def shutdown(self) -> None:
        """The node stops: finish what the client has sent, tell it, close."""
        self._is_stopping = True
        self._transport.pause_reading()
        self._stop_when_idle()

    # ---- what the node tells

    def take_over(self) -> None:
        """End, because the device has connected again."""
        self._end(Farewell.LOST, ReasonCode.SESSION_TAKEN_OVER, "the device has connected again")

    def withdraw(self, refusal: Refusal) -> None:
        """End, because the device would not be admitted any more."""
        self._end(Farewell.WITHDRAWN, ReasonCode.NOT_AUTHORIZED, refusal.told_reason)

    def make_room(self) -> None:
        """End, because too many connections wait to be answered."""
        self._settled()
        report_handshake_failure(self._around, HandshakeFailure(HandshakeFault.OVERLOAD), (self._address,))
        self._transport.abort()

    def connect_overdue(self) -> None:
        """No CONNECT came in time."""
        logger.info("connection.silent", address=self._address)
        report_silence(self._around, self._origin)
        self._transport.abort()

    # ---- what MQTT says

    def _act_on(self, events: list[Event]) -> None:
        for event in events:
            self._act(event)
        self._flush()

    def _act(self, event: Event) -> None:
        match event:
            case Publish() if self._dialogue is not None:
                try:
                    self._dialogue.published(event)
                except TopicNotAllowedError as error:
                    logger.warning("publish.topic_not_allowed", topic=str(error)[:128], **self._who)
                    self._end(Farewell.LOST, ReasonCode.TOPIC_NAME_INVALID, "the topic is not part of this platform")
            case Subscribed() if self._dialogue is not None:
                self._dialogue.subscribed(event)
            case Unsubscribed() if self._dialogue is not None:
                self._dialogue.unsubscribed(event)
            case Connected(request):
                self._around.awaiting_connect.stop(self)
                self._request = request
                self._stand_in_line(request)
            case Disconnected(publish_will):
                self._farewell = Farewell.LOST if publish_will else Farewell.GRACEFUL
                self._flush()
                self._transport.close()
            case ProtocolFailed(error):
                known = self._identity
                tenant, attempt = (known.tenant, known.attempt) if known is not None else (None, None)
                refusal = Refusal(Code(error.code), {"reason": str(error)}, tenant=tenant)
                report_refusal(self._around, refusal, attempt, self._origin)
                self._flush()
                self._transport.close()
            case Delivered() | Publish() | Subscribed() | Unsubscribed():
                pass

    def _flush(self) -> None:
        output = self._session.take_output()
        if output:
            self._transport.write(output)
        if self._session.should_pause_reading and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def _answered(self) -> None:
        """Something the client sent has been dealt with; what one commit answers is written together."""
        if not self._is_settling:
            self._is_settling = True
            asyncio.get_running_loop().call_soon(self._settle)

    def _settle(self) -> None:
        self._is_settling = False
        self._flush()
        self._resume_when_ready()
        if self._is_stopping:
            self._stop_when_idle()

    def _resume_when_ready(self) -> None:
        if self._is_paused and not self._session.should_pause_reading and not self._is_stopping:
            self._is_paused = False
            self._transport.resume_reading()

    # ---- the entrance

    def _stand_in_line(self, request: Connect) -> None:
        """Have the CONNECT decided when it is this device's turn among those of its tenant."""
        attempt = ConnectAttempt(
            presented=self._transport.get_extra_info("presented_chain", ()),
            client_id=request.client_id,
            user_name=request.user_name,
            server_name=self._transport.get_extra_info("server_name"),
        )
        applicant = applicant_of(self._around.platform, attempt)
        enter = partial(self._enter, request, attempt, applicant)
        self._around.crowd.take_turn(applicant.tenant, self._network, enter)

    def _enter(self, request: Connect, attempt: ConnectAttempt, applicant: Applicant) -> None:
        if self._transport.is_closing():
            return
        # from here on counts whose device it proves to be; nobody comes between who could take the room
        self._transport.get_extra_info("reservation", NOTHING_RESERVED).give_back()
        if not attempt.presented and request.password is not None:
            self._around.spawn(self._enter_with_password(attempt, request))
            return
        crowd = self._around.crowd
        held_up = crowd.hold_up(applicant, self._network)
        if held_up is not None:
            self._refuse(held_up, attempt)
            return
        verdict = judge_now(self._around.platform, attempt)
        if isinstance(verdict, Refusal):
            crowd.refused(applicant, self._network, verdict)
        else:
            beyond = self._around.sessions.refusal_of(verdict.tenant, verdict.device)
            verdict = crowd.admitted(applicant, self._network, verdict.tenant) or beyond or verdict
        match verdict:
            case Refusal():
                self._refuse(verdict, attempt)
            case Admission(must_register=True):
                self._around.spawn(self._enter_registering(attempt, verdict))
            case Admission():
                self._admit(admitted(self._around, attempt, verdict))

    async def _enter_registering(self, attempt: ConnectAttempt, admission: Admission) -> None:
        try:
            await self._around.registrations.submit(admission)
        except StorageError as error:
            self._refuse(Refusal(Code.TRY_LATER, {"reason": str(error)}, tenant=admission.tenant), attempt)
            return
        # what was true before the database answered may have changed meanwhile
        verdict = judge_now(self._around.platform, attempt)
        if isinstance(verdict, Refusal):
            self._refuse(verdict, attempt)
        elif verdict.must_register:  # the device has changed its tenant meanwhile
            self._refuse(Refusal(Code.TRY_LATER, {"reason": "trust has just changed"}, tenant=verdict.tenant), attempt)
        else:
            self._admit(admitted(self._around, attempt, verdict))

    async def _enter_with_password(self, attempt: ConnectAttempt, request: Connect) -> None:
        password = (request.password or b"").decode("utf-8", "replace")
        try:
            verdict = await password_session(self._around, attempt, password, self._address)
        except StorageError as error:
            verdict = Refusal(Code.TRY_LATER, {"reason": str(error)})
        if isinstance(verdict, Refusal):
            self._refuse(verdict, attempt)
        else:
            self._admit(verdict)

    def _admit(self, identity: SessionIdentity) -> None:
        if self._transport.is_closing() or self._session.phase is not Phase.DECIDING:
            return
        beyond = self._around.sessions.refusal_of(identity.tenant, identity.device)
        if beyond is not None:
            self._refuse(beyond, identity.attempt)
            return
        self._settled()
        self._identity = identity
        self._dialogue = Dialogue(
            self._around, self._session, identity, self._origin, answered=self._answered, failed=self._storage_failed
        )
        self._around.sessions.add(self)
        logger.info("device.connected", address=self._address, **self._who)
        report_admission(self._around, identity, self._origin)
        events = self._session.accept()
        self._watch_silence()
        self._act_on(events)
        self._resume_when_ready()

    def _settled(self) -> None:
        if self._is_unsettled:
            self._is_unsettled = False
            self._around.crowd.settle(self._network, self)

    def _refuse(self, refusal: Refusal, attempt: ConnectAttempt) -> None:
        self._settled()
        report_refusal(self._around, refusal, attempt, self._origin)
        if self._session.phase is Phase.DECIDING:
            self._session.refuse(connect_answer(refusal.code), refusal.told_reason)
        self._flush()
        self._transport.close()

    # ---- silence

    def _watch_silence(self) -> None:
        keep_alive = self._session.keep_alive
        allowed = keep_alive * KEEP_ALIVE_GRACE or self._around.options.idle_seconds
        if allowed:
            self._wait_for_word(allowed)

    def _wait_for_word(self, allowed: float) -> None:
        loop = asyncio.get_running_loop()
        remaining = self._heard_at + allowed - loop.time()
        # while reading is paused on our behalf, silence is not the client's fault
        if remaining > 0 or self._is_paused:
            self._silence_timer = loop.call_later(max(remaining, 1.0), self._wait_for_word, allowed)
            return
        self._end(Farewell.LOST, ReasonCode.KEEP_ALIVE_TIMEOUT, "nothing was heard within the keep-alive time")

    # ---- the end

    def _storage_failed(self, problem: str) -> None:
        """What the client sent is not stored, so it is not acknowledged; the client sends it again after connecting."""
        logger.error("publish.not_stored", problem=problem, **self._who)
        self._end(Farewell.LOST, ReasonCode.SERVER_UNAVAILABLE, "the platform cannot store messages at the moment")

    def _stop_when_idle(self) -> None:
        if self._dialogue is None or self._dialogue.is_idle:
            self._end(Farewell.STOPPING, ReasonCode.SERVER_SHUTTING_DOWN, "this node stops")

    def _end(self, farewell: Farewell, reason: ReasonCode, words: str) -> None:
        if self._transport.is_closing():
            return
        self._farewell = farewell
        self._session.disconnect(reason, words)
        self._flush()
        self._transport.close()

    @property
    def _address(self) -> str:
        peer = self._transport.get_extra_info("peername")
        return str(peer[0]) if peer else ""

    @property
    def _origin(self) -> Origin:
        version = self._session.version
        tls_version = self._transport.get_extra_info("tls_version")
        return Origin(self._address, tls_version, version.name if version is not None else None)

    @property
    def _who(self) -> dict[str, str]:
        identity, version = self._identity, self._session.version or ProtocolVersion.V3_1_1
        facts = {"mqtt": version.name}
        if identity is not None:
            facts |= {"tenant": identity.tenant, "device": identity.device}
        return facts
