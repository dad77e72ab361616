"""What may be remembered of a verification: that presented bytes are well formed, and that a path verified.

Both depend on nothing but the presented bytes, the trusted certificate's bytes and the time. State, length,
revocation, names and registration are looked up afresh each time and never kept here (trust.md section 3).
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from certinel.domain.certificate import Certificate
from certinel.domain.chain import PresentedChain, digest_of, read_presented, verify
from certinel.domain.errors import Refusal
from certinel.domain.path_fault import Path, PathFault

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

DEFAULT_MAX_ENTRIES = 20_000
"""About 3 kB each: 60 MB when full."""


@dataclass(frozen=True, slots=True)
class _Verified:
    path: Path
    since: datetime
    until: datetime


class VerdictMemory:
    """A bounded memory of positive outcomes; what was not used longest is forgotten first."""

    def __init__(self, max_entries: int = DEFAULT_MAX_ENTRIES) -> None:
        self._max_entries = max_entries
        self._chains: OrderedDict[bytes, PresentedChain] = OrderedDict()
        self._paths: OrderedDict[tuple[bytes, bytes], _Verified] = OrderedDict()

    def read(self, presented: Sequence[bytes]) -> PresentedChain | Refusal:
        """Read a presented chain as `read_presented` does."""
        digest = digest_of(presented)
        known = self._chains.get(digest)
        if known is not None:
            self._chains.move_to_end(digest)
            return known
        read = read_presented(presented)
        if isinstance(read, PresentedChain):
            _keep(self._chains, digest, read, self._max_entries)
        return read

    def path(self, digest: bytes, anchor: Certificate, at: datetime) -> Path | None:
        """Return the path from the chain with ``digest`` to ``anchor``, if it was verified and is still valid."""
        key = (digest, anchor.der)
        known = self._paths.get(key)
        if known is None or not known.since <= at <= known.until:
            return None
        self._paths.move_to_end(key)
        return known.path

    def verify(self, digest: bytes, path: Path, at: datetime) -> PathFault | None:
        """Verify ``path`` as `chain.verify` does, and remember it when nothing is wrong with it at ``at``."""
        fault = verify(path, at=at)
        if fault is None and path[-1].is_valid(at):
            until = min(certificate.not_after for certificate in path)
            since = max(certificate.not_before for certificate in path)
            _keep(self._paths, (digest, path[-1].der), _Verified(path, since, until), self._max_entries)
        return fault


def _keep(memory: OrderedDict[_Key, _Value], key: _Key, value: _Value, max_entries: int) -> None:
    memory[key] = value
    if len(memory) > max_entries:
        memory.popitem(last=False)
