"""The bus of one process."""

from certinel.bus.local import LocalBus
from certinel.bus.messages import DeviceUserChanged, Message, OptionChanged, TenantChanged, TrustChanged
from certinel.domain.identifiers import TenantId

T1 = TenantId("t1000")


class Recorder:
    """A subscriber that notes what it hears."""

    def __init__(self) -> None:
        self.heard: list[Message] = []

    async def hear(self, message: Message) -> None:
        self.heard.append(message)


async def failing(_: Message) -> None:
    raise ValueError("as meant by the test")


async def test_a_subscriber_hears_messages_of_its_kind_before_publish_returns() -> None:
    bus, recorder = LocalBus(), Recorder()
    bus.subscribe(TrustChanged, recorder.hear)
    await bus.publish(TrustChanged(T1))
    assert recorder.heard == [TrustChanged(T1)]


async def test_a_subscriber_hears_nothing_of_other_kinds() -> None:
    bus, recorder = LocalBus(), Recorder()
    bus.subscribe(TrustChanged, recorder.hear)
    for message in (TenantChanged(T1), DeviceUserChanged(T1, "device_a"), OptionChanged(T1, "a", "b")):
        await bus.publish(message)
    assert recorder.heard == []


async def test_subscribers_are_told_in_the_order_of_their_subscription() -> None:
    bus = LocalBus()
    order: list[str] = []

    async def first(_: TrustChanged) -> None:
        order.append("first")

    async def second(_: TrustChanged) -> None:
        order.append("second")

    bus.subscribe(TrustChanged, first)
    bus.subscribe(TrustChanged, second)
    await bus.publish(TrustChanged(T1))
    assert order == ["first", "second"]


async def test_a_failing_subscriber_does_not_stop_the_others() -> None:
    bus, recorder = LocalBus(), Recorder()
    bus.subscribe(TrustChanged, failing)
    bus.subscribe(TrustChanged, recorder.hear)
    await bus.publish(TrustChanged(T1))
    assert recorder.heard == [TrustChanged(T1)]


async def test_a_message_nobody_subscribed_to_is_no_error() -> None:
    await LocalBus().publish(TenantChanged(T1))
