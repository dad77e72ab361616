"""The topics that devices publish on and subscribe to (mqtt.md section 5.1)."""

import re
from dataclasses import dataclass
from enum import StrEnum

from certinel.mqtt.topics import matches


class Mode(StrEnum):
    """What happens with the content of a publish, by the first letter of its topic."""

    PERSISTENT = "s"
    TRANSIENT = "t"
    """For listeners of the moment only; nothing is stored."""
    QUIESCENT = "q"
    """Stored, and nobody is told."""
    CEP = "c"
    """For the event engine only; nothing is stored."""

    @property
    def is_stored(self) -> bool:
        """Whether measurements and the like of this mode are kept."""
        return self in {Mode.PERSISTENT, Mode.QUIESCENT}


ERRORS = "s/e"
TOKENS = "s/dat"
CREDENTIALS = "s/dcr"
DOWNSTREAM_TOPICS = frozenset(
    {"s/ds", "s/dd", "s/dt", TOKENS, CREDENTIALS, ERRORS, "error", "devicecontrol/notifications"}
)
"""What a device may subscribe to by name; every device has its own."""

_DOWNSTREAM_WITH_TEMPLATES = re.compile(r"s/(?:dc|dl|ol)/[^/]+")


@dataclass(frozen=True, slots=True)
class StaticTemplates:
    """``s/us`` and its modes: SmartREST rows of the static templates."""

    mode: Mode


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """``s/uat``: the device asks for a token."""


@dataclass(frozen=True, slots=True)
class CredentialsPoll:
    """``s/ucr``: a new device asks for its credentials; a payload is its security token."""


@dataclass(frozen=True, slots=True)
class NotOffered:
    """A topic of the contract that this version does not serve."""

    topic: str


@dataclass(frozen=True, slots=True)
class BrokerNotice:
    """``$SYS/…``: a bridge tells its own state there; it is taken and means nothing here."""


PublishTopic = BrokerNotice | StaticTemplates | TokenRequest | CredentialsPoll | NotOffered

_STATIC = {f"{mode}/us": StaticTemplates(mode) for mode in Mode}
_NOT_OFFERED = re.compile(
    r"[stqc]/(?:us/.+|u[cl]/.+|ud(?:/.+)?)"  # children, custom and default collections, SmartREST 1.0
    r"|s/ut/.+"
    r"|(?:[tqc]/)?/?(?:event/events|alarm/alarms|measurement/measurements|inventory/managedObjects)/.+"
)


def publish_topic(topic: str) -> PublishTopic | None:
    """Return what a publish on ``topic`` means, or None for a topic outside the contract."""
    static = _STATIC.get(topic)
    if static is not None:
        return static
    if topic == "s/uat":
        return TokenRequest()
    if topic == "s/ucr":
        return CredentialsPoll()
    if topic.startswith("$SYS/"):
        return BrokerNotice()
    return NotOffered(topic) if _NOT_OFFERED.fullmatch(topic) else None


def may_subscribe(topic_filter: str) -> bool:
    """Tell whether a device may subscribe to ``topic_filter``: to its downstream topics, wildcards included."""
    if topic_filter in DOWNSTREAM_TOPICS or _DOWNSTREAM_WITH_TEMPLATES.fullmatch(topic_filter):
        return True
    if "+" not in topic_filter and "#" not in topic_filter:
        return False
    # a wildcard is granted when it reaches something of the device; it receives its own topics only, whatever it asks
    examples = (*DOWNSTREAM_TOPICS, "s/dc/x", "s/dl/x", "s/ol/x")
    return any(matches(topic_filter, topic) for topic in examples)


def is_downstream(topic: str) -> bool:
    """Tell whether ``topic`` is one that the platform publishes on for a device."""
    return topic in DOWNSTREAM_TOPICS or _DOWNSTREAM_WITH_TEMPLATES.fullmatch(topic) is not None
