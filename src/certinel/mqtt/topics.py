"""Topic names and topic filters: what is well-formed, and what matches (MQTT 3.1.1, 4.7; MQTT 5.0, 4.7 and 4.8).

Which topics a device may use is not decided here.
"""

from certinel.mqtt.errors import MalformedPacketError, ProtocolViolationError

SEPARATOR = "/"
ONE_LEVEL = "+"
ALL_LEVELS = "#"
SHARED_PREFIX = "$share/"


def check_topic_name(name: str) -> None:
    """Refuse an empty topic name (4.7.3) and one with wildcards (3.3.2.1)."""
    if not name:
        raise ProtocolViolationError("a topic name is empty")
    if ONE_LEVEL in name or ALL_LEVELS in name:
        raise MalformedPacketError("a topic name holds a wildcard")


def check_topic_filter(topic_filter: str) -> None:
    """Refuse an empty filter and a wildcard that does not stand for whole levels, or ``#`` that is not last (4.7.1)."""
    if not topic_filter:
        raise ProtocolViolationError("a topic filter is empty")
    if ONE_LEVEL not in topic_filter and ALL_LEVELS not in topic_filter:
        return
    levels = topic_filter.split(SEPARATOR)
    for level in levels:
        if len(level) > 1 and (ONE_LEVEL in level or ALL_LEVELS in level):
            raise MalformedPacketError("a wildcard shares its level with other characters")
    if ALL_LEVELS in levels[:-1]:
        raise MalformedPacketError("the multi-level wildcard is not the last level")


def is_shared(topic_filter: str) -> bool:
    """Tell whether a filter asks for a shared subscription; before MQTT 5.0 it is an ordinary filter (5.0, 4.8.2)."""
    return topic_filter.startswith(SHARED_PREFIX)


def check_shared_filter(topic_filter: str) -> None:
    """Refuse a shared subscription without a proper share name or filter (MQTT 5.0, 4.8.2)."""
    share_name, _, shared = topic_filter.removeprefix(SHARED_PREFIX).partition(SEPARATOR)
    if not share_name or ONE_LEVEL in share_name or ALL_LEVELS in share_name:
        raise MalformedPacketError("a shared subscription has no proper share name")
    check_topic_filter(shared)


def matches(topic_filter: str, name: str) -> bool:
    """Tell whether a topic name matches a well-formed filter.

    A filter that starts with a wildcard does not match a name that starts with ``$`` (4.7.2).
    """
    if topic_filter == name:
        return True
    if name.startswith("$") and topic_filter.startswith((ONE_LEVEL, ALL_LEVELS)):
        return False
    wanted = topic_filter.split(SEPARATOR)
    levels = name.split(SEPARATOR)
    if wanted[-1] == ALL_LEVELS:
        wanted.pop()
        # "sport/#" also matches "sport" (4.7.1.2)
        if len(levels) < len(wanted):
            return False
        levels = levels[: len(wanted)]
    return len(wanted) == len(levels) and all(
        want in (level, ONE_LEVEL) for want, level in zip(wanted, levels, strict=True)
    )
