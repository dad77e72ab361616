"""A mapping that cannot grow without bound: the entries used least recently make room."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """At most ``limit`` entries; any may be gone at any time, so it must be possible to find out its value again."""

    __slots__ = ("_entries", "_limit")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        """Return how many entries are remembered."""
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """Return the entry and count this as a use of it."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        """Remember ``value``, in place of what was remembered under ``key``."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._limit:
            self._entries.popitem(last=False)

    def forget(self, key: K) -> None:
        """Remove the entry, if there is one."""
        self._entries.pop(key, None)

    def forget_where(self, applies: Callable[[K], bool]) -> None:
        """Remove all entries whose key ``applies``; looks at every entry."""
        for key in [key for key in self._entries if applies(key)]:
            del self._entries[key]

    def clear(self) -> None:
        """Remove everything."""
        self._entries.clear()
