"""What an admitted device does: its subscriptions, its publishes, its token requests.

Bytes, admission and the end of the connection are the connection's matter; here messages meet services.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial

import structlog

from certinel.domain.connection_attempt import Origin
from certinel.domain.errors import Code, Refusal
from certinel.domain.identifiers import TenantId
from certinel.gateway.entrance import report_refusal
from certinel.gateway.sessions import BootstrapEntry, SessionIdentity
from certinel.gateway.surroundings import Surroundings
from certinel.gateway.topics import (
    CREDENTIALS,
    ERRORS,
    TOKENS,
    BrokerNotice,
    CredentialsPoll,
    NotOffered,
    StaticTemplates,
    TokenRequest,
    is_downstream,
    may_subscribe,
    publish_topic,
)
from certinel.mqtt import (
    DeliveryOutcome,
    Published,
    ReasonCode,
    ServerSession,
    Subscribed,
    Unsubscribed,
    Will,
    is_shared,
    matches,
)
from certinel.services.admission import hand_out_token
from certinel.services.device_credentials import CredentialsRequest, collect
from certinel.services.device_messages import DeviceMessage, OwnerConflict, Reply
from certinel.services.login_attempts import TooManyAttemptsError
from certinel.services.new_device_requests import NewDeviceRequestNotFoundError
from certinel.services.passwords import PasswordsBusyError
from certinel.services.tenant_limits import DeviceLimitReachedError
from certinel.smartrest import Rejected, parse, responses
from certinel.storage.errors import StorageError
from certinel.storage.group_commit import GroupCommitClosedError

logger = structlog.get_logger(__name__)

MAX_SUBSCRIPTIONS = 100
"""The contract names about a dozen topics; templates add a few."""


MAX_ERRORS_PER_PUBLISH = 20
"""Error lines for one publish: a packet has room for thousands of wrong rows, and the first ones tell what is wrong."""


class TopicNotAllowedError(Exception):
    """A publish on a topic outside the contract; it ends the connection (mqtt.md 1.9)."""


class Dialogue:
    """One device's conversation after CONNACK."""

    def __init__(
        self,
        surroundings: Surroundings,
        session: ServerSession,
        identity: SessionIdentity,
        origin: Origin,
        *,
        answered: Callable[[], None],
        failed: Callable[[str], None],
    ) -> None:
        """``answered`` is called when there is output or room; ``failed`` when a message could not be stored."""
        self._around = surroundings
        self._session = session
        self._identity = identity
        self._answered = answered
        self._failed = failed
        self._origin = origin
        self._has_conflict = False
        self._subscriptions: dict[str, int] = {}
        self._under_way = 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing the device sent is still being worked on."""
        return self._under_way == 0

    def published(self, message: Published) -> None:
        """Act on a publish; it is acknowledged when its consequences are durable.

        Raises:
            TopicNotAllowedError: the topic means nothing to this platform.
        """
        bootstrap = self._identity.bootstrap
        match publish_topic(message.topic):
            case None:
                raise TopicNotAllowedError(message.topic)
            case BrokerNotice():
                self._stored(message.packet_id, ())
            case CredentialsPoll() if bootstrap is not None:
                self._work(self._hand_out_credentials(bootstrap, message.payload, message.packet_id))
            case _ if bootstrap is not None:
                self._turn_down(message, "is not for a device that has no credentials of its own yet")
            case CredentialsPoll():
                self._turn_down(message, "is for the bootstrap user only")
            case StaticTemplates() as templates:
                self._store(message.payload, message.packet_id, is_stored=templates.mode.is_stored)
            case TokenRequest():
                self._work(self._hand_out_token(message.packet_id))
            case NotOffered():
                self._turn_down(message, "is not offered by this platform")

    def _turn_down(self, message: Published, why: str) -> None:
        self._tell_error(responses.server_error("", f"Topic {message.topic[:64]} {why}"))
        if message.packet_id is not None:
            self._session.reject(message.packet_id, ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR)

    def publish_will(self, will: Will) -> None:
        """Act on the will of a device that has gone."""
        topic = publish_topic(will.topic)
        if isinstance(topic, StaticTemplates) and self._identity.bootstrap is None:
            self._store(will.payload, None, is_stored=topic.mode.is_stored)

    def _store(self, payload: bytes, packet_id: int | None, *, is_stored: bool) -> None:
        requests = parse(payload)
        if not is_stored:
            requests = [request for request in requests if isinstance(request, Rejected)]
        if all(isinstance(request, Rejected) for request in requests):
            self._stored(packet_id, [request for request in requests if isinstance(request, Rejected)])
            return
        identity = self._identity
        work = DeviceMessage(
            identity.tenant, identity.device, identity.user_name, requests, self._around.platform.clock.now()
        )
        try:
            future = self._around.telemetry.offer(work)
        except GroupCommitClosedError as error:
            self._failed(str(error))
            return
        if future is None:
            self._work(self._store_when_there_is_room(work, packet_id))
            return
        self._under_way += 1
        future.add_done_callback(partial(self._committed, packet_id))

    async def _store_when_there_is_room(self, work: DeviceMessage, packet_id: int | None) -> None:
        try:
            replies = await self._around.telemetry.submit(work)
        except (StorageError, GroupCommitClosedError) as error:
            self._failed(str(error))
            return
        self._stored(packet_id, replies)

    def _committed(self, packet_id: int | None, future: asyncio.Future[Sequence[Reply]]) -> None:
        self._under_way -= 1
        error = future.exception()
        if error is None:
            self._stored(packet_id, future.result())
            return
        if not isinstance(error, StorageError | GroupCommitClosedError):
            logger.error("publish.work_failed", exc_info=error, **self._who)
        self._failed(str(error))

    def _stored(self, packet_id: int | None, replies: Sequence[Rejected]) -> None:
        for reply in replies[:MAX_ERRORS_PER_PUBLISH]:
            self._tell_error(reply)
            if isinstance(reply, OwnerConflict) and not self._has_conflict:
                self._has_conflict = True
                self._report(reply)
        untold = len(replies) - MAX_ERRORS_PER_PUBLISH
        if untold > 0:
            self._tell_error(responses.server_error("", f"{untold} more rows were not carried out"))
        if packet_id is not None:
            self._session.acknowledge(packet_id)
        self._answered()

    def _report(self, conflict: OwnerConflict) -> None:
        """Let the tenant see why a device that is connected stores nothing; once a session."""
        identity = self._identity
        facts = {"device": identity.device, "owner": conflict.owner}
        refusal = Refusal(Code.OWNER_CONFLICT, facts, tenant=identity.tenant)
        report_refusal(self._around, refusal, identity.attempt, self._origin)

    async def _hand_out_token(self, packet_id: int | None) -> None:
        admission = self._identity.admission
        try:
            if admission is None:
                self._tell_error(responses.NO_TOKEN_WITHOUT_CERTIFICATE)
            else:
                attempt = self._identity.attempt
                host = self._around.token_host(attempt.server_name, admission.tenant)
                token = await hand_out_token(self._around.platform, admission, attempt, host)
                self._deliver(TOKENS, responses.token(token))
        except StorageError as error:
            self._failed(str(error))
            return
        if packet_id is not None:
            self._session.acknowledge(packet_id)
        self._answered()

    async def _hand_out_credentials(self, by: BootstrapEntry, payload: bytes, packet_id: int | None) -> None:
        """Answer on ``s/dcr`` once the device was accepted, and not at all before: it asks again."""
        asked = CredentialsRequest(
            bootstrap=by.principal,
            device=self._identity.device,
            security_token=payload.decode("utf-8", "replace") or None,
            host=self._identity.attempt.server_name or "",
            address=by.address,
        )
        try:
            # they are handed out once, so only to a device that hears them
            if self._granted(CREDENTIALS):
                given = await collect(self._around.platform, asked)
                self._deliver(CREDENTIALS, responses.credentials(given.tenant, given.user_name, given.password))
        except NewDeviceRequestNotFoundError:
            pass
        except (TooManyAttemptsError, PasswordsBusyError, DeviceLimitReachedError) as error:
            self._tell_error(responses.server_error("", str(error)))
        except StorageError as error:
            self._failed(str(error))
            return
        if packet_id is not None:
            self._session.acknowledge(packet_id)
        self._answered()

    def subscribed(self, request: Subscribed) -> None:
        """Grant what a device may hear of; its own topics only, at most with the QoS it asks for."""
        codes: list[int] = []
        for subscription in request.subscriptions:
            topic_filter = subscription.topic_filter
            if is_shared(topic_filter):
                codes.append(ReasonCode.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED)
            elif not may_subscribe(topic_filter):
                codes.append(ReasonCode.NOT_AUTHORIZED)
            elif topic_filter not in self._subscriptions and len(self._subscriptions) >= MAX_SUBSCRIPTIONS:
                codes.append(ReasonCode.QUOTA_EXCEEDED)
            else:
                self._subscriptions[topic_filter] = subscription.qos
                codes.append(subscription.qos)
        self._session.grant(request.packet_id, codes)

    def unsubscribed(self, request: Unsubscribed) -> None:
        """Send no more on these filters."""
        for topic_filter in request.filters:
            self._subscriptions.pop(topic_filter, None)

    def _tell_error(self, error: Rejected) -> None:
        self._deliver(ERRORS, error.row())

    def _deliver(self, topic: str, line: str) -> None:
        """Send one copy, with the best QoS of the subscriptions that match; nothing when none does."""
        granted = self._granted(topic)
        if not granted or not is_downstream(topic):
            return
        outcome = self._session.deliver(topic, line.encode(), max(granted))
        if outcome in {DeliveryOutcome.NO_ROOM, DeliveryOutcome.TOO_LARGE}:
            logger.warning("delivery.dropped", topic=topic, reason=outcome.value, **self._who)

    def _granted(self, topic: str) -> list[int]:
        """Return the QoS of every subscription that reaches ``topic``."""
        return [qos for one, qos in self._subscriptions.items() if one == topic or matches(one, topic)]

    @property
    def _who(self) -> dict[str, str | TenantId]:
        return {"tenant": self._identity.tenant, "device": self._identity.device}

    def _work(self, coroutine: Coroutine[None, None, None]) -> None:
        self._under_way += 1
        self._around.spawn(coroutine, self._worked)

    def _worked(self) -> None:
        self._under_way -= 1
        self._answered()
