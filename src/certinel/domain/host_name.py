"""The names under which devices and people reach the platform."""

from collections.abc import Iterable


class HostNames:
    """Some host names, upper and lower case alike; ``*.example.org`` stands for every name with one label before it."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = frozenset(name.lower() for name in names)

    def cover(self, name: str) -> bool:
        """Tell whether ``name`` is one of them."""
        lower = name.lower()
        _, dot, above = lower.partition(".")
        return lower in self._names or (bool(dot) and f"*.{above}" in self._names)
