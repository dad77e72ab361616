"""What may be remembered of a verification: which paths of a presented chain verified.

That depends on nothing but the presented bytes, the trusted certificate's bytes and the time. State, length,
revocation, names and registration are looked up afresh each time and never kept here (trust.md section 3).
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from weakref import WeakValueDictionary

from certinel.domain.certificate import Certificate
from certinel.domain.chain import PresentedChain, digest_of, read_presented
from certinel.domain.errors import Refusal
from certinel.domain.path_fault import Path

DEFAULT_MAX_BYTES = 256 * 1024 * 1024
"""Some 14,000 chains of a device and a CA if all their issuers were different; usually they share them: half of it."""

CERTIFICATE_OVERHEAD_BYTES = 8_000
"""What a certificate takes in memory besides twice its DER, measured by the size of the process."""

JUST_READ_CHAINS = 64
"""About those that are decided on while one of them waits for its turn; a few megabytes at most."""


@dataclass(frozen=True, slots=True)
class _Verified:
    path: Path
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class _Remembered:
    presented: PresentedChain
    size: int
    verified: dict[bytes, _Verified] = field(default_factory=dict)
    """By the DER of the trusted certificate at the end."""


class VerdictMemory:
    """A bounded memory of positive outcomes; the chain that was not used longest is forgotten first.

    A chain of which no path ever verified is never kept: strangers cannot fill the memory. Only the last few chains
    that were read are at hand, whatever they are: each is read several times on the way to a decision.
    """

    def __init__(self, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._chains: OrderedDict[bytes, _Remembered] = OrderedDict()
        self._just_read: OrderedDict[bytes, PresentedChain] = OrderedDict()
        self._issuers: WeakValueDictionary[bytes, Certificate] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._chains)

    def knows(self, presented: Sequence[bytes]) -> bool:
        """Tell whether a path of this chain is remembered."""
        return digest_of(presented) in self._chains

    def read(self, presented: Sequence[bytes]) -> PresentedChain | Refusal:
        """Read a presented chain as `read_presented` does."""
        digest = digest_of(presented)
        known = self._chains.get(digest)
        chain = known.presented if known is not None else self._just_read.get(digest)
        if chain is not None:
            return chain
        read = read_presented(presented, self._parse)
        if isinstance(read, PresentedChain):
            self._just_read[digest] = read
            if len(self._just_read) > JUST_READ_CHAINS:
                self._just_read.popitem(last=False)
        return read

    def _parse(self, der: bytes) -> Certificate:
        return self._issuers.get(der) or Certificate.parse(der)

    def path(self, presented: PresentedChain, anchor: Certificate, at: datetime) -> Path | None:
        """Return the path from ``presented`` to ``anchor``, if it was verified and all of it is still valid."""
        chain = self._chains.get(presented.digest)
        known = chain.verified.get(anchor.der) if chain is not None else None
        if known is None or not known.since <= at <= known.until:
            return None
        self._chains.move_to_end(presented.digest)
        return known.path

    def remember(self, presented: PresentedChain, path: Path) -> None:
        """Keep that ``path`` of ``presented`` verified at a moment at which all of it was valid."""
        chain = self._chains.get(presented.digest)
        if chain is None:
            size = sum(2 * len(one.der) + CERTIFICATE_OVERHEAD_BYTES for one in presented.certificates)
            chain = self._chains[presented.digest] = _Remembered(presented, size)
            self._bytes += size
            # thousands of devices send the same ones
            self._issuers.update((one.der, one) for one in presented.certificates[1:])
        since = max(certificate.not_before for certificate in path)
        until = min(certificate.not_after for certificate in path)
        chain.verified[path[-1].der] = _Verified(path, since, until)
        while self._bytes > self._max_bytes:
            _, forgotten = self._chains.popitem(last=False)
            self._bytes -= forgotten.size
