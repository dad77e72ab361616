"""The bus of a single process: who publishes waits until everybody concerned has looked."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog

from certinel.bus.messages import Message

M = TypeVar("M", bound=Message)

logger = structlog.get_logger(__name__)


class LocalBus:
    """Hands a message to its subscribers, one after the other, in the order in which they subscribed.

    ``publish`` returns when all of them are done, so a REST call that changed something answers only when this process
    acts on it. A subscriber that fails is logged and does not keep the message from the others; it must see to its own
    recovery.
    """

    def __init__(self) -> None:
        self._handlers: dict[type, list[Callable[[Any], Awaitable[None]]]] = defaultdict(list)

    def subscribe(self, kind: type[M], handler: Callable[[M], Awaitable[None]]) -> None:
        """Call ``handler`` with every later message of exactly this ``kind``."""
        self._handlers[kind].append(handler)

    async def publish(self, message: Message) -> None:
        """Tell all subscribers and wait for them; never raises for what a subscriber does."""
        for handler in tuple(self._handlers[type(message)]):
            try:
                await handler(message)
            except Exception:  # one subscriber's fault is not the publisher's, nor the others'
                logger.exception("bus.subscriber_failed", message=type(message).__name__)
